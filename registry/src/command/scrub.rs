//! `scrub`: reads back what is stored, in this process or, when a registry runs on the store, in that.

use std::num::NonZeroU64;

use clap::Args;
use holdfast_formats::name::Namespace;
use holdfast_formats::number::{ByteSize, Seconds};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{ExitCode as Exit, ScrubOrder, ScrubRequest, ScrubRun, ScrubStatus};
use holdfast_registry::config::{ServeConfig, ServeFlags, parse_bytes};
use holdfast_registry::node::Node;
use holdfast_registry::service::Failure;
use holdfast_registry::telemetry::start_logging;

use super::task::{self, Task};
use super::{CommandFailure, Format, opening, say};

/// The arguments of `scrub`.
#[derive(Args)]
pub(crate) struct ScrubArguments {
    #[command(flatten)]
    flags: ServeFlags,
    #[command(flatten)]
    choice: Choice,
    /// Only artifacts of this namespace
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<Namespace>,
    /// How many bytes a second it may read, such as 50M [default: as many as it can]
    #[arg(long, value_name = "BYTES", value_parser = parse_rate)]
    rate: Option<NonZeroU64>,
    /// End after so long, such as 2h; the next one goes on behind that
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    r#for: Option<Seconds>,
    /// How the outcome is written
    #[arg(long, value_name = "FORMAT", default_value = "plain")]
    format: Format,
}

#[derive(Args)]
#[group(multiple = false)]
struct Choice {
    /// Every artifact, those first that nobody read back for longest [the default]
    #[arg(long)]
    all: bool,
    /// Only so many of a hundred artifacts, those that nobody read back for longest
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent)]
    sample: Option<u32>,
    /// Only artifacts that nobody read back for so long, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    older_than: Option<Seconds>,
}

/// Why a run is no success.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScrubError {
    /// Something is damaged.
    #[error(
        "{artifacts} artifacts are damaged, and no lookup answers them: push the same bytes again, then scrub"
    )]
    Bad {
        /// How many.
        artifacts: u64,
    },
    /// Something is left.
    #[error("not all was read back: {why}; the next scrub goes on where it was")]
    Incomplete {
        /// Why.
        why: String,
    },
}

impl ScrubError {
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Bad { .. } => Exit::Integrity,
            Self::Incomplete { .. } => Exit::Incomplete,
        }
    }
}

/// Reading back, as a task of a node.
pub(super) struct Scrub;

impl Task for Scrub {
    const NAME: &'static str = "scrub";
    type Request = ScrubRequest;
    type Status = ScrubStatus;
    type Run = ScrubRun;

    fn look() -> ScrubRequest {
        ScrubRequest { start: None }
    }

    async fn take(node: &Node, request: ScrubRequest) -> Result<ScrubStatus, Failure> {
        node.service().operate_scrub(request).await
    }

    fn running(status: &ScrubStatus) -> Option<Timestamp> {
        status.running.as_ref().map(|run| run.started)
    }

    fn ended(status: ScrubStatus) -> Option<(Timestamp, ScrubRun)> {
        status.last.map(|run| (run.started, run))
    }
}

pub(crate) fn run(arguments: ScrubArguments) -> Result<(), CommandFailure> {
    let ScrubArguments { flags, choice, namespace, rate, r#for, format } = arguments;
    let mut config = ServeConfig::load(flags)?;
    config.serves_nobody();
    start_logging(config.log_format, &config.log_level)?;
    let order = ScrubOrder {
        percent: choice.sample,
        older_than_s: choice.older_than,
        namespace,
        bytes_per_s: rate.map(|rate| ByteSize::new(rate.get())).transpose()?,
        ends_after_s: r#for,
    };
    Ok(opening::run(&config, scrub(&config, order, format))?)
}

async fn scrub(config: &ServeConfig, order: ScrubOrder, format: Format) -> anyhow::Result<()> {
    let run = task::run::<Scrub>(config, ScrubRequest { start: Some(order) }).await?;
    show(&run, format)?;
    let damaged = run.bad.get().saturating_add(run.touched.get());
    if damaged > 0 {
        return Err(ScrubError::Bad { artifacts: damaged }.into());
    }
    match (run.stopped, run.unread.get()) {
        (Some(why), _) => Err(ScrubError::Incomplete { why }.into()),
        (None, 0) => Ok(()),
        (None, unread) => {
            let why = format!("{unread} artifacts could not be read; the log of the registry says why");
            Err(ScrubError::Incomplete { why }.into())
        }
    }
}

fn show(run: &ScrubRun, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return Ok(say(&serde_json::to_string_pretty(run)?)?);
    }
    let took_ms = run.ended.map_or(0, |ended| ended.ms_since(run.started));
    say(&format!(
        "read      {} artifacts, {} bytes in {}.{:03} s",
        run.artifacts,
        run.bytes,
        took_ms / 1000,
        took_ms % 1000
    ))?;
    say(&format!("damaged   {}", run.bad))?;
    say(&format!("touched   {}", run.touched))?;
    Ok(say(&format!("unread    {}", run.unread))?)
}

fn parse_rate(text: &str) -> Result<NonZeroU64, String> {
    let bytes = parse_bytes(text.strip_suffix("/s").unwrap_or(text)).and_then(NonZeroU64::new);
    bytes.ok_or_else(|| "write a number of bytes a second, such as 50M".to_owned())
}

fn parse_age(text: &str) -> Result<Seconds, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    Seconds::new(duration.as_secs()).map_err(|error| error.to_string())
}

fn parse_percent(text: &str) -> Result<u32, String> {
    let percent = text.strip_suffix('%').unwrap_or(text).parse().ok();
    percent.filter(|percent| (1..=100).contains(percent)).ok_or_else(|| "write 1% to 100%".to_owned())
}

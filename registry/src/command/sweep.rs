//! `sweep`: ends what nothing keeps and deletes what nothing refers to, in this process or, when a registry runs on the
//! store, in that.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use holdfast_formats::wire::v1::{
    ExitCode as Exit, SweepOrder, SweepReport, SweepRequest, SweepRun, SweepStatus, SweptArtifact,
};
use holdfast_registry::config::{ServeConfig, ServeFlags};
use holdfast_registry::node::Node;
use holdfast_registry::objects::OpenError;
use holdfast_registry::telemetry::{Metrics, start_logging};

use super::{CommandFailure, asking, opening, say};

const TASK: &str = "sweep";
/// How often a run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The arguments of `sweep`.
#[derive(Args)]
pub(crate) struct SweepArguments {
    #[command(flatten)]
    flags: ServeFlags,
    /// Change nothing, and show exactly what a sweep would do now
    #[arg(long)]
    dry_run: bool,
    /// How the outcome is written
    #[arg(long, value_name = "FORMAT", default_value = "plain")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Plain,
    /// One JSON object.
    Json,
}

/// Why a run is no success.
#[derive(Debug, thiserror::Error)]
pub(super) enum SweepFailure {
    /// It was cut short.
    #[error("the sweep was cut short, and the next one goes on where it was: {0}")]
    CutShort(String),
    /// The registry went away.
    #[error("the registry ended, and the sweep with it; the next one goes on where it was")]
    Ended,
}

impl SweepFailure {
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::CutShort(_) => Exit::Incomplete,
            Self::Ended => Exit::Unreachable,
        }
    }
}

pub(crate) fn run(arguments: SweepArguments) -> Result<(), CommandFailure> {
    let SweepArguments { flags, dry_run, format } = arguments;
    let mut config = ServeConfig::load(flags)?;
    config.serves_nobody();
    start_logging(config.log_format, &config.log_level)?;
    Ok(opening::run(&config, sweep(&config, dry_run, format))?)
}

async fn sweep(config: &ServeConfig, dry_run: bool, format: Format) -> anyhow::Result<()> {
    let registry = Registry::find(config).await?;
    let outcome = registry.follow(dry_run).await;
    registry.leave().await;
    match outcome? {
        SweepRun { report: Some(report), .. } => show(&report, format),
        SweepRun { failed, .. } => Err(SweepFailure::CutShort(failed.unwrap_or_default()).into()),
    }
}

/// Who does it.
enum Registry<'a> {
    Own(Box<Node>),
    Running(&'a ServeConfig),
}

impl<'a> Registry<'a> {
    async fn find(config: &'a ServeConfig) -> anyhow::Result<Self> {
        let store = match opening::store(config).await {
            Ok(store) => store,
            Err(error) if matches!(error.downcast_ref(), Some(OpenError::Locked { .. })) => {
                return Ok(Self::Running(config));
            }
            Err(error) => return Err(error),
        };
        let node = opening::node(config, store, &Arc::new(Metrics::new()), None).await?;
        Ok(Self::Own(Box::new(node)))
    }

    async fn ask(&self, start: Option<SweepOrder>) -> anyhow::Result<SweepStatus> {
        let request = SweepRequest { start };
        match self {
            Self::Own(node) => Ok(node.service().operate_sweep(&request)?),
            Self::Running(config) => asking::ask(config, TASK, &request).await,
        }
    }

    /// Begins a run and waits for its end.
    async fn follow(&self, dry_run: bool) -> anyhow::Result<SweepRun> {
        let begun = self.ask(Some(SweepOrder { dry_run })).await?;
        let started = begun.running.or(begun.last.map(|run| run.started)).ok_or(SweepFailure::Ended)?;
        loop {
            let status = self.ask(None).await?;
            if let Some(ended) = status.last.filter(|run| run.started == started) {
                return Ok(ended);
            }
            if status.running != Some(started) {
                return Err(SweepFailure::Ended.into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn leave(self) {
        if let Self::Own(node) = self {
            node.stop().await;
        }
    }
}

fn show(report: &SweepReport, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return Ok(say(&serde_json::to_string_pretty(report)?)?);
    }
    list("announced", &report.announced)?;
    list("ended", &report.ended)?;
    say(&format!("waiting    {} artifacts that were announced before", report.waiting))?;
    say(&format!("deleted    {} objects, {} bytes", report.objects, report.bytes))?;
    say(&format!("leftovers  {}", report.leftovers))?;
    say(&format!("resumed    {} earlier sweeps", report.resumed))?;
    say(&format!("stored     {} bytes before", report.stored_bytes))?;
    say(&format!("too young  {} bytes that nothing refers to", report.young_bytes))?;
    if report.dry_run {
        say("Nothing was changed: this is what a sweep would do now.")?;
    }
    Ok(())
}

fn list(what: &str, artifacts: &[SweptArtifact]) -> anyhow::Result<()> {
    for swept in artifacts {
        say(&format!("{what:<10} {}: {}", swept.artifact.r#ref, swept.why.join("; ")))?;
    }
    Ok(())
}

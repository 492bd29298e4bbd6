//! `sweep`: ends what nothing keeps and deletes what nothing refers to, in this process or, when a registry runs on the
//! store, in that.

use clap::Args;
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{
    SweepOrder, SweepReport, SweepRequest, SweepRun, SweepStatus, SweptArtifact,
};
use holdfast_registry::config::{ServeConfig, ServeFlags};
use holdfast_registry::node::Node;
use holdfast_registry::service::Failure;
use holdfast_registry::telemetry::start_logging;

use super::task::{self, Task};
use super::{CommandFailure, Format, opening, say};

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

/// A run that was cut short.
#[derive(Debug, thiserror::Error)]
#[error("the sweep was cut short, and the next one goes on where it was: {0}")]
pub(super) struct CutShort(String);

/// Sweeping, as a task of a node.
pub(super) struct Sweep;

impl Task for Sweep {
    const NAME: &'static str = "sweep";
    type Request = SweepRequest;
    type Status = SweepStatus;
    type Run = SweepRun;

    fn look() -> SweepRequest {
        SweepRequest { start: None }
    }

    async fn take(node: &Node, request: SweepRequest) -> Result<SweepStatus, Failure> {
        node.service().operate_sweep(&request)
    }

    fn running(status: &SweepStatus) -> Option<Timestamp> {
        status.running
    }

    fn ended(status: SweepStatus) -> Option<(Timestamp, SweepRun)> {
        status.last.map(|run| (run.started, run))
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
    let order = SweepRequest { start: Some(SweepOrder { dry_run }) };
    match task::run::<Sweep>(config, order).await? {
        SweepRun { report: Some(report), .. } => show(&report, format),
        SweepRun { failed, .. } => Err(CutShort(failed.unwrap_or_default()).into()),
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

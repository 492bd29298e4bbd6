//! `status`: how the registry does, in its own words.

use holdfast_formats::wire::v1::{ChannelSchedules, ExitCode, ScrubStatus, Status};
use indicatif::HumanBytes;

use crate::command::{overdue, witness};
use crate::failure::Failure;
use crate::moment::shown_duration;
use crate::output::{Answer, Line, Variables};
use crate::session::Session;

const AFTER_HELP: &str = "\
What the registry says about itself is not proven; `holdfast audit` proves it. Ends with 8 when it takes no writes.

Channels that you may read are named when something is overdue there that their policy schedules (snapshots, drills), or when \
an objective (RPO, RTO, rollback window) is unmet, or unknown because nothing measured it. The exit code does not say so; \
monitors read `.schedules` of --format json, or holdfast_overdue and holdfast_objective_unmet of /metrics.

Example:
  holdfast status";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let status = registry.status().await?;
        let channels = overdue::channels(&registry).await?;
        session.output().answer(&answer(&registry.url(), &status, &channels)?)?;
        match (&status.halted, status.writable) {
            (Some(reason), _) => {
                Err(Failure::new(ExitCode::Integrity, format!("the registry has halted: {reason}")).into())
            }
            (None, false) => {
                Err(Failure::new(ExitCode::Unreachable, "the registry takes no writes now").into())
            }
            (None, true) => Ok(()),
        }
    }
}

fn answer(
    url: &str,
    status: &Status,
    (overdue, more): &(Vec<ChannelSchedules>, bool),
) -> anyhow::Result<Answer> {
    let variables = Variables::none()
        .with("HOLDFAST_ORIGIN", status.origin.to_string())?
        .with("HOLDFAST_SIZE", status.size.to_string())?
        .with("HOLDFAST_WRITABLE", status.writable.to_string())?;
    let newest = status.newest_entry.map_or_else(|| "none yet".to_owned(), |time| time.to_string());
    let policy = status.policy.map_or_else(|| "none yet: log in".to_owned(), |number| number.to_string());
    let artifacts = status.artifacts.zip(status.artifact_bytes);
    let artifacts = artifacts
        .map(|(count, bytes)| Line::plain(format!("  artifacts  {count}, {}", HumanBytes(bytes.get()))));
    let channels = status.channels.map(|count| Line::plain(format!("  channels   {count}")));
    let mut json = serde_json::to_value(status)?;
    if let Some(fields) = json.as_object_mut() {
        fields.insert("schedules".to_owned(), serde_json::to_value(overdue)?);
    }
    Ok(Answer::new(&json)?
        .line(Line::heading(format!("{} at {url}, version {}", status.origin, status.version)))
        .text(format!("  log        {} entries, the newest of {newest}", status.size))
        .text(format!("  policy     {policy}"))
        .with_lines(artifacts.into_iter().chain(channels))
        .with_lines(status.scrub.iter().flat_map(scrub_lines))
        .with_lines(status.witnesses.iter().flat_map(|one| witness::lines(one, false)))
        .with_lines(overdue::lines(overdue, *more))
        .text(format!("  up         {}", shown_duration(status.uptime_s.as_ms())))
        .with_variables(variables))
}

/// How reading back what is stored does.
fn scrub_lines(scrub: &ScrubStatus) -> Vec<Line> {
    let since = match (scrub.full, &scrub.oldest) {
        (Some(full), Some(oldest)) => format!("everything was read back since {full}; {oldest} is next"),
        (None, Some(oldest)) => format!("not everything was read back yet; {oldest} is next"),
        (_, None) => "there is nothing to read back".to_owned(),
    };
    let running = scrub.running.as_ref().map(|run| {
        let read = HumanBytes(run.bytes.get());
        Line::plain(format!(
            "             a run goes on since {}: {} artifacts, {read}",
            run.started, run.artifacts
        ))
    });
    let unsound = scrub.unsound.get();
    let damaged = (unsound > 0)
        .then(|| Line::plain(format!("  damaged    {unsound} artifacts: push them again, then scrub")));
    let first = Line::plain(format!("  scrubbed   {since}"));
    std::iter::once(first).chain(running).chain(damaged).collect()
}

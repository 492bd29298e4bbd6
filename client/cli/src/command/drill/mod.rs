//! `drill`: goes back to what is known-good in a folder of its own, measures how long that takes, and logs how it went.
//!
//! Nothing that runs is touched: the drill proves that what is known-good can be had and works, before it is needed.

mod command;
mod recording;
mod stages;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use holdfast_client::{Draft, Registry, Submitted};
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::statement::{Rollback, RollbackPhase};
use holdfast_formats::text::Reason;
use holdfast_formats::wire::v1::{ExitCode, KnownGoodQuery};
use holdfast_verify::known_good::{AnsweredLine, KnownGoodAnswer};
use serde_json::json;

use super::known_good_variables::variables;
use super::known_good_view::{KnownGoodView, Source};
use crate::failure::Failure;
use crate::moment::{parse_duration, shown_duration};
use crate::output::{Answer, Line, Variables};
use crate::session::Session;
use crate::signing::Signing;
use recording::Recording;
use stages::Folders;

const AFTER_HELP: &str = "\
Looks up what is known-good, fetches every component that the registry holds into DIR (a release: each into DIR/COMPONENT; \
snapshots of trees are restored), reads all of it back from the disk, and runs COMMAND there is to prove that it works. Each \
stage is measured. Two statements are logged: that the drill began, and how it ended, with its steps and what was reached: \
rto_s, from the question to the end of COMMAND, and rpo_s, how old the oldest data of its snapshots were when it began. \
COMMAND succeeds by exit code 0.

COMMAND gets the variables of `holdfast known-good --format env`, and besides HOLDFAST_DRILL (the id), HOLDFAST_DIR, and \
for each component HOLDFAST_<NAME>_DIR. What it prints goes to standard error.

Ends with 0 when it succeeded, 11 when COMMAND failed or took too long, else with the code of what went wrong. A failure after \
the drill began is logged, too. A drill that succeeded is evidence for a pin: --evidence drill:ENTRY.

Examples:
  holdfast drill shop/prod --to /srv/drill -- ./smoke-test
  holdfast drill shop/prod --to drill --time-limit 30m -m \"monthly\" -- sh -c 'psql -f \"$HOLDFAST_DATABASE_DIR/dump.sql\"'";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channel
    channel: ChannelName,
    /// An empty folder, or one that is not there yet
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The line, where the channel has several
    #[arg(long, value_name = "NAME")]
    component: Option<ArtifactName>,
    /// End COMMAND after so long; the drill has failed then
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    time_limit: Option<Duration>,
    /// Why, or what is practised
    #[arg(long, short = 'm', value_name = "REASON", default_value = "a drill")]
    reason: Reason,
    /// What proves that it works
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        if self.signing.is_prepared() {
            let why = "a drill is logged as it happens, so it cannot be prepared for others to sign";
            return Err(Failure::usage(why).with_hint("leave --prepare out").into());
        }
        require_empty(&self.to)?;
        let registry = session.registry()?;
        let begun = registry.now();
        let lookup = registry.known_good(&self.channel, &self.query(), None).await?;
        let good = lookup.answer.get();
        let line = only_line(good)?;
        let mut recording = Recording::begin(begun, registry.now(), &self.channel)?;
        let rollback = recording.started(&registry, line, self.reason.clone()).await?;
        self.log(rollback.clone(), &registry, session).await?;
        let outcome = self.practise(good, line, &mut recording, &registry, session).await;
        let ended = recording.ended(rollback, outcome.is_ok(), registry.now())?;
        let logged = self.log(ended.clone(), &registry, session).await;
        if outcome.is_err() {
            // Why the drill failed matters more than why that could not be logged.
            if let Err(error) = logged {
                session.output().warning(format!("that the drill failed is not logged: {error:#}"));
            }
            return outcome;
        }
        answer(&ended, &logged?, session)
    }

    /// Everything after the lookup, stage by stage.
    async fn practise(
        &self,
        good: &KnownGoodAnswer,
        line: &AnsweredLine,
        recording: &mut Recording,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.to)?;
        let folders = Folders::of(good, line, &self.to.canonicalize()?)?;
        stages::fetch(registry, &folders, recording).await?;
        recording.restored(registry.now());
        stages::verify(registry, &folders, recording).await?;
        let mut variables = variables(&KnownGoodView::of(good, Source::Registry))?
            .with("HOLDFAST_DRILL", recording.id().to_string())?
            .with("HOLDFAST_DIR", folders.root().display().to_string())?;
        variables = folders.variables(variables)?;
        let started = registry.now();
        session.output().note(format!("running {}", self.command.join(" ")));
        let checked = command::run(&self.command, &variables, self.time_limit).await;
        recording.checked(started, registry.now(), checked.is_ok())?;
        checked
    }

    async fn log(
        &self,
        rollback: Rollback,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<Submitted> {
        let submitted = self.signing.log(Draft::new(rollback), registry, session).await?;
        submitted.ok_or_else(|| Failure::usage("nothing was logged").into())
    }

    fn query(&self) -> KnownGoodQuery {
        KnownGoodQuery {
            component: self.component.clone(),
            not: None,
            at: None,
            back: None,
            min_size: None,
            policy: None,
        }
    }
}

/// What is there already could make a drill succeed that must not.
fn require_empty(folder: &Path) -> anyhow::Result<()> {
    let mut found = match std::fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
    };
    if found.next().is_none() {
        return Ok(());
    }
    let why = format!("{} is not empty", folder.display());
    Err(Failure::usage(why).with_hint("name a folder that is empty or is not there yet").into())
}

fn only_line(good: &KnownGoodAnswer) -> Result<&AnsweredLine, Failure> {
    match good.lines.as_slice() {
        [only] => Ok(only),
        lines => {
            let names: Vec<String> = lines.iter().map(|line| line.name.to_string()).collect();
            Err(Failure::usage(format!("{} has the lines {}", good.channel, names.join(", ")))
                .with_hint("name one of them with --component"))
        }
    }
}

fn answer(ended: &Rollback, logged: &Submitted, session: &Session) -> anyhow::Result<()> {
    let achieved = ended.achieved.as_ref();
    let seconds = |value: Option<u64>| value.map_or_else(String::new, |s| s.to_string());
    let (rto, rpo) = (achieved.map(|a| a.rto_s.get()), achieved.map(|a| a.rpo_s.get()));
    let variables = Variables::none()
        .with("HOLDFAST_INDEX", logged.index.to_string())?
        .with("HOLDFAST_DRILL", ended.rollback_id.to_string())?
        .with("HOLDFAST_RTO_S", seconds(rto))?
        .with("HOLDFAST_RPO_S", seconds(rpo))?;
    let view = json!({
        "index": logged.index, "time": logged.time, "rollback_id": ended.rollback_id, "phase": ended.phase,
        "channel": ended.channel, "from": ended.from, "to": ended.to, "times": ended.times, "steps": ended.steps,
        "achieved": ended.achieved, "checks": ended.checks,
    });
    let shown = |value: Option<u64>| shown_duration(value.unwrap_or(0).saturating_mul(1000));
    let summary = format!(
        "drill {} {} (entry {}): back within {}, data {} old",
        ended.rollback_id,
        RollbackPhase::Succeeded,
        logged.index,
        shown(rto),
        shown(rpo)
    );
    let steps = ended.steps.iter().flatten().map(|step| {
        let ms = step.ended.ms_since(step.started);
        Line::plain(format!("  {:<10} {:<20} {:>8} ms", step.op_key, step.component, ms))
    });
    session.output().answer(&Answer::new(&view)?.text(summary).with_lines(steps).with_variables(variables))
}

/// The drill was made and logged, and what it should show it did not.
fn not_shown(message: String) -> anyhow::Error {
    Failure::new(ExitCode::Incomplete, message)
        .with_hint("the drill is logged as failed; what was fetched is still there to look at")
        .into()
}

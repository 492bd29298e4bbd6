//! `rollback step`: one component is back, or is not.

use holdfast_client::{Draft, Registry};
use holdfast_formats::digest::NamedDigest;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{Rollback, Step, StepOutcome};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;

use super::Which;
use crate::command::logged::logged;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
A step with the key of an earlier one takes its place, so that a script may say it again.

Example:
  holdfast rollback step \"$id\" --component database --outcome ok";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// Which component
    #[arg(long, value_name = "NAME")]
    component: Label,
    /// How it went: ok, failed or skipped
    #[arg(long, value_name = "OUTCOME")]
    outcome: StepOutcome,
    /// Its stage; the release's when left out
    #[arg(long, value_name = "N")]
    stage: Option<u32>,
    /// The operation's idempotency key; the component's name when left out
    #[arg(long, value_name = "KEY")]
    op_key: Option<Label>,
    /// The state afterwards
    #[arg(long, value_name = "DIGEST")]
    state: Option<NamedDigest>,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let mut rollback = registry.find_rollback(&self.which.channel()?, &self.which.id).await?;
        let stage = match self.stage {
            Some(stage) => stage,
            None => stage_in_release(&registry, &rollback, &self.component).await?,
        };
        let mut steps = rollback.steps.take().unwrap_or_default();
        self.record(&mut steps, rollback.times.started, stage, registry.now());
        rollback.steps = Some(steps);
        let done = format!("rollback {}: {} {}", self.which.id, self.component, self.outcome);
        let Some(submitted) = self.signing.log(Draft::new(rollback), &registry, session).await? else {
            return Ok(());
        };
        session.output().answer(&logged(&done, None, &submitted)?)
    }

    /// Puts the step behind the others, or in the place of the one with its key.
    fn record(&self, steps: &mut Vec<Step>, begun: Option<Timestamp>, stage: u32, now: Timestamp) {
        let op_key = self.op_key.clone().unwrap_or_else(|| self.component.clone());
        let place = steps.iter().position(|step| step.op_key == op_key);
        let seq = place.unwrap_or(steps.len()).saturating_add(1);
        let before = steps.last().map(|step| step.ended).or(begun).unwrap_or(now);
        let started = place.and_then(|at| steps.get(at)).map_or(before, |step| step.started);
        let step = Step {
            seq: u32::try_from(seq).unwrap_or(u32::MAX),
            component: self.component.clone(),
            stage,
            op_key,
            started: started.min(now),
            ended: now,
            outcome: self.outcome,
            state_digest: self.state,
        };
        match place.and_then(|at| steps.get_mut(at)) {
            Some(earlier) => *earlier = step,
            None => steps.push(step),
        }
    }
}

/// The component's stage in the release that is gone back to, 0 where it has none.
async fn stage_in_release(
    registry: &Registry,
    rollback: &Rollback,
    component: &Label,
) -> anyhow::Result<u32> {
    let Some(target) = &rollback.to else { return Ok(0) };
    let name = rollback.from.r#ref.name().clone();
    let record =
        registry.artifact(&Reference::Digest(name, NamedDigest::Blake3(target.digests.blake3))).await?;
    let components = record.manifest().release().map_or(&[][..], |release| release.components.as_slice());
    Ok(components.iter().find(|c| c.name == *component).map_or(0, |c| c.stage))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &str) -> Args {
        let matches = Line::command().get_matches_from(std::iter::once("step").chain(line.split(' ')));
        Line::from_arg_matches(&matches).unwrap().args
    }

    #[test]
    fn a_step_said_twice_stays_one_step() {
        let (mut steps, at) = (Vec::new(), Timestamp::from_ms);
        args("id --component api --outcome failed").record(&mut steps, Some(at(10)), 4, at(20));
        args("id --component schema --outcome ok").record(&mut steps, Some(at(10)), 2, at(30));
        args("id --component api --outcome ok").record(&mut steps, Some(at(10)), 4, at(40));
        let seen: Vec<_> = steps
            .iter()
            .map(|s| (s.seq, s.component.as_str(), s.outcome, s.started.as_ms(), s.ended.as_ms()))
            .collect();
        assert_eq!(seen, [(1, "api", StepOutcome::Ok, 10, 40), (2, "schema", StepOutcome::Ok, 20, 30)]);
    }
}

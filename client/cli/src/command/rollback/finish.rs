//! `rollback finish`: how it ended.

use std::time::Duration;

use clap::ValueEnum;
use holdfast_client::Draft;
use holdfast_formats::number::Seconds;
use holdfast_formats::statement::{Rollback, RollbackCause, RollbackPhase};
use holdfast_formats::time::Timestamp;

use super::Which;
use crate::command::logged::logged;
use crate::moment::parse_duration;
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
Examples:
  holdfast rollback finish \"$id\" --outcome succeeded
  holdfast rollback finish \"$id\" --outcome failed --cause dependency --downtime 12m";

const CAUSES: &str = "design, automation, data_protection, config, dependency, human or unknown";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// How it ended
    #[arg(long, value_enum, value_name = "OUTCOME")]
    outcome: Outcome,
    /// How long users were without service
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    downtime: Option<Duration>,
    #[arg(long, value_name = "CAUSE", help = CAUSES)]
    cause: Option<RollbackCause>,
    /// Harm was avoided by luck
    #[arg(long)]
    near_miss: bool,
    #[command(flatten)]
    signing: Signing,
}

/// The ends that a rollback can come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Outcome {
    /// Done and verified.
    Succeeded,
    /// It did not work.
    Failed,
    /// Given up before it changed anything.
    Aborted,
}

impl Outcome {
    const fn phase(self) -> RollbackPhase {
        match self {
            Self::Succeeded => RollbackPhase::Succeeded,
            Self::Failed => RollbackPhase::Failed,
            Self::Aborted => RollbackPhase::Aborted,
        }
    }
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let mut rollback = registry.find_rollback(&self.which.channel()?, &self.which.id).await?;
        self.end(&mut rollback, registry.now())?;
        let done = format!("rollback {} {}", self.which.id, rollback.phase);
        let Some(submitted) = self.signing.log(Draft::new(rollback), &registry, session).await? else {
            return Ok(());
        };
        session.output().answer(&logged(&done, None, &submitted)?)
    }

    fn end(&self, rollback: &mut Rollback, now: Timestamp) -> anyhow::Result<()> {
        rollback.phase = self.outcome.phase();
        rollback.times.ended = Some(now);
        if self.outcome == Outcome::Succeeded {
            rollback.times.restored.get_or_insert(now);
            rollback.times.verified = Some(now);
        }
        if let Some(downtime) = self.downtime {
            rollback.downtime_s = Some(Seconds::new(downtime.as_secs())?);
        }
        rollback.cause = self.cause.or(rollback.cause);
        if self.near_miss {
            rollback.near_miss = Some(true);
        }
        Ok(())
    }
}

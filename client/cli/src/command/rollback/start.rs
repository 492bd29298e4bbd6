//! `rollback start`: what is left, where it goes, by which pin, and why.

use holdfast_client::{Draft, Registry};
use holdfast_formats::name::ChannelName;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{
    Artifact, Rollback, RollbackPhase, RollbackTarget, RollbackTimes, Trigger,
};
use holdfast_formats::text::{Label, Reason};
use holdfast_formats::wire::v1::ExitCode;
use serde_json::json;

use super::{fresh_id, owner_of_key};
use crate::command::recent::{Recent, is_pin_of};
use crate::failure::Failure;
use crate::output::{Answer, Variables};
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
Example:
  id=$(holdfast rollback start shop/prod --to shop/release@1.4.1 -m \"wrong totals\")
  holdfast rollback step \"$id\" --component api --outcome ok
  holdfast rollback finish \"$id\" --outcome succeeded";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channel
    channel: ChannelName,
    /// Where it goes back to: a pinned artifact
    #[arg(long, value_name = "REF")]
    to: Reference,
    /// What is left; the newest deploy when left out
    #[arg(long, value_name = "REF")]
    from: Option<Reference>,
    /// Why
    #[arg(long, short = 'm', value_name = "REASON")]
    reason: Reason,
    /// It is only an exercise
    #[arg(long)]
    drill: bool,
    /// What set it off
    #[arg(long, default_value = "a decision", value_name = "SIGNAL")]
    signal: Label,
    /// Where the signal came from
    #[arg(long = "signal-source", default_value = "a person", value_name = "SOURCE")]
    source: Label,
    /// Who answers for it; the owner of your key when left out
    #[arg(long, value_name = "WHO")]
    owner: Option<Label>,
    /// An irreversible step that is accepted knowingly
    #[arg(long = "accept", value_name = "STEP")]
    accepted: Vec<Label>,
    /// Your own id, such as that of the incident
    #[arg(long, value_name = "ID")]
    id: Option<Label>,
    #[command(flatten)]
    signing: Signing,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let rollback = self.rollback(&registry).await?;
        let id = rollback.rollback_id.to_string();
        let (from, to) = (rollback.from.r#ref.to_string(), self.to.to_string());
        let Some(submitted) = self.signing.log(Draft::new(rollback), &registry, session).await? else {
            return Ok(());
        };
        session.output().note(format!(
            "rollback of {} from {from} to {to} is started (entry {})",
            self.channel, submitted.index
        ));
        let variables = Variables::none().with("HOLDFAST_ROLLBACK", &id)?;
        let json = json!({ "rollback_id": id, "channel": self.channel, "from": from, "to": to, "index": submitted.index });
        session.output().answer(&Answer::new(&json)?.text(id).with_variables(variables))
    }

    async fn rollback(&self, registry: &Registry) -> anyhow::Result<Rollback> {
        let target = registry.resolve(&self.to).await?;
        let recent = Recent::read(registry, &self.channel, |entry| is_pin_of(entry, &target)).await?;
        let pin = recent.pin_of(&target).ok_or_else(|| {
            Failure::new(ExitCode::NotFound, format!("{} was never pinned on {}", target.r#ref, self.channel))
                .with_hint("`holdfast known-good` tells what can be gone back to")
        })?;
        let from = self.from(registry, &recent, &target).await?;
        Ok(Rollback {
            rollback_id: self.id()?,
            drill: self.drill,
            phase: RollbackPhase::Started,
            channel: self.channel.clone(),
            from,
            to: Some(RollbackTarget { pin, digests: target.digests }),
            plan_digest: None,
            trigger: self.trigger(),
            calendar_window: None,
            owner: self.owner(registry).await?,
            lead: None,
            approvals: None,
            scope: None,
            irreversible_accepted: (!self.accepted.is_empty()).then(|| self.accepted.clone()),
            safety_snapshot: None,
            steps: None,
            times: times(registry),
            downtime_s: None,
            achieved: None,
            inconsistencies: None,
            checks: None,
            reason: self.reason.clone(),
            cause: None,
            near_miss: None,
            actions: None,
        })
    }

    fn id(&self) -> anyhow::Result<Label> {
        self.id.clone().map_or_else(|| fresh_id(&self.channel), Ok)
    }

    fn trigger(&self) -> Trigger {
        Trigger {
            signal: self.signal.clone(),
            source: self.source.clone(),
            threshold: None,
            observed: None,
            rule: None,
        }
    }

    /// The named artifact, else what was deployed last of the same name; another version, when there was one, because the
    /// way back may have been reported as a deployment already.
    async fn from(
        &self,
        registry: &Registry,
        recent: &Recent,
        target: &Artifact,
    ) -> anyhow::Result<Artifact> {
        if let Some(reference) = &self.from {
            return Ok(registry.resolve(reference).await?);
        }
        let deployed =
            || recent.deploys().map(|(_, d)| &d.artifact).filter(|a| a.r#ref.name() == target.r#ref.name());
        let left = deployed().find(|artifact| *artifact != target).or_else(|| deployed().next());
        let missing = || {
            let message =
                format!("nothing of {} was deployed to {} lately", target.r#ref.name(), self.channel);
            Failure::usage(message).with_hint("say with --from what is left")
        };
        Ok(left.cloned().ok_or_else(missing)?)
    }

    async fn owner(&self, registry: &Registry) -> anyhow::Result<Label> {
        match &self.owner {
            Some(owner) => Ok(owner.clone()),
            None => owner_of_key(registry).await,
        }
    }
}

fn times(registry: &Registry) -> RollbackTimes {
    let started = Some(registry.now());
    RollbackTimes { detected: None, decided: None, started, restored: None, verified: None, ended: None }
}

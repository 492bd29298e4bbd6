//! `deploy`: this artifact goes, went or failed to go to this channel.

use holdfast_client::{Draft, HistoryEntry, Registry, new_id};
use holdfast_formats::name::ChannelName;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{Artifact, Deploy, DeployPhase, Direction};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;

use super::logged::logged;
use super::recent::{Recent, is_deploy_of, is_pin_of};
use crate::session::Session;
use crate::signing::Signing;

const AFTER_HELP: &str = "\
Say 'started' before you touch anything and 'succeeded' or 'failed' afterwards; the end finds its start by itself. What was \
deployed last is what `known-good --not current` leaves out.

Examples:
  holdfast deploy shop/prod shop/release@1.4.2 started
  holdfast deploy shop/prod shop/release@1.4.2 succeeded
  holdfast deploy shop/prod shop/release@1.4.1 started --direction rollback";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channel
    channel: ChannelName,
    /// What is deployed
    #[arg(value_name = "REF")]
    reference: Reference,
    /// How far it is: started, succeeded or failed
    phase: DeployPhase,
    /// forward, or rollback
    #[arg(long, default_value = "forward")]
    direction: Direction,
    /// Your own id of the deployment, where several run at once
    #[arg(long, value_name = "ID")]
    id: Option<Label>,
    /// Blue or green, a cell, a region
    #[arg(long, value_name = "SLOT")]
    slot: Option<Label>,
    #[command(flatten)]
    signing: Signing,
}

/// What the phases of one deployment share.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    id: Label,
    attempt: u32,
    started: Timestamp,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let artifact = registry.resolve(&self.reference).await?;
        let draft = self.draft(&registry, &artifact).await?;
        let Some(submitted) = self.signing.log(draft, &registry, session).await? else { return Ok(()) };
        let done =
            format!("deploy of {} to {}: {} ({})", artifact.r#ref, self.channel, self.phase, self.direction);
        session.output().answer(&logged(&done, Some(&artifact), &submitted)?)
    }

    async fn draft(&self, registry: &Registry, artifact: &Artifact) -> anyhow::Result<Draft> {
        let now = registry.now();
        let recent = Recent::read(registry, &self.channel, |entry| self.is_enough(entry, artifact)).await?;
        let identity = match self.phase {
            DeployPhase::Started => None,
            DeployPhase::Succeeded | DeployPhase::Failed => self.begun(&recent, artifact),
        };
        let identity = identity.map_or_else(|| self.begin(&recent, artifact, now), Ok)?;
        let replaces = recent
            .deploys()
            .map(|(_, deploy)| &deploy.artifact)
            .find(|before| is_other_version(before, artifact));
        let pin = if self.direction == Direction::Rollback { recent.pin_of(artifact) } else { None };
        Ok(Draft::new(Deploy {
            channel: self.channel.clone(),
            deploy_id: identity.id,
            attempt: identity.attempt,
            phase: self.phase,
            direction: self.direction,
            artifact: artifact.clone(),
            replaces: replaces.cloned(),
            pin,
            slot: self.slot.clone(),
            cohort: None,
            steps: None,
            observed: None,
            started: identity.started,
            ended: (self.phase != DeployPhase::Started).then_some(now.max(identity.started)),
        }))
    }

    /// A rollback names the pin it goes by, which is older than the deployments it undoes.
    fn is_enough(&self, entry: &HistoryEntry, artifact: &Artifact) -> bool {
        match self.direction {
            Direction::Forward => is_deploy_of(entry, artifact),
            Direction::Rollback => is_pin_of(entry, artifact),
        }
    }

    /// The newest deployment of this artifact, when it has started and not ended.
    fn begun(&self, recent: &Recent, artifact: &Artifact) -> Option<Identity> {
        let (_, newest) = recent.deploys().find(|(_, deploy)| self.is_same(deploy, artifact))?;
        (newest.phase == DeployPhase::Started).then(|| Identity {
            id: newest.deploy_id.clone(),
            attempt: newest.attempt,
            started: newest.started,
        })
    }

    /// A new deployment, or with a known id the next attempt at it.
    fn begin(&self, recent: &Recent, artifact: &Artifact, now: Timestamp) -> anyhow::Result<Identity> {
        let Some(id) = &self.id else {
            return Ok(Identity { id: new_id().to_string().parse()?, attempt: 1, started: now });
        };
        let before = recent
            .deploys()
            .filter(|(_, deploy)| self.is_same(deploy, artifact))
            .map(|(_, deploy)| deploy.attempt)
            .max();
        Ok(Identity { id: id.clone(), attempt: before.unwrap_or(0).saturating_add(1), started: now })
    }

    fn is_same(&self, deploy: &Deploy, artifact: &Artifact) -> bool {
        deploy.artifact == *artifact
            && deploy.direction == self.direction
            && deploy.slot == self.slot
            && self.id.as_ref().is_none_or(|id| *id == deploy.deploy_id)
    }
}

fn is_other_version(before: &Artifact, artifact: &Artifact) -> bool {
    before.r#ref.name() == artifact.r#ref.name() && before.digests != artifact.digests
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};
    use holdfast_formats::digest::Digests;

    use super::*;
    use crate::command::recent::tests::recent_of;

    fn args(line: &str) -> Args {
        let command = Args::augment_args(clap::Command::new("deploy"));
        let matches = command.get_matches_from(std::iter::once("deploy").chain(line.split(' ')));
        Args::from_arg_matches(&matches).unwrap()
    }

    fn artifact(reference: &str) -> Artifact {
        Artifact { r#ref: reference.parse().unwrap(), digests: Digests::of(reference.as_bytes()) }
    }

    fn deploy(reference: &str, id: &str, phase: DeployPhase) -> holdfast_formats::statement::Predicate {
        let started = Timestamp::from_ms(5);
        Deploy {
            channel: "shop/prod".parse().unwrap(),
            deploy_id: id.parse().unwrap(),
            attempt: 3,
            phase,
            direction: Direction::Forward,
            artifact: artifact(reference),
            replaces: None,
            pin: None,
            slot: None,
            cohort: None,
            steps: None,
            observed: None,
            started,
            ended: None,
        }
        .into()
    }

    #[test]
    fn the_end_of_a_deployment_finds_its_start() {
        let recent = recent_of(vec![
            deploy("shop/web@2", "b", DeployPhase::Started),
            deploy("shop/web@1", "a", DeployPhase::Started),
        ]);
        let begun = args("shop/prod shop/web@1 succeeded").begun(&recent, &artifact("shop/web@1")).unwrap();
        assert_eq!((begun.id.as_str(), begun.attempt, begun.started.as_ms()), ("a", 3, 5));
        let rollback = args("shop/prod shop/web@1 succeeded --direction rollback");
        assert_eq!(rollback.begun(&recent, &artifact("shop/web@1")), None);
    }

    #[test]
    fn a_deployment_that_has_ended_is_not_ended_again() {
        let recent = recent_of(vec![
            deploy("shop/web@1", "a", DeployPhase::Failed),
            deploy("shop/web@1", "a", DeployPhase::Started),
        ]);
        assert_eq!(args("shop/prod shop/web@1 succeeded").begun(&recent, &artifact("shop/web@1")), None);
        let again = args("shop/prod shop/web@1 started --id a");
        let begun = again.begin(&recent, &artifact("shop/web@1"), Timestamp::from_ms(9)).unwrap();
        assert_eq!((begun.id.as_str(), begun.attempt, begun.started.as_ms()), ("a", 4, 9));
    }
}

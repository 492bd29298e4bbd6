//! What was deployed on a line: what is current, and what came after the target of a way back.

use holdfast_formats::key::KeyId;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::policy::Policy;

use super::choice::{ChooseError, UndoneRelease};
use super::closure::find;
use super::standing::still_counts;
use crate::facts::{ArtifactFact, DeployFact, Facts, FactsError};
use crate::reach::Ask;

/// How many deployments are read at first; ever more, as long as they do not suffice.
const FIRST_LIMIT: usize = 16;
const LIMIT_MAX: usize = 4096;

/// The deployments of one line.
#[derive(Clone, Copy)]
pub(super) struct Deploys<'a> {
    pub(super) facts: &'a dyn Facts,
    pub(super) policy: &'a Policy,
    pub(super) channel: &'a ChannelName,
    pub(super) name: &'a ArtifactName,
}

impl Deploys<'_> {
    /// The newest deployment, of any phase.
    pub(super) fn current(self) -> Result<Option<DeployFact>, FactsError> {
        let (found, _) = self.newest(None, &|found| !found.is_empty())?;
        Ok(found.into_iter().next())
    }

    /// What was deployed since the target was (since it was published, when it never was), newest first, each artifact
    /// once; and the target's own newest deployment.
    pub(super) fn since(
        self,
        target: &ArtifactFact,
    ) -> Result<(Vec<UndoneRelease>, Option<DeployFact>), ChooseError> {
        let is_target = |deploy: &DeployFact| deploy.artifact == target.artifact;
        let (found, complete) = self.newest(Some(target), &|found| found.iter().any(is_target))?;
        if !complete {
            let target = target.artifact.r#ref.clone();
            return Err(ChooseError::TooManyDeploys { line: self.name.clone(), target });
        }
        let mut undone: Vec<UndoneRelease> = Vec::new();
        for deploy in found {
            if is_target(&deploy) {
                return Ok((undone, Some(deploy)));
            }
            if undone.iter().all(|earlier| earlier.deploy.artifact != deploy.artifact) {
                let artifact = find(self.facts, &deploy.artifact)?;
                undone.push(UndoneRelease { deploy, artifact });
            }
        }
        Ok((undone, None))
    }

    /// The newest deployments that still count, as many as it takes; and whether they are enough or all there are.
    fn newest(
        self,
        since: Option<&ArtifactFact>,
        enough: &dyn Fn(&[DeployFact]) -> bool,
    ) -> Result<(Vec<DeployFact>, bool), FactsError> {
        let mut limit = FIRST_LIMIT;
        loop {
            let mut found =
                self.facts.deploys(self.channel, self.name, since.map(|fact| fact.index), limit)?;
            let all = found.len() < limit;
            found = self.counting(found)?;
            let done = all || enough(&found);
            if done || limit >= LIMIT_MAX {
                return Ok((found, done));
            }
            limit *= 8;
        }
    }

    fn counting(self, found: Vec<DeployFact>) -> Result<Vec<DeployFact>, FactsError> {
        let ask = Ask::deployers(self.name, self.channel);
        let mut out = Vec::with_capacity(found.len());
        for deploy in found {
            let grant_of = |key: &KeyId| self.facts.grant_by_key(key);
            if still_counts(self.policy, deploy.index, &ask, &deploy.signers, grant_of)? {
                out.push(deploy);
            }
        }
        Ok(out)
    }
}

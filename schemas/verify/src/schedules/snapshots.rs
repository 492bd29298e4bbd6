//! Which snapshots count: those that one could go back to.

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::statement::ScrubOutcome;

use super::Schedules;
use crate::denial::denied;
use crate::facts::{ArtifactFact, FactsError};
use crate::known_good::standing::still_counts;
use crate::reach::Ask;

/// How many of a name are read at once.
const PAGE: usize = 16;
/// How many of a name are looked at: behind so many that do not count, there is none as far as anybody should rely on it.
const LOOKED_AT_MAX: usize = 256;

impl Schedules<'_> {
    /// The newest snapshots of a name that count in a channel, newest first; at most `limit`.
    pub(super) fn good_snapshots(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, FactsError> {
        let (mut good, mut below, mut seen) = (Vec::new(), None, 0);
        while seen < LOOKED_AT_MAX {
            let page = self.facts.snapshots(name, below, PAGE)?;
            seen += PAGE;
            let is_last = page.len() < PAGE;
            for fact in page {
                below = Some(fact.index);
                if self.is_good(channel, &fact)? {
                    good.push(fact);
                    if good.len() == limit {
                        return Ok(good);
                    }
                }
            }
            if is_last {
                break;
            }
        }
        Ok(good)
    }

    /// Not ended, not found bad, not denied there, and published by somebody who is still trusted.
    fn is_good(&self, channel: &ChannelName, fact: &ArtifactFact) -> Result<bool, FactsError> {
        if fact.ended.is_some() || fact.scrub.is_some_and(|scrub| scrub.outcome != ScrubOutcome::Good) {
            return Ok(false);
        }
        let policy = &self.in_force.policy;
        let publishers = Ask::publishers(fact.artifact.r#ref.name());
        let grant_of = |key: &_| self.facts.grant_by_key(key);
        Ok(denied(self.facts, policy, &fact.artifact, channel)?.is_none()
            && still_counts(policy, fact.index, &publishers, &fact.signers, grant_of)?)
    }
}

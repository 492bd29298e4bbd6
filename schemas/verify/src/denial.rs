//! Whether a deny stands against an artifact in a channel. Asked by the rule book and by every lookup, so that what cannot
//! be pinned cannot be answered either.

use holdfast_formats::name::ChannelName;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{Artifact, ComponentRef, DenyScope};

use crate::facts::{ArtifactFact, DenyFact, Facts, FactsError};
use crate::signature::trusted;

impl DenyFact {
    /// Whether this deny, while it stands, is against an artifact in a channel.
    ///
    /// `channel` and `namespace` hold for whatever has the denied digests there. `everywhere` holds for artifacts of the
    /// namespace that answers for the deny: nobody denies another tenant's artifacts by their digests.
    pub fn is_against(&self, artifact: &Artifact, channel: &ChannelName) -> bool {
        if self.digests != artifact.digests {
            return false;
        }
        match self.scope {
            DenyScope::Channel => self.channel.as_ref() == Some(channel),
            DenyScope::Namespace => channel.namespace() == self.name.namespace(),
            DenyScope::Everywhere => artifact.r#ref.name().namespace() == self.name.namespace(),
        }
    }
}

/// The first deny that stands against an artifact in a channel: not lifted, and by somebody whom the policy still trusts.
pub fn denied(
    facts: &dyn Facts,
    policy: &Policy,
    artifact: &Artifact,
    channel: &ChannelName,
) -> Result<Option<DenyFact>, FactsError> {
    for deny in denies_against(facts, artifact, channel)? {
        if stands(facts, policy, &deny)? {
            return Ok(Some(deny));
        }
    }
    Ok(None)
}

/// All denies against an artifact in a channel, ended ones included, by index.
pub(crate) fn denies_against(
    facts: &dyn Facts,
    artifact: &Artifact,
    channel: &ChannelName,
) -> Result<Vec<DenyFact>, FactsError> {
    let mut denies = facts.denies_of(&artifact.digests)?;
    denies.retain(|deny| deny.is_against(artifact, channel));
    Ok(denies)
}

/// Whether a deny stands: not lifted, and by somebody whom the policy still trusts.
pub(crate) fn stands(facts: &dyn Facts, policy: &Policy, deny: &DenyFact) -> Result<bool, FactsError> {
    let trusted = trusted(policy, deny.index, &deny.signers, |key| facts.grant_by_key(key))?;
    Ok(deny.lifted.is_none() && !trusted.is_empty())
}

/// The first deny that stands against an artifact or one of its held components, with what it is against.
pub fn denied_with_components(
    facts: &dyn Facts,
    policy: &Policy,
    fact: &ArtifactFact,
    channel: &ChannelName,
) -> Result<Option<(Artifact, DenyFact)>, FactsError> {
    let components = fact.components.iter().map(component_artifact);
    for artifact in std::iter::once(fact.artifact.clone()).chain(components) {
        if let Some(deny) = denied(facts, policy, &artifact, channel)? {
            return Ok(Some((artifact, deny)));
        }
    }
    Ok(None)
}

/// A component as the artifact that it is.
pub fn component_artifact(component: &ComponentRef) -> Artifact {
    Artifact { r#ref: component.r#ref.clone(), digests: component.digests }
}

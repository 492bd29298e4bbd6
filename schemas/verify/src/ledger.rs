//! Facts in memory: what an auditor who replays a log, and every test, judges against.
//!
//! It applies the same effects and gives the same answers as the registry's index, and knows nothing else.

mod touches;

use std::collections::{BTreeMap, HashMap};

use holdfast_formats::digest::{Digests, Sha256Digest};
use holdfast_formats::key::KeyId;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::PinNumber;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::version::Version;

use crate::facts::{
    ArtifactFact, AttestFact, DenyFact, DeployFact, Effect, Facts, FactsError, FreezeFact, GrantFact,
    PinFact, PolicyFact, RollbackFact, ScrubFact, TagFact,
};
use touches::Touches;

/// Everything that follows from a log up to some size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    size: TreeSize,
    newest_time: Option<Timestamp>,
    policies: Vec<PolicyFact>,
    payloads: HashMap<Sha256Digest, LeafIndex>,
    artifacts: BTreeMap<ArtifactRef, ArtifactFact>,
    by_digest: HashMap<(ArtifactName, Digests), ArtifactRef>,
    tags: BTreeMap<(ArtifactName, Version), TagFact>,
    pins: BTreeMap<ChannelName, BTreeMap<ArtifactName, Vec<PinFact>>>,
    pins_by_entry: BTreeMap<LeafIndex, PinFact>,
    touches: Touches,
    denies: BTreeMap<LeafIndex, DenyFact>,
    denies_of: HashMap<Digests, Vec<LeafIndex>>,
    freezes: BTreeMap<LeafIndex, FreezeFact>,
    open_freezes: BTreeMap<ChannelName, Vec<LeafIndex>>,
    deploys: BTreeMap<LeafIndex, DeployFact>,
    deploys_of: BTreeMap<(ChannelName, ArtifactName), Vec<LeafIndex>>,
    attests: BTreeMap<LeafIndex, AttestFact>,
    grants: BTreeMap<LeafIndex, GrantFact>,
    grants_by_token: HashMap<Sha256Digest, LeafIndex>,
    grants_by_claims: HashMap<Sha256Digest, LeafIndex>,
    grants_by_key: HashMap<KeyId, LeafIndex>,
    rollbacks: BTreeMap<LeafIndex, RollbackFact>,
    newest_rollbacks: BTreeMap<Label, LeafIndex>,
}

impl Ledger {
    /// The state before entry 0.
    pub fn empty() -> Self {
        Self {
            size: TreeSize::ZERO,
            newest_time: None,
            policies: Vec::new(),
            payloads: HashMap::new(),
            artifacts: BTreeMap::new(),
            by_digest: HashMap::new(),
            tags: BTreeMap::new(),
            pins: BTreeMap::new(),
            pins_by_entry: BTreeMap::new(),
            touches: Touches::none(),
            denies: BTreeMap::new(),
            denies_of: HashMap::new(),
            freezes: BTreeMap::new(),
            open_freezes: BTreeMap::new(),
            deploys: BTreeMap::new(),
            deploys_of: BTreeMap::new(),
            attests: BTreeMap::new(),
            grants: BTreeMap::new(),
            grants_by_token: HashMap::new(),
            grants_by_claims: HashMap::new(),
            grants_by_key: HashMap::new(),
            rollbacks: BTreeMap::new(),
            newest_rollbacks: BTreeMap::new(),
        }
    }

    /// Counts an entry, accepted or not: its place, its payload and its time. Called once an entry, after its effects.
    pub fn note_entry(&mut self, index: LeafIndex, payload: Sha256Digest, time: Timestamp) {
        self.payloads.entry(payload).or_insert(index);
        self.newest_time = Some(self.newest_time.map_or(time, |newest| newest.max(time)));
        self.size = index.size_through().unwrap_or(self.size);
    }

    /// Applies one effect of an accepted entry.
    pub fn apply(&mut self, effect: &Effect) {
        self.touches.note(effect);
        match effect {
            Effect::Policy(fact) => self.policies.push(fact.clone()),
            Effect::Artifact(fact) => self.add_artifact(fact),
            Effect::Attest(fact) => {
                self.attests.insert(fact.index, fact.clone());
            }
            Effect::Tag(fact) => {
                self.tags.insert((fact.name.clone(), fact.tag.clone()), fact.clone());
            }
            Effect::Deploy(fact) => self.add_deploy(fact),
            Effect::Pin(fact) => self.add_pin(fact),
            Effect::Deny(fact) => self.add_deny(fact),
            Effect::Lift { deny, by } => {
                self.denies.entry(*deny).and_modify(|fact| fact.lifted = Some(*by));
            }
            Effect::Freeze(fact) => {
                self.open_freezes.entry(fact.channel.clone()).or_default().push(fact.index);
                self.freezes.insert(fact.index, fact.clone());
            }
            Effect::Thaw { freeze, by } => self.end_freeze(*freeze, *by),
            Effect::Grant(fact) => self.add_grant(fact),
            Effect::Revoke { grant, by } => {
                self.grants.entry(*grant).and_modify(|fact| fact.revoked = Some(*by));
            }
            Effect::Rollback(fact) => {
                self.newest_rollbacks.insert(fact.rollback_id.clone(), fact.index);
                self.rollbacks.insert(fact.index, fact.clone());
            }
            Effect::Scrub { artifacts, scrub } => self.add_scrub(artifacts, *scrub),
        }
    }

    /// Where a moving tag points.
    pub fn tag(&self, name: &ArtifactName, tag: &Version) -> Option<&TagFact> {
        self.tags.get(&(name.clone(), tag.clone()))
    }

    fn add_artifact(&mut self, fact: &ArtifactFact) {
        let artifact = &fact.artifact;
        let key = (artifact.r#ref.name().clone(), artifact.digests);
        self.by_digest.entry(key).or_insert_with(|| artifact.r#ref.clone());
        self.artifacts.insert(artifact.r#ref.clone(), fact.clone());
    }

    fn add_deploy(&mut self, fact: &DeployFact) {
        let line = (fact.channel.clone(), fact.artifact.r#ref.name().clone());
        self.deploys_of.entry(line).or_default().push(fact.index);
        self.deploys.insert(fact.index, fact.clone());
    }

    fn add_pin(&mut self, fact: &PinFact) {
        let lines = self.pins.entry(fact.channel.clone()).or_default();
        lines.entry(fact.artifact.r#ref.name().clone()).or_default().push(fact.clone());
        self.pins_by_entry.insert(fact.entry.index, fact.clone());
    }

    fn add_deny(&mut self, fact: &DenyFact) {
        self.denies_of.entry(fact.digests).or_default().push(fact.index);
        self.denies.insert(fact.index, fact.clone());
    }

    fn end_freeze(&mut self, freeze: LeafIndex, by: LeafIndex) {
        let Some(fact) = self.freezes.get_mut(&freeze) else { return };
        fact.thawed = Some(by);
        if let Some(open) = self.open_freezes.get_mut(&fact.channel) {
            open.retain(|index| *index != freeze);
        }
    }

    fn add_grant(&mut self, fact: &GrantFact) {
        self.grants_by_token.insert(fact.grant.token_sha256, fact.index);
        if let Some(oidc) = &fact.grant.oidc {
            self.grants_by_claims.insert(oidc.claims_sha256, fact.index);
        }
        if let Some(key) = &fact.grant.key {
            self.grants_by_key.insert(key.id(), fact.index);
        }
        self.grants.insert(fact.index, fact.clone());
    }

    fn add_scrub(&mut self, artifacts: &[Artifact], scrub: ScrubFact) {
        for artifact in artifacts {
            if let Some(fact) = self.artifacts.get_mut(&artifact.r#ref) {
                fact.scrub = Some(scrub);
            }
        }
    }

    fn line(&self, channel: &ChannelName, name: &ArtifactName) -> &[PinFact] {
        self.pins.get(channel).and_then(|lines| lines.get(name)).map_or(&[], Vec::as_slice)
    }
}

impl Facts for Ledger {
    fn size(&self) -> Result<TreeSize, FactsError> {
        Ok(self.size)
    }

    fn newest_time(&self) -> Result<Option<Timestamp>, FactsError> {
        Ok(self.newest_time)
    }

    fn policy(&self) -> Result<Option<PolicyFact>, FactsError> {
        Ok(self.policies.last().cloned())
    }

    fn policy_at(&self, index: LeafIndex) -> Result<Option<PolicyFact>, FactsError> {
        Ok(self.policies.iter().rev().find(|fact| fact.entry.index < index).cloned())
    }

    fn entry_of_payload(&self, payload: &Sha256Digest) -> Result<Option<LeafIndex>, FactsError> {
        Ok(self.payloads.get(payload).copied())
    }

    fn artifact(&self, artifact: &ArtifactRef) -> Result<Option<ArtifactFact>, FactsError> {
        Ok(self.artifacts.get(artifact).cloned())
    }

    fn artifact_by_digest(
        &self,
        name: &ArtifactName,
        digests: &Digests,
    ) -> Result<Option<ArtifactFact>, FactsError> {
        let oldest = self.by_digest.get(&(name.clone(), *digests));
        Ok(oldest.and_then(|artifact| self.artifacts.get(artifact)).cloned())
    }

    fn lines(&self, channel: &ChannelName) -> Result<Vec<ArtifactName>, FactsError> {
        Ok(self.pins.get(channel).map(|lines| lines.keys().cloned().collect()).unwrap_or_default())
    }

    fn pin(&self, index: LeafIndex) -> Result<Option<PinFact>, FactsError> {
        Ok(self.pins_by_entry.get(&index).cloned())
    }

    fn newest_touching(&self, channel: &ChannelName) -> Result<Option<LeafIndex>, FactsError> {
        Ok(self.touches.newest(channel))
    }

    fn pins(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        below: Option<PinNumber>,
        limit: usize,
    ) -> Result<Vec<PinFact>, FactsError> {
        let newest_first = self.line(channel, name).iter().rev();
        let below = newest_first.filter(|pin| below.is_none_or(|below| pin.number < below));
        Ok(below.take(limit).cloned().collect())
    }

    fn deny(&self, index: LeafIndex) -> Result<Option<DenyFact>, FactsError> {
        Ok(self.denies.get(&index).cloned())
    }

    fn denies_of(&self, digests: &Digests) -> Result<Vec<DenyFact>, FactsError> {
        let indices = self.denies_of.get(digests).into_iter().flatten();
        Ok(indices.filter_map(|index| self.denies.get(index)).cloned().collect())
    }

    fn freeze(&self, index: LeafIndex) -> Result<Option<FreezeFact>, FactsError> {
        Ok(self.freezes.get(&index).cloned())
    }

    fn freezes(&self, channel: &ChannelName) -> Result<Vec<FreezeFact>, FactsError> {
        let open = self.open_freezes.get(channel).into_iter().flatten();
        Ok(open.filter_map(|index| self.freezes.get(index)).cloned().collect())
    }

    fn deploy(&self, index: LeafIndex) -> Result<Option<DeployFact>, FactsError> {
        Ok(self.deploys.get(&index).cloned())
    }

    fn deploys(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        after: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<DeployFact>, FactsError> {
        let indices = self.deploys_of.get(&(channel.clone(), name.clone())).into_iter().flatten().rev();
        let newer = indices.take_while(|index| after.is_none_or(|after| **index > after));
        Ok(newer.take(limit).filter_map(|index| self.deploys.get(index)).cloned().collect())
    }

    fn attest(&self, index: LeafIndex) -> Result<Option<AttestFact>, FactsError> {
        Ok(self.attests.get(&index).cloned())
    }

    fn grant(&self, index: LeafIndex) -> Result<Option<GrantFact>, FactsError> {
        Ok(self.grants.get(&index).cloned())
    }

    fn grant_by_token(&self, token: &Sha256Digest) -> Result<Option<GrantFact>, FactsError> {
        Ok(self.grants_by_token.get(token).and_then(|index| self.grants.get(index)).cloned())
    }

    fn grant_by_claims(&self, claims: &Sha256Digest) -> Result<Option<GrantFact>, FactsError> {
        Ok(self.grants_by_claims.get(claims).and_then(|index| self.grants.get(index)).cloned())
    }

    fn grant_by_key(&self, key: &KeyId) -> Result<Option<GrantFact>, FactsError> {
        Ok(self.grants_by_key.get(key).and_then(|index| self.grants.get(index)).cloned())
    }

    fn rollback(&self, index: LeafIndex) -> Result<Option<RollbackFact>, FactsError> {
        Ok(self.rollbacks.get(&index).cloned())
    }

    fn newest_rollback(&self, rollback_id: &Label) -> Result<Option<RollbackFact>, FactsError> {
        Ok(self.newest_rollbacks.get(rollback_id).and_then(|index| self.rollbacks.get(index)).cloned())
    }
}

#[cfg(test)]
mod tests;

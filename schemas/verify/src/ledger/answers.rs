//! The questions of the rule book and the lookups, answered from the tables.

use holdfast_formats::digest::{Digests, NamedDigest, Sha256Digest};
use holdfast_formats::key::KeyId;
use holdfast_formats::name::{ArtifactName, ChannelName, Namespace};
use holdfast_formats::number::PinNumber;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{ObjectClass, RollbackPhase};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeSize};

use super::Ledger;
use super::tables::{Table, TableValue, Tables};
use crate::facts::{
    ArtifactFact, AttestFact, DenyFact, DeployFact, Facts, FactsError, FreezeFact, GrantFact, HoldFact,
    PinFact, PolicyFact, RollbackFact, SweepFact,
};

/// The records of entries, in the order of the entries; one that went missing is left out.
fn all_of<V: TableValue>(
    table: &impl Table<(), LeafIndex, V>,
    indices: &[LeafIndex],
) -> Result<Vec<V>, FactsError> {
    indices.iter().filter_map(|index| table.get(&(), index).transpose()).collect()
}

fn one_of<V: TableValue>(
    table: &impl Table<(), LeafIndex, V>,
    index: Option<LeafIndex>,
) -> Result<Option<V>, FactsError> {
    index.map_or(Ok(None), |index| table.get(&(), &index))
}

impl<T: Tables> Facts for Ledger<T> {
    fn size(&self) -> Result<TreeSize, FactsError> {
        Ok(self.size)
    }

    fn newest_time(&self) -> Result<Option<Timestamp>, FactsError> {
        Ok(self.newest_time)
    }

    fn policy(&self) -> Result<Option<PolicyFact>, FactsError> {
        Ok(self.policy.clone())
    }

    fn policy_at(&self, index: LeafIndex) -> Result<Option<PolicyFact>, FactsError> {
        Ok(self.policies.newest(&(), None, Some(&index), 1)?.pop())
    }

    fn entry_of_payload(&self, payload: &Sha256Digest) -> Result<Option<LeafIndex>, FactsError> {
        let found = self.payloads.get(&(), payload)?;
        if found.is_none() {
            self.recent.note_absent(*payload);
        }
        Ok(found)
    }

    fn artifact(&self, artifact: &ArtifactRef) -> Result<Option<ArtifactFact>, FactsError> {
        self.recent.artifact(artifact, || self.artifacts.get(&(), artifact))
    }

    fn artifact_by_digest(
        &self,
        name: &ArtifactName,
        digests: &Digests,
    ) -> Result<Option<ArtifactFact>, FactsError> {
        match self.artifacts_by_digest.get(name, digests)? {
            Some(oldest) => self.artifacts.get(&(), &oldest),
            None => Ok(None),
        }
    }

    fn lines(&self, channel: &ChannelName) -> Result<Vec<ArtifactName>, FactsError> {
        self.lines.oldest(channel, None, usize::MAX)
    }

    fn pin(&self, index: LeafIndex) -> Result<Option<PinFact>, FactsError> {
        self.pins.get(&(), &index)
    }

    fn newest_touching(&self, channel: &ChannelName) -> Result<Option<LeafIndex>, FactsError> {
        self.touched.get(&(), channel)
    }

    fn pins(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        below: Option<PinNumber>,
        limit: usize,
    ) -> Result<Vec<PinFact>, FactsError> {
        let line = (channel.clone(), name.clone());
        all_of(&self.pins, &self.pins_of.newest(&line, None, below.as_ref(), limit)?)
    }

    fn pins_above(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        above: PinNumber,
        limit: usize,
    ) -> Result<Vec<PinFact>, FactsError> {
        let line = (channel.clone(), name.clone());
        all_of(&self.pins, &self.pins_of.oldest(&line, Some(&above), limit)?)
    }

    fn pins_of(&self, artifact: &ArtifactRef) -> Result<Vec<PinFact>, FactsError> {
        all_of(&self.pins, &self.pins_of_artifact.oldest(artifact, None, usize::MAX)?)
    }

    fn policies_after(&self, index: LeafIndex) -> Result<Vec<PolicyFact>, FactsError> {
        self.policies.oldest(&(), Some(&index), usize::MAX)
    }

    fn containers(&self, component: &ArtifactRef) -> Result<Vec<ArtifactRef>, FactsError> {
        self.containers.oldest(component, None, usize::MAX)
    }

    fn hold(&self, index: LeafIndex) -> Result<Option<HoldFact>, FactsError> {
        self.holds.get(&(), &index)
    }

    fn holds(&self, artifact: &ArtifactRef) -> Result<Vec<HoldFact>, FactsError> {
        all_of(&self.holds, &self.holds_of.oldest(artifact, None, usize::MAX)?)
    }

    fn sweep(&self, index: LeafIndex) -> Result<Option<SweepFact>, FactsError> {
        self.sweeps.get(&(), &index)
    }

    fn generation(
        &self,
        class: ObjectClass,
        namespace: &Namespace,
        digest: &NamedDigest,
    ) -> Result<LeafIndex, FactsError> {
        Ok(self.generations.get(&(namespace.clone(), class), digest)?.unwrap_or(LeafIndex::FIRST))
    }

    fn deny(&self, index: LeafIndex) -> Result<Option<DenyFact>, FactsError> {
        self.denies.get(&(), &index)
    }

    fn denies_of(&self, digests: &Digests) -> Result<Vec<DenyFact>, FactsError> {
        all_of(&self.denies, &self.denies_of.oldest(digests, None, usize::MAX)?)
    }

    fn freeze(&self, index: LeafIndex) -> Result<Option<FreezeFact>, FactsError> {
        self.freezes.get(&(), &index)
    }

    fn freezes(&self, channel: &ChannelName) -> Result<Vec<FreezeFact>, FactsError> {
        all_of(&self.freezes, &self.freezes_of.oldest(channel, None, usize::MAX)?)
    }

    fn deploy(&self, index: LeafIndex) -> Result<Option<DeployFact>, FactsError> {
        self.deploys.get(&(), &index)
    }

    fn deploys(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        after: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<DeployFact>, FactsError> {
        let line = (channel.clone(), name.clone());
        all_of(&self.deploys, &self.deploys_of.newest(&line, after.as_ref(), None, limit)?)
    }

    fn attest(&self, index: LeafIndex) -> Result<Option<AttestFact>, FactsError> {
        self.attests.get(&(), &index)
    }

    fn grant(&self, index: LeafIndex) -> Result<Option<GrantFact>, FactsError> {
        self.grants.get(&(), &index)
    }

    fn grant_by_token(&self, token: &Sha256Digest) -> Result<Option<GrantFact>, FactsError> {
        one_of(&self.grants, self.grants_by_token.get(&(), token)?)
    }

    fn grant_by_claims(&self, claims: &Sha256Digest) -> Result<Option<GrantFact>, FactsError> {
        one_of(&self.grants, self.grants_by_claims.get(&(), claims)?)
    }

    fn grant_by_key(&self, key: &KeyId) -> Result<Option<GrantFact>, FactsError> {
        one_of(&self.grants, self.grants_by_key.get(&(), key)?)
    }

    fn rollback(&self, index: LeafIndex) -> Result<Option<RollbackFact>, FactsError> {
        self.rollbacks.get(&(), &index)
    }

    fn newest_rollback(&self, rollback_id: &Label) -> Result<Option<RollbackFact>, FactsError> {
        one_of(&self.rollbacks, self.rollbacks_by_id.get(&(), rollback_id)?)
    }

    fn newest_in_phase(
        &self,
        channel: &ChannelName,
        drill: bool,
        phase: RollbackPhase,
    ) -> Result<Option<RollbackFact>, FactsError> {
        one_of(&self.rollbacks, self.rollbacks_by_phase.get(&(channel.clone(), drill), &phase)?)
    }

    fn snapshots(
        &self,
        name: &ArtifactName,
        below: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, FactsError> {
        let found = self.snapshots.newest(name, None, below.as_ref(), limit)?;
        found.iter().filter_map(|artifact| self.artifacts.get(&(), artifact).transpose()).collect()
    }

    fn channels_used(
        &self,
        after: Option<&ChannelName>,
        limit: usize,
    ) -> Result<Vec<ChannelName>, FactsError> {
        self.channels_used.oldest(&(), after, limit)
    }
}

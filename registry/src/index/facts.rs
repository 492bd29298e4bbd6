//! The index as a keeper of facts: every question of the rule book, answered from one snapshot.

use std::sync::Arc;

use holdfast_formats::digest::{Digests, NamedDigest, Sha256Digest};
use holdfast_formats::key::KeyId;
use holdfast_formats::name::{ArtifactName, ChannelName, Namespace};
use holdfast_formats::number::PinNumber;
use holdfast_formats::policy::Policy;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{EntryRef, ObjectClass, RollbackPhase};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_verify::facts::{
    ArtifactFact, AttestFact, DenyFact, DeployFact, Facts, FactsError, FreezeFact, GrantFact, HoldFact,
    PinFact, PolicyFact, RollbackFact, SweepFact,
};
use rusqlite::{OptionalExtension as _, params};

use super::IndexError;
use super::readers::View;
use super::rows::{all_facts, bytes32, digest_bytes, leaf_index, one_fact, signed, unsigned};

impl View<'_> {
    /// A policy by number; the newest when none is given.
    pub fn policy_numbered(&self, number: Option<u64>) -> Result<Option<PolicyFact>, IndexError> {
        let sql =
            "SELECT number, idx, leaf, time_ms FROM policies WHERE number <= ?1 ORDER BY number DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let newest = i64::MAX;
        let wanted = number.map_or(newest, signed);
        let found = statement
            .query_row([wanted], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
                    row.get::<_, i64>(3)?,
                ))
            })
            .optional()?;
        let Some((found, index, leaf, time)) = found else { return Ok(None) };
        if number.is_some_and(|n| signed(n) != found) {
            return Ok(None);
        }
        let leaf = TreeHash::from_bytes(bytes32(&leaf)?);
        let entry = EntryRef { index: leaf_index(index)?, leaf };
        let policy = self.policies.get(found, || self.load_policy(found))?;
        Ok(Some(PolicyFact { entry, policy, time: Timestamp::from_ms(unsigned(time)?) }))
    }

    /// The newest policy that was logged before an entry.
    fn policy_before(&self, index: LeafIndex) -> Result<Option<PolicyFact>, IndexError> {
        let sql = "SELECT number FROM policies WHERE idx < ?1 ORDER BY number DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let number: Option<i64> = statement.query_row([signed(index.get())], |row| row.get(0)).optional()?;
        match number {
            Some(number) => self.policy_numbered(Some(unsigned(number)?)),
            None => Ok(None),
        }
    }

    fn policies_behind(&self, index: LeafIndex) -> Result<Vec<PolicyFact>, IndexError> {
        let sql = "SELECT number FROM policies WHERE idx > ?1 ORDER BY number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let numbers: Vec<i64> =
            statement.query_map([signed(index.get())], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let one = |number| self.policy_numbered(Some(unsigned(number)?));
        numbers.into_iter().filter_map(|number| one(number).transpose()).collect()
    }

    fn releases_of(&self, component: &ArtifactRef) -> Result<Vec<ArtifactRef>, IndexError> {
        let sql = "SELECT release FROM components WHERE component = ?1 ORDER BY release";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([component.to_string()])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let release: String = row.get(0)?;
            out.push(release.parse().map_err(|_| IndexError::Damaged("a malformed reference"))?);
        }
        Ok(out)
    }

    pub(super) fn generation_of(
        &self,
        class: ObjectClass,
        namespace: &Namespace,
        digest: &NamedDigest,
    ) -> Result<LeafIndex, IndexError> {
        let sql = "SELECT g FROM generations WHERE namespace = ?1 AND class = ?2 AND digest = ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = params![namespace.as_str(), class.as_str(), digest_bytes(digest)];
        let found: Option<i64> = statement.query_row(key, |row| row.get(0)).optional()?;
        found.map_or(Ok(LeafIndex::FIRST), leaf_index)
    }

    fn load_policy(&self, number: i64) -> Result<Arc<Policy>, IndexError> {
        let policy = one_fact(self.connection, "SELECT policy FROM policies WHERE number = ?1", [number])?;
        policy.map(Arc::new).ok_or(IndexError::Damaged("a policy went missing"))
    }
}

impl Facts for View<'_> {
    fn size(&self) -> Result<TreeSize, FactsError> {
        match self.newest {
            Some(newest) => Ok(newest.size),
            None => Ok(self.position()?.map_or(TreeSize::ZERO, |p| p.size)),
        }
    }

    fn newest_time(&self) -> Result<Option<Timestamp>, FactsError> {
        match self.newest {
            Some(newest) => Ok(newest.time),
            None => Ok(self.position()?.map(|p| p.time)),
        }
    }

    fn policy(&self) -> Result<Option<PolicyFact>, FactsError> {
        match self.newest {
            Some(newest) => Ok(newest.policy.clone()),
            None => Ok(self.policy_numbered(None)?),
        }
    }

    fn policy_at(&self, index: LeafIndex) -> Result<Option<PolicyFact>, FactsError> {
        Ok(self.policy_before(index)?)
    }

    fn entry_of_payload(&self, payload: &Sha256Digest) -> Result<Option<LeafIndex>, FactsError> {
        if self.is_first(payload) { Ok(None) } else { Ok(self.entry_by_payload(payload)?) }
    }

    fn artifact(&self, artifact: &ArtifactRef) -> Result<Option<ArtifactFact>, FactsError> {
        let sql = "SELECT fact FROM artifacts WHERE ref = ?1";
        let load = || one_fact(self.connection, sql, [artifact.to_string()]);
        Ok(match self.newest {
            Some(newest) => newest.artifact(artifact, load)?,
            None => load()?,
        })
    }

    fn artifact_by_digest(
        &self,
        name: &ArtifactName,
        digests: &Digests,
    ) -> Result<Option<ArtifactFact>, FactsError> {
        Ok(self.artifact_by_blake3(name, &digests.blake3)?.filter(|fact| fact.artifact.digests == *digests))
    }

    fn lines(&self, channel: &ChannelName) -> Result<Vec<ArtifactName>, FactsError> {
        Ok(self.line_names(channel)?)
    }

    fn pin(&self, index: LeafIndex) -> Result<Option<PinFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM pins WHERE idx = ?1", [signed(index.get())])?)
    }

    fn newest_touching(&self, channel: &ChannelName) -> Result<Option<LeafIndex>, FactsError> {
        Ok(self.touching(channel, None, 1)?.pop())
    }

    fn pins(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        below: Option<PinNumber>,
        limit: usize,
    ) -> Result<Vec<PinFact>, FactsError> {
        let sql = "SELECT fact FROM pins WHERE channel = ?1 AND name = ?2 AND number < ?3 ORDER BY number DESC LIMIT ?4";
        let below = below.map_or(i64::MAX, |n| signed(n.get()));
        let limit = signed(limit as u64);
        Ok(all_facts(self.connection, sql, params![channel.as_str(), name.as_str(), below, limit])?)
    }

    fn pins_above(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        above: PinNumber,
        limit: usize,
    ) -> Result<Vec<PinFact>, FactsError> {
        let sql =
            "SELECT fact FROM pins WHERE channel = ?1 AND name = ?2 AND number > ?3 ORDER BY number LIMIT ?4";
        let (above, limit) = (signed(above.get()), signed(limit as u64));
        Ok(all_facts(self.connection, sql, params![channel.as_str(), name.as_str(), above, limit])?)
    }

    fn pins_of(&self, artifact: &ArtifactRef) -> Result<Vec<PinFact>, FactsError> {
        let sql = "SELECT fact FROM pins WHERE ref = ?1 ORDER BY idx";
        Ok(all_facts(self.connection, sql, [artifact.to_string()])?)
    }

    fn policies_after(&self, index: LeafIndex) -> Result<Vec<PolicyFact>, FactsError> {
        Ok(self.policies_behind(index)?)
    }

    fn containers(&self, component: &ArtifactRef) -> Result<Vec<ArtifactRef>, FactsError> {
        Ok(self.releases_of(component)?)
    }

    fn hold(&self, index: LeafIndex) -> Result<Option<HoldFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM holds WHERE idx = ?1", [signed(index.get())])?)
    }

    fn holds(&self, artifact: &ArtifactRef) -> Result<Vec<HoldFact>, FactsError> {
        let sql = "SELECT fact FROM holds WHERE ref = ?1 AND ended = 0 ORDER BY idx";
        Ok(all_facts(self.connection, sql, [artifact.to_string()])?)
    }

    fn sweep(&self, index: LeafIndex) -> Result<Option<SweepFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM sweeps WHERE idx = ?1", [signed(index.get())])?)
    }

    fn generation(
        &self,
        class: ObjectClass,
        namespace: &Namespace,
        digest: &NamedDigest,
    ) -> Result<LeafIndex, FactsError> {
        Ok(self.generation_of(class, namespace, digest)?)
    }

    fn deny(&self, index: LeafIndex) -> Result<Option<DenyFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM denies WHERE idx = ?1", [signed(index.get())])?)
    }

    fn denies_of(&self, digests: &Digests) -> Result<Vec<DenyFact>, FactsError> {
        let sql = "SELECT fact FROM denies WHERE blake3 = ?1 ORDER BY idx";
        Ok(all_facts(self.connection, sql, [digests.blake3.as_bytes()])?)
    }

    fn freeze(&self, index: LeafIndex) -> Result<Option<FreezeFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM freezes WHERE idx = ?1", [signed(index.get())])?)
    }

    fn freezes(&self, channel: &ChannelName) -> Result<Vec<FreezeFact>, FactsError> {
        let sql = "SELECT fact FROM freezes WHERE channel = ?1 AND thawed = 0 ORDER BY idx";
        Ok(all_facts(self.connection, sql, [channel.as_str()])?)
    }

    fn deploy(&self, index: LeafIndex) -> Result<Option<DeployFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM deploys WHERE idx = ?1", [signed(index.get())])?)
    }

    fn deploys(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        after: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<DeployFact>, FactsError> {
        let sql = "SELECT fact FROM deploys WHERE channel = ?1 AND name = ?2 AND idx > ?3 ORDER BY idx DESC LIMIT ?4";
        let after = after.map_or(-1, |i| signed(i.get()));
        let limit = signed(limit as u64);
        Ok(all_facts(self.connection, sql, params![channel.as_str(), name.as_str(), after, limit])?)
    }

    fn attest(&self, index: LeafIndex) -> Result<Option<AttestFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM attests WHERE idx = ?1", [signed(index.get())])?)
    }

    fn grant(&self, index: LeafIndex) -> Result<Option<GrantFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM grants WHERE idx = ?1", [signed(index.get())])?)
    }

    fn grant_by_token(&self, token: &Sha256Digest) -> Result<Option<GrantFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM grants WHERE token = ?1", [token.as_bytes()])?)
    }

    fn grant_by_claims(&self, claims: &Sha256Digest) -> Result<Option<GrantFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM grants WHERE claims = ?1", [claims.as_bytes()])?)
    }

    fn grant_by_key(&self, key: &KeyId) -> Result<Option<GrantFact>, FactsError> {
        let sql = "SELECT fact FROM grants WHERE key = ?1 ORDER BY idx DESC LIMIT 1";
        Ok(one_fact(self.connection, sql, [key.to_string()])?)
    }

    fn rollback(&self, index: LeafIndex) -> Result<Option<RollbackFact>, FactsError> {
        Ok(one_fact(self.connection, "SELECT fact FROM rollbacks WHERE idx = ?1", [signed(index.get())])?)
    }

    fn newest_rollback(&self, rollback_id: &Label) -> Result<Option<RollbackFact>, FactsError> {
        let sql = "SELECT fact FROM rollbacks WHERE rollback_id = ?1 ORDER BY idx DESC LIMIT 1";
        Ok(one_fact(self.connection, sql, [rollback_id.as_str()])?)
    }

    fn newest_in_phase(
        &self,
        channel: &ChannelName,
        drill: bool,
        phase: RollbackPhase,
    ) -> Result<Option<RollbackFact>, FactsError> {
        Ok(self.rollback_in_phase(channel, drill, phase)?)
    }

    fn snapshots(
        &self,
        name: &ArtifactName,
        below: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, FactsError> {
        Ok(self.snapshots_of(name, below, limit)?)
    }

    fn channels_used(
        &self,
        after: Option<&ChannelName>,
        limit: usize,
    ) -> Result<Vec<ChannelName>, FactsError> {
        Ok(self.channels_behind(after, limit)?)
    }
}

//! Applying what follows from entries.

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::manifest::Kind;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;
use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;

use super::Ledger;
use super::tables::{Table as _, Tables};
use crate::facts::{
    ArtifactFact, DenyFact, DeployFact, Effect, FactsError, FreezeFact, GrantFact, HoldFact, LiftFact,
    PinFact, RollbackFact, ScrubFact, SweepFact,
};

impl<T: Tables> Ledger<T> {
    /// Counts an entry, accepted or not: its place, its payload and its time. Called once an entry, after its effects.
    pub fn note_entry(
        &mut self,
        index: LeafIndex,
        payload: Sha256Digest,
        time: Timestamp,
    ) -> Result<(), FactsError> {
        if self.recent.take_absent(&payload) || self.payloads.get(&(), &payload)?.is_none() {
            self.payloads.insert(&(), &payload, &index)?;
        }
        self.newest_time = Some(self.newest_time.map_or(time, |newest| newest.max(time)));
        self.note_place(index);
        Ok(())
    }

    /// Counts an entry of which nothing can be read.
    pub fn note_place(&mut self, index: LeafIndex) {
        self.size = index.size_through().unwrap_or(self.size);
    }

    /// Applies one effect of an accepted entry.
    pub fn apply(&mut self, effect: &Effect) -> Result<(), FactsError> {
        self.touch_by(effect)?;
        match effect {
            Effect::Policy(fact) => {
                self.policies.insert(&(), &fact.entry.index, fact)?;
                self.policy = Some(fact.clone());
                Ok(())
            }
            Effect::Artifact(fact) => self.add_artifact(fact),
            Effect::Attest(fact) => self.attests.insert(&(), &fact.index, fact),
            Effect::Tag(fact) => self.tags.insert(&fact.name, &fact.tag, fact),
            Effect::Deploy(fact) => self.add_deploy(fact),
            Effect::Pin(fact) => self.add_pin(fact),
            Effect::Deny(fact) => self.add_deny(fact),
            Effect::Lift { deny, by } => self.end_deny(*deny, *by),
            Effect::Freeze(fact) => self.add_freeze(fact),
            Effect::Thaw { freeze, by } => self.end_freeze(*freeze, *by),
            Effect::Grant(fact) => self.add_grant(fact),
            Effect::Revoke { grant, by } => self.end_grant(*grant, *by),
            Effect::Rollback(fact) => self.add_rollback(fact),
            Effect::Scrub { artifacts, scrub } => self.add_scrub(artifacts, *scrub),
            Effect::Hold(fact) => self.add_hold(fact),
            Effect::Unhold { hold, by } => self.end_hold(*hold, *by),
            Effect::Extend { artifact, extend } => {
                self.change_artifact(artifact, |fact| fact.extended = Some(*extend))
            }
            Effect::Delete { artifact, ended } => {
                self.change_artifact(artifact, |fact| fact.ended = Some(*ended))
            }
            Effect::Sweep { sweep, objects } => self.add_sweep(sweep, objects),
            Effect::Swept { sweep, by } => self.end_sweep(*sweep, *by),
        }
    }

    fn add_artifact(&mut self, fact: &ArtifactFact) -> Result<(), FactsError> {
        self.recent.forget_artifact();
        let artifact = &fact.artifact;
        let name = artifact.r#ref.name();
        if self.artifacts_by_digest.get(name, &artifact.digests)?.is_none() {
            self.artifacts_by_digest.insert(name, &artifact.digests, &artifact.r#ref)?;
        }
        for component in &fact.components {
            self.containers.insert(&component.r#ref, &artifact.r#ref, &artifact.r#ref)?;
        }
        if fact.kind == Kind::Snapshot {
            self.snapshots.insert(name, &fact.index, &artifact.r#ref)?;
        }
        self.artifacts.insert(&(), &artifact.r#ref, fact)
    }

    fn add_deploy(&mut self, fact: &DeployFact) -> Result<(), FactsError> {
        let line = (fact.channel.clone(), fact.artifact.r#ref.name().clone());
        self.deploys_of.insert(&line, &fact.index, &fact.index)?;
        self.channels_used.insert(&(), &fact.channel, &fact.channel)?;
        self.deploys.insert(&(), &fact.index, fact)
    }

    fn add_pin(&mut self, fact: &PinFact) -> Result<(), FactsError> {
        let line = (fact.channel.clone(), fact.artifact.r#ref.name().clone());
        self.lines.insert(&line.0, &line.1, &line.1)?;
        self.pins_of.insert(&line, &fact.number, &fact.entry.index)?;
        self.pins_of_artifact.insert(&fact.artifact.r#ref, &fact.entry.index, &fact.entry.index)?;
        self.channels_used.insert(&(), &fact.channel, &fact.channel)?;
        self.pins.insert(&(), &fact.entry.index, fact)
    }

    fn add_deny(&mut self, fact: &DenyFact) -> Result<(), FactsError> {
        self.denies_of.insert(&fact.digests, &fact.index, &fact.index)?;
        self.denies.insert(&(), &fact.index, fact)
    }

    fn end_deny(&mut self, deny: LeafIndex, by: LiftFact) -> Result<(), FactsError> {
        let Some(mut fact) = self.denies.get(&(), &deny)? else { return Ok(()) };
        fact.lifted = Some(by);
        self.denies.insert(&(), &deny, &fact)
    }

    fn add_freeze(&mut self, fact: &FreezeFact) -> Result<(), FactsError> {
        self.freezes_of.insert(&fact.channel, &fact.index, &fact.index)?;
        self.freezes.insert(&(), &fact.index, fact)
    }

    fn end_freeze(&mut self, freeze: LeafIndex, by: LeafIndex) -> Result<(), FactsError> {
        let Some(mut fact) = self.freezes.get(&(), &freeze)? else { return Ok(()) };
        fact.thawed = Some(by);
        self.freezes_of.remove(&fact.channel, &freeze)?;
        self.freezes.insert(&(), &freeze, &fact)
    }

    fn add_grant(&mut self, fact: &GrantFact) -> Result<(), FactsError> {
        self.grants_by_token.insert(&(), &fact.grant.token_sha256, &fact.index)?;
        if let Some(oidc) = &fact.grant.oidc {
            self.grants_by_claims.insert(&(), &oidc.claims_sha256, &fact.index)?;
        }
        if let Some(key) = &fact.grant.key {
            self.grants_by_key.insert(&(), &key.id(), &fact.index)?;
        }
        self.grants.insert(&(), &fact.index, fact)
    }

    fn end_grant(&mut self, grant: LeafIndex, by: LeafIndex) -> Result<(), FactsError> {
        let Some(mut fact) = self.grants.get(&(), &grant)? else { return Ok(()) };
        fact.revoked = Some(by);
        self.grants.insert(&(), &grant, &fact)
    }

    fn add_rollback(&mut self, fact: &RollbackFact) -> Result<(), FactsError> {
        self.rollbacks_by_id.insert(&(), &fact.rollback_id, &fact.index)?;
        let kind = (fact.channel.clone(), fact.drill);
        self.rollbacks_by_phase.insert(&kind, &fact.phase, &fact.index)?;
        self.rollbacks.insert(&(), &fact.index, fact)
    }

    fn add_scrub(&mut self, artifacts: &[Artifact], scrub: ScrubFact) -> Result<(), FactsError> {
        artifacts
            .iter()
            .try_for_each(|artifact| self.change_artifact(&artifact.r#ref, |fact| fact.note_scrub(scrub)))
    }

    fn change_artifact(
        &mut self,
        artifact: &ArtifactRef,
        change: impl FnOnce(&mut ArtifactFact),
    ) -> Result<(), FactsError> {
        self.recent.forget_artifact();
        let Some(mut fact) = self.artifacts.get(&(), artifact)? else { return Ok(()) };
        change(&mut fact);
        self.artifacts.insert(&(), artifact, &fact)
    }

    fn add_hold(&mut self, fact: &HoldFact) -> Result<(), FactsError> {
        self.holds_of.insert(&fact.artifact, &fact.index, &fact.index)?;
        self.holds.insert(&(), &fact.index, fact)
    }

    fn end_hold(&mut self, hold: LeafIndex, by: LeafIndex) -> Result<(), FactsError> {
        let Some(mut fact) = self.holds.get(&(), &hold)? else { return Ok(()) };
        fact.ended = Some(by);
        self.holds_of.remove(&fact.artifact, &hold)?;
        self.holds.insert(&(), &hold, &fact)
    }

    fn add_sweep(&mut self, fact: &SweepFact, objects: &[SweptObject]) -> Result<(), FactsError> {
        if let Some(ended) = fact.ending() {
            for artifact in &fact.artifacts {
                self.change_artifact(&artifact.r#ref, |fact| fact.ended = Some(ended))?;
            }
        }
        for object in objects {
            let of = (object.namespace.clone(), object.class);
            self.generations.insert(&of, &object.digest, &fact.index)?;
        }
        self.sweeps.insert(&(), &fact.index, fact)
    }

    fn end_sweep(&mut self, sweep: LeafIndex, by: LeafIndex) -> Result<(), FactsError> {
        let Some(mut fact) = self.sweeps.get(&(), &sweep)? else { return Ok(()) };
        fact.swept = Some(by);
        self.sweeps.insert(&(), &sweep, &fact)
    }
}

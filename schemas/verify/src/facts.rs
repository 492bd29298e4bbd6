//! What the rule book may know when it judges: facts that follow from earlier entries, and the effects that make new ones.
//!
//! Two keepers of facts exist: the registry's index and the auditor's [`crate::ledger::Ledger`], in memory or on disk. Both apply the same
//! [`Effect`]s and answer the same questions, so that they cannot come to different conclusions.

mod effect;
mod recovery;
mod window;

use std::sync::Arc;

use holdfast_formats::digest::{Digests, NamedDigest, Sha256Digest};
use holdfast_formats::key::KeyId;
use holdfast_formats::manifest::Kind;
use holdfast_formats::name::{ArtifactName, ChannelName, Namespace};
use holdfast_formats::number::{ByteSize, PinNumber};
use holdfast_formats::policy::Policy;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{
    Artifact, ComponentRef, DenyEffect, DenyScope, DeployPhase, Direction, EntryRef, Grant,
    ManifestDescriptor, ObjectClass, RollbackPhase, ScrubOutcome,
};
use holdfast_formats::text::{Label, Reason, Uri};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::version::Version;
use serde::{Deserialize, Serialize};

pub use effect::Effect;
pub(crate) use recovery::took;
pub use recovery::{Recovery, RollbackFact};
pub use window::{EndedFact, ExtendFact, HoldFact, SweepFact, WindowFact};

use crate::exchange::is_exchangeable;
use crate::signature::distrusted;

/// A keeper of facts could not answer: its storage failed. This says nothing about the statement being judged.
#[derive(Debug, thiserror::Error)]
#[error("the facts could not be read: {0}")]
pub struct FactsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// A policy and its place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFact {
    /// Its entry.
    pub entry: EntryRef,
    /// The rules.
    #[serde(with = "shared")]
    pub policy: Arc<Policy>,
    /// When it came into force.
    pub time: Timestamp,
}

/// A shared policy is written like one that is not.
mod shared {
    use std::sync::Arc;

    use holdfast_formats::policy::Policy;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(policy: &Arc<Policy>, to: S) -> Result<S::Ok, S::Error> {
        policy.as_ref().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Policy>, D::Error> {
        Policy::deserialize(from).map(Arc::new)
    }
}

/// A published artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactFact {
    /// Name, version and digests.
    pub artifact: Artifact,
    /// Its `publish` entry.
    pub index: LeafIndex,
    /// When it was published.
    pub time: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// The manifest, an attachment.
    pub manifest: ManifestDescriptor,
    /// The held components of a release.
    pub components: Vec<ComponentRef>,
    /// The bytes of all its files.
    pub size_bytes: ByteSize,
    /// What its manifest says that schedules and objectives ask for.
    #[serde(default, skip_serializing_if = "Recovery::is_nothing")]
    pub recovery: Recovery,
    /// Who signed.
    pub signers: Vec<KeyId>,
    /// Its own window, apart from every `extend`.
    pub window: WindowFact,
    /// The latest date of every `extend`.
    pub extended: Option<ExtendFact>,
    /// The newest scrub that covers it.
    pub scrub: Option<ScrubFact>,
    /// When a scrub last found it good again after one that had not.
    pub recovered: Option<Timestamp>,
    /// What ended it.
    pub ended: Option<EndedFact>,
}

impl ArtifactFact {
    /// The latest date that its own window and every `extend` give it; `None` where it stays until somebody deletes it.
    pub fn own_until(&self) -> Option<Timestamp> {
        self.window.until.max(self.extended.map(|extend| extend.until))
    }

    /// Takes up what a scrub found of it.
    pub fn note_scrub(&mut self, scrub: ScrubFact) {
        let was_bad = self.scrub.is_some_and(|before| before.outcome != ScrubOutcome::Good);
        if was_bad && scrub.outcome == ScrubOutcome::Good {
            self.recovered = Some(scrub.time);
        }
        self.scrub = Some(scrub);
    }
}

/// What a scrub found of one artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubFact {
    /// Its entry.
    pub index: LeafIndex,
    /// What was found.
    pub outcome: ScrubOutcome,
    /// When it was logged.
    pub time: Timestamp,
}

/// A pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinFact {
    /// Its entry.
    pub entry: EntryRef,
    /// The channel.
    pub channel: ChannelName,
    /// Its number on the line (channel, artifact name).
    pub number: PinNumber,
    /// What is known-good.
    pub artifact: Artifact,
    /// When it was pinned.
    pub time: Timestamp,
    /// When it stops being answered: its own expiry or policy's, whichever is earlier.
    pub expires: Option<Timestamp>,
    /// Who signed.
    pub signers: Vec<KeyId>,
}

/// A deny.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenyFact {
    /// Its entry.
    pub index: LeafIndex,
    /// The name whose namespace answers for it.
    pub name: ArtifactName,
    /// What is denied.
    pub digests: Digests,
    /// What is refused.
    pub effect: DenyEffect,
    /// Where.
    pub scope: DenyScope,
    /// Which channel, for that scope.
    pub channel: Option<ChannelName>,
    /// Why.
    pub reason: Reason,
    /// When it was logged.
    pub time: Timestamp,
    /// Who signed.
    pub signers: Vec<KeyId>,
    /// The `lift` that ended it.
    pub lifted: Option<LiftFact>,
}

/// The end of a deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftFact {
    /// Its entry.
    pub index: LeafIndex,
    /// When it was logged.
    pub time: Timestamp,
}

/// A freeze.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeFact {
    /// Its entry.
    pub index: LeafIndex,
    /// Which channel.
    pub channel: ChannelName,
    /// Why.
    pub reason: Reason,
    /// Until when.
    pub until: Option<Timestamp>,
    /// The `thaw` that ended it.
    pub thawed: Option<LeafIndex>,
}

/// A deployment's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployFact {
    /// Its entry.
    pub index: LeafIndex,
    /// Where to.
    pub channel: ChannelName,
    /// The deployer's id.
    pub deploy_id: Label,
    /// How far.
    pub phase: DeployPhase,
    /// Which way.
    pub direction: Direction,
    /// What.
    pub artifact: Artifact,
    /// When it was logged.
    pub time: Timestamp,
    /// Who signed.
    pub signers: Vec<KeyId>,
}

/// An attestation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestFact {
    /// Its entry.
    pub index: LeafIndex,
    /// What it is about.
    pub subjects: Vec<Digests>,
    /// The attested envelope, an attachment.
    pub envelope: Sha256Digest,
    /// What it claims to be.
    pub predicate_type: Uri,
    /// When it was logged.
    pub time: Timestamp,
    /// Who signed.
    pub signers: Vec<KeyId>,
}

/// A moving tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagFact {
    /// Its newest entry.
    pub index: LeafIndex,
    /// The artifact's name.
    pub name: ArtifactName,
    /// The tag.
    pub tag: Version,
    /// Where it points.
    pub target: Digests,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantFact {
    /// Its entry.
    pub index: LeafIndex,
    /// What it may do.
    pub grant: Grant,
    /// When it was made.
    pub time: Timestamp,
    /// Who signed.
    pub signers: Vec<KeyId>,
    /// The `revoke` that ended it.
    pub revoked: Option<LeafIndex>,
}

impl GrantFact {
    /// Whether the token may be used at a moment.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.grant.expires.is_none_or(|expires| now < expires)
    }

    /// Whether a policy still trusts everybody who gave it: a token falls with the key that made it.
    pub fn is_trusted_by(&self, policy: &Policy) -> bool {
        let distrusted = distrusted(policy, self.index);
        self.signers.iter().all(|keyid| !distrusted.contains(keyid))
    }

    /// Whether it opens anything under a policy: that trusts its givers, and still has the principal that an outside identity
    /// was taken for, with such roles. What was signed under it before stands all the same.
    pub fn stands_under(&self, policy: &Policy) -> bool {
        let still = |oidc| is_exchangeable(policy, &self.grant, oidc, self.time);
        self.is_trusted_by(policy) && self.grant.oidc.as_ref().is_none_or(still)
    }
}

/// Everything that `judge` and the lookups ask. All answers are as of the newest entry applied.
pub trait Facts {
    /// The number of entries applied.
    fn size(&self) -> Result<TreeSize, FactsError>;
    /// The time of the newest entry.
    fn newest_time(&self) -> Result<Option<Timestamp>, FactsError>;
    /// The policy in force; `None` before entry 0.
    fn policy(&self) -> Result<Option<PolicyFact>, FactsError>;
    /// The policy that judged the entry at a place; `None` for entry 0.
    fn policy_at(&self, index: LeafIndex) -> Result<Option<PolicyFact>, FactsError>;
    /// The entry that logged a payload first.
    fn entry_of_payload(&self, payload: &Sha256Digest) -> Result<Option<LeafIndex>, FactsError>;
    /// The artifact of a name@version.
    fn artifact(&self, artifact: &ArtifactRef) -> Result<Option<ArtifactFact>, FactsError>;
    /// The oldest version of a name that has these manifest digests.
    fn artifact_by_digest(
        &self,
        name: &ArtifactName,
        digests: &Digests,
    ) -> Result<Option<ArtifactFact>, FactsError>;
    /// The pinned names of a channel, sorted.
    fn lines(&self, channel: &ChannelName) -> Result<Vec<ArtifactName>, FactsError>;
    /// The pin of an entry.
    fn pin(&self, index: LeafIndex) -> Result<Option<PinFact>, FactsError>;
    /// The newest entry that touches a channel: a pin, a deployment or a phase of a rollback there, a deny that reaches
    /// it while it has a line, a freeze of it, and the end of one of these.
    fn newest_touching(&self, channel: &ChannelName) -> Result<Option<LeafIndex>, FactsError>;
    /// The newest pins of a line, descending, below a number when one is given; at most `limit`.
    fn pins(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        below: Option<PinNumber>,
        limit: usize,
    ) -> Result<Vec<PinFact>, FactsError>;
    /// The pins of a line above a number, ascending; at most `limit`.
    fn pins_above(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        above: PinNumber,
        limit: usize,
    ) -> Result<Vec<PinFact>, FactsError>;
    /// Every pin of an artifact, in whichever channel, by index.
    fn pins_of(&self, artifact: &ArtifactRef) -> Result<Vec<PinFact>, FactsError>;
    /// The policies that came into force behind an entry, ascending.
    fn policies_after(&self, index: LeafIndex) -> Result<Vec<PolicyFact>, FactsError>;
    /// The releases that have an artifact as a held component, ended ones included.
    fn containers(&self, component: &ArtifactRef) -> Result<Vec<ArtifactRef>, FactsError>;
    /// The hold of an entry.
    fn hold(&self, index: LeafIndex) -> Result<Option<HoldFact>, FactsError>;
    /// The holds of an artifact that stand, by index.
    fn holds(&self, artifact: &ArtifactRef) -> Result<Vec<HoldFact>, FactsError>;
    /// The sweep of an entry, of either phase.
    fn sweep(&self, index: LeafIndex) -> Result<Option<SweepFact>, FactsError>;
    /// The generation of an object: the newest sweep that named it, 0 when none did.
    fn generation(
        &self,
        class: ObjectClass,
        namespace: &Namespace,
        digest: &NamedDigest,
    ) -> Result<LeafIndex, FactsError>;
    /// The deny of an entry.
    fn deny(&self, index: LeafIndex) -> Result<Option<DenyFact>, FactsError>;
    /// All denies of a digest, ended ones included, by index.
    fn denies_of(&self, digests: &Digests) -> Result<Vec<DenyFact>, FactsError>;
    /// The freeze of an entry.
    fn freeze(&self, index: LeafIndex) -> Result<Option<FreezeFact>, FactsError>;
    /// The freezes of a channel that were not thawed, by index.
    fn freezes(&self, channel: &ChannelName) -> Result<Vec<FreezeFact>, FactsError>;
    /// The deployment of an entry.
    fn deploy(&self, index: LeafIndex) -> Result<Option<DeployFact>, FactsError>;
    /// The newest deployments of a line, descending, those of `after` and earlier left out; at most `limit`.
    fn deploys(
        &self,
        channel: &ChannelName,
        name: &ArtifactName,
        after: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<DeployFact>, FactsError>;
    /// The attestation of an entry.
    fn attest(&self, index: LeafIndex) -> Result<Option<AttestFact>, FactsError>;
    /// The grant of an entry.
    fn grant(&self, index: LeafIndex) -> Result<Option<GrantFact>, FactsError>;
    /// The grant of a token.
    fn grant_by_token(&self, token: &Sha256Digest) -> Result<Option<GrantFact>, FactsError>;
    /// The grant that an outside identity's claims were exchanged for, by their SHA-256.
    fn grant_by_claims(&self, claims: &Sha256Digest) -> Result<Option<GrantFact>, FactsError>;
    /// The newest grant that names an ephemeral key. Asked by key id, because that is all that a logged signature says.
    fn grant_by_key(&self, key: &KeyId) -> Result<Option<GrantFact>, FactsError>;
    /// The rollback phase of an entry.
    fn rollback(&self, index: LeafIndex) -> Result<Option<RollbackFact>, FactsError>;
    /// The newest phase of a rollback.
    fn newest_rollback(&self, rollback_id: &Label) -> Result<Option<RollbackFact>, FactsError>;
    /// The newest drill, or real rollback, of a channel that came to this phase.
    fn newest_in_phase(
        &self,
        channel: &ChannelName,
        drill: bool,
        phase: RollbackPhase,
    ) -> Result<Option<RollbackFact>, FactsError>;
    /// The snapshots of a name, newest first, ended ones included, those of `below` and later left out; at most `limit`.
    fn snapshots(
        &self,
        name: &ArtifactName,
        below: Option<LeafIndex>,
        limit: usize,
    ) -> Result<Vec<ArtifactFact>, FactsError>;
    /// The channels behind one in which something was ever pinned or deployed, sorted; at most `limit`.
    fn channels_used(
        &self,
        after: Option<&ChannelName>,
        limit: usize,
    ) -> Result<Vec<ChannelName>, FactsError>;
}

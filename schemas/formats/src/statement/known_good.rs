//! `pin`, `deny`, `lift`, `freeze`, `thaw`: what may be answered as known-good, and what a channel takes.

use super::header::{Artifact, EntryIndex, EntryRef};
use super::predicate::predicate;
use crate::digest::{Digests, NamedDigest};
use crate::name::{ArtifactName, ChannelName};
use crate::number::PinNumber;
use crate::strict::{record, word};
use crate::text::{Label, Reason, Uri};
use crate::time::Timestamp;
use crate::tree::LeafIndex;

predicate! {
    /// This artifact is known-good on this line.
    pub struct Pin as PinPredicate {
        /// The channel.
        req channel: ChannelName,
        /// The artifact name: with the channel, the line.
        req name: ArtifactName,
        /// The place on the line, exactly one above the predecessor's.
        req number: PinNumber,
        /// The line's pin before this one; left out only by the first.
        opt predecessor: EntryRef,
        /// What is known-good.
        req artifact: Artifact,
        /// The deployment that showed it.
        opt deploy: EntryIndex,
        /// Why it is known to be good.
        req reason: Reason,
        /// What shows it.
        opt evidence: Vec<Evidence>,
        /// What was normal then, to compare with after a rollback.
        opt baseline_metrics: Vec<Metric>,
        /// When it stops being answered.
        opt expires: Timestamp,
    }
}

record! {
    /// One piece of evidence: another entry of the log, or something outside by digest.
    pub struct Evidence {
        /// What it is.
        req kind: EvidenceKind,
        /// The predicate type of an attestation.
        opt predicate_type: Uri,
        /// Something outside the log.
        opt digest: NamedDigest,
        /// An entry of the log.
        opt entry: LeafIndex,
        /// Where to look at it.
        opt uri: Uri,
    }
}

word! {
    /// What a piece of evidence is.
    pub enum EvidenceKind {
        /// An `attest` entry about the artifact.
        Attest = "attest",
        /// A `deploy` entry that says it succeeded on this channel.
        Deploy = "deploy",
        /// A `rollback` entry of a drill that succeeded on this channel.
        Drill = "drill",
        /// Something outside the log; never satisfies a policy by itself.
        Outside = "outside",
    }
}

record! {
    /// One measured value.
    pub struct Metric {
        /// What was measured.
        req name: Label,
        /// A decimal number, as text.
        req value: Label,
        /// Its unit.
        req unit: Label,
    }
}

predicate! {
    /// Never answer this digest, nor a release that contains it.
    pub struct Deny as DenyPredicate {
        /// The artifact name whose namespace answers for the deny.
        req name: ArtifactName,
        /// The denied manifest.
        req digests: Digests,
        /// What is refused.
        req effect: DenyEffect,
        /// Where.
        req scope: DenyScope,
        /// Which channel; there exactly when the scope is `channel`.
        opt channel: ChannelName,
        /// Why.
        req reason: Reason,
    }
}

word! {
    /// What a deny refuses.
    pub enum DenyEffect {
        /// It is not answered as known-good.
        Lookup = "lookup",
        /// Nor are its bytes served.
        Read = "read",
    }
}

word! {
    /// Where a deny holds.
    pub enum DenyScope {
        /// In one channel.
        Channel = "channel",
        /// In every channel of the name's namespace.
        Namespace = "namespace",
        /// In every channel of the registry.
        Everywhere = "everywhere",
    }
}

predicate! {
    /// The end of one deny.
    pub struct Lift as LiftPredicate {
        /// Which deny ends.
        req deny: EntryIndex,
        /// Why.
        req reason: Reason,
    }
}

predicate! {
    /// The channel takes no forward deploys.
    pub struct Freeze as FreezePredicate {
        /// Which channel.
        req channel: ChannelName,
        /// Why.
        req reason: Reason,
        /// Until when, if that is known.
        opt until: Timestamp,
    }
}

predicate! {
    /// The end of one freeze.
    pub struct Thaw as ThawPredicate {
        /// Which freeze ends.
        req freeze: EntryIndex,
        /// Why.
        req reason: Reason,
    }
}

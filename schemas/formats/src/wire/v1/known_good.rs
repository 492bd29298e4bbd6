//! The known-good answer: everything a client needs to check it without trusting whoever sent it.

use super::schedule::ChannelSchedules;
use super::witness::Cosigned;
use crate::digest::NamedDigest;
use crate::envelope::Base64Bytes;
use crate::manifest::{ComponentRole, Irreversible, Undo};
use crate::name::{ArtifactName, ChannelName};
use crate::number::{PinNumber, PolicyNumber};
use crate::reference::ArtifactRef;
use crate::statement::Artifact;
use crate::strict::{record, text_form, word};
use crate::text::{Label, Reason, TextError};
use crate::time::Timestamp;
use crate::tree::{LeafIndex, TreeHash, TreeSize};

/// What must not be answered: a digest, or whatever runs now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Excluded {
    /// The artifact of the line's newest deploy, of any phase.
    Current,
    /// An artifact by the digest of its manifest.
    Digest(NamedDigest),
}

impl std::fmt::Display for Excluded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Current => f.write_str("current"),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl std::str::FromStr for Excluded {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        if text == "current" { Ok(Self::Current) } else { text.parse().map(Self::Digest) }
    }
}

text_form!(Excluded, "^(current|(blake3|sha256):[0-9a-f]{64})$");

record! {
    /// `GET /v1/channels/{channel}/known-good?…`
    pub struct KnownGoodQuery {
        /// Only this line.
        opt component: ArtifactName,
        /// What must not be answered; needs `component` where there are several lines.
        opt not: Excluded,
        /// Only pins made up to this time; denies, expiry and scrubs are judged now.
        opt at: Timestamp,
        /// How many qualifying pins to step back; needs `component` where there are several lines.
        opt back: u32,
        /// The size of the log that the client saw last: the answer extends it and proves so.
        opt min_size: TreeSize,
        /// The newest policy that the client knows; the answer brings the later ones.
        opt policy: PolicyNumber,
    }
}

impl KnownGoodQuery {
    /// Every line of the channel as it stands now, asked by somebody who knows nothing yet.
    pub const EVERYTHING: Self =
        Self { component: None, not: None, at: None, back: None, min_size: None, policy: None };
}

record! {
    /// An entry with its inclusion proof against the answer's one checkpoint.
    pub struct ProvenEntry {
        /// Its place in the log.
        req index: LeafIndex,
        /// The leaf, byte for byte.
        req entry: Base64Bytes,
        /// RFC 6962 inclusion proof.
        req proof: Vec<TreeHash>,
        /// The payload, when it is an attachment.
        opt payload: Base64Bytes,
    }
}

record! {
    /// A grant whose ephemeral key signed something that is shown. It is proven against the same checkpoint as that.
    pub struct ShownGrant {
        /// The `grant` entry.
        req grant: ProvenEntry,
        /// The entry that revoked it since, when one did.
        opt revoke: ProvenEntry,
    }
}

record! {
    /// Proof that the log extends what the client saw.
    pub struct ConsistencyProof {
        /// The size that the client saw.
        req from: TreeSize,
        /// RFC 6962 consistency proof to the checkpoint's size.
        req hashes: Vec<TreeHash>,
    }
}

record! {
    /// The answer. All proofs are against `checkpoint`, whose size and root are the channel head's.
    pub struct KnownGood {
        /// The channel.
        req channel: ChannelName,
        /// The signed channel head.
        req head: String,
        /// The signed checkpoint.
        req checkpoint: String,
        /// From `min_size`; left out when nothing was asked or the size is the same.
        opt consistency: ConsistencyProof,
        /// What witnesses cosigned, with the proofs that connect it to `checkpoint`; the largest tree first. Empty where the
        /// registry has no witnesses.
        req cosigned: Vec<Cosigned>,
        /// Policies after the one the client knows, oldest first.
        req policies: Vec<ProvenEntry>,
        /// The grants whose ephemeral keys signed entries of this answer, by their place.
        req grants: Vec<ShownGrant>,
        /// One answer a line, by name.
        req lines: Vec<LineAnswer>,
        /// The answered artifacts, their held components, and the releases that the plan undoes.
        req artifacts: Vec<HeldArtifact>,
        /// For `not=current` and the plan: the deployments it follows from, newest first.
        req deploys: Vec<ProvenEntry>,
        /// What to undo, in order.
        req plan: Vec<PlanStep>,
        /// How it stands with schedules and objectives, where there are any; the registry's word.
        opt schedules: ChannelSchedules,
        /// What the reader should know, such as a pin that expires soon.
        req warnings: Vec<Reason>,
    }
}

record! {
    /// What is known-good on one line, and why nothing newer is.
    pub struct LineAnswer {
        /// The artifact name.
        req name: ArtifactName,
        /// The pin answered.
        req pin: ProvenEntry,
        /// Every newer pin of the line, newest first.
        req passed_over: Vec<PassedOver>,
    }
}

record! {
    /// A newer pin that was not answered.
    pub struct PassedOver {
        /// The pin.
        req pin: ProvenEntry,
        /// Its number.
        req number: PinNumber,
        /// Why.
        req reason: PassReason,
        /// The entry that ended it: deny, scrub, policy, sweep or delete. Left out where the pin itself or the query says it.
        opt ended_by: ProvenEntry,
    }
}

word! {
    /// Why a newer pin was not answered.
    pub enum PassReason {
        /// It, or a component of it, is denied.
        Denied = "denied",
        /// Its newest scrub found something bad or missing.
        ScrubFailed = "scrub_failed",
        /// Its own or the policy's expiry has passed.
        Expired = "expired",
        /// A key that signed it is no longer trusted.
        Distrusted = "distrusted",
        /// It ended.
        Ended = "ended",
        /// The query excluded it with `not`.
        Excluded = "excluded",
        /// It is later than the query's `at`.
        TooNew = "too_new",
        /// The query stepped back over it.
        SteppedBack = "stepped_back",
    }
}

record! {
    /// An artifact of the closure.
    pub struct HeldArtifact {
        /// Name, version and digests.
        req artifact: Artifact,
        /// Its `publish` entry.
        req publish: ProvenEntry,
        /// The newest scrub that covers it.
        opt scrub: ProvenEntry,
        /// The manifest, byte for byte.
        req manifest: Base64Bytes,
    }
}

record! {
    /// One step of the way back.
    pub struct PlanStep {
        /// The release that is undone.
        req release: ArtifactRef,
        /// The component.
        req component: Label,
        /// What it is for.
        req role: ComponentRole,
        /// Its stage.
        req stage: u32,
        /// How it is undone.
        req undo: Undo,
        /// What is left, as the release names it.
        req from: Label,
        /// What to go back to; left out when the target has no such component.
        opt to: Label,
        /// Set when this step loses something for good.
        opt irreversible: Irreversible,
    }
}

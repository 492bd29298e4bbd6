//! A known-good answer after every check: what a rollback tool works with.

use holdfast_formats::channel_head::ChannelHead;
use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::key::KeyId;
use holdfast_formats::manifest::{Kind, Manifest};
use holdfast_formats::name::{ArtifactName, ChannelName, PrincipalId};
use holdfast_formats::number::PinNumber;
use holdfast_formats::statement::{Artifact, EntryRef};
use holdfast_formats::text::{Label, Reason};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{PassReason, PlanStep};

use crate::policy_chain::PolicyChain;
use crate::witness::Witnessed;

/// What is known-good in a channel, and what the client knows of the log afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownGoodAnswer {
    /// The channel.
    pub channel: ChannelName,
    /// How fresh the answer is; its time is the time the answer is of.
    pub head: ChannelHead,
    /// The state of the log that everything is proven against.
    pub checkpoint: Checkpoint,
    /// Whether that state is known to extend what was seen before; only offline it may not be.
    pub extends_seen: bool,
    /// What witnesses vouch for, where the client asks for a quorum of them: all that the answer rests on.
    pub witnessed: Option<Witnessed>,
    /// The chain of policies, the answer's own included: what the next lookup starts from.
    pub policies: PolicyChain,
    /// One answer a line, by name.
    pub lines: Vec<AnsweredLine>,
    /// The artifacts of all lines with their held components: per line in reverse deployment order, what was asked for last.
    pub closure: Vec<AnsweredArtifact>,
    /// What to undo, in order.
    pub plan: Vec<PlanStep>,
    /// What the reader should know.
    pub warnings: Vec<Reason>,
}

/// What is known-good on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredLine {
    /// The artifact name.
    pub name: ArtifactName,
    /// The newest pin issued: the client remembers it.
    pub issued: PinNumber,
    /// The pin answered.
    pub number: PinNumber,
    /// Its entry.
    pub entry: EntryRef,
    /// When it was pinned.
    pub time: Timestamp,
    /// Why, in the words of who pinned it.
    pub reason: Reason,
    /// When it stops being answered.
    pub expires: Option<Timestamp>,
    /// Who signed it.
    pub signers: Vec<Signer>,
    /// What is known-good.
    pub artifact: Artifact,
    /// The newest thing deployed on the line, as far as the answer shows it.
    pub current: Option<Artifact>,
    /// The newer pins, newest first.
    pub passed_over: Vec<PassedLink>,
}

/// Somebody who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The key.
    pub key: KeyId,
    /// Whose it was in the policy in force then; `None` for keys of the registry, the root and grants.
    pub principal: Option<PrincipalId>,
    /// Whom the grant of an ephemeral key was given to.
    pub subject: Option<Label>,
}

/// A newer pin that is not the answer, and the proven reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedLink {
    /// Its number.
    pub number: PinNumber,
    /// Its entry.
    pub entry: EntryRef,
    /// What it names.
    pub artifact: Artifact,
    /// Why it is not the answer.
    pub reason: PassReason,
    /// The entry that ended it.
    pub ended_by: Option<LeafIndex>,
}

/// One artifact of the closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredArtifact {
    /// The line it belongs to.
    pub line: ArtifactName,
    /// The component's name inside the line's release; `None` for the line's own artifact.
    pub component: Option<Label>,
    /// Name, version and digests.
    pub artifact: Artifact,
    /// What it is.
    pub kind: Kind,
    /// Its manifest.
    pub manifest: Manifest,
    /// The manifest's bytes, which hash to the artifact's digests.
    pub manifest_bytes: Vec<u8>,
    /// Its `publish` entry.
    pub published: EntryRef,
    /// When it was published.
    pub published_at: Timestamp,
    /// Who signed the publication.
    pub signers: Vec<Signer>,
    /// The entry of the scrub that read all its bytes back.
    pub scrub: LeafIndex,
    /// When that was logged.
    pub scrubbed_at: Timestamp,
}

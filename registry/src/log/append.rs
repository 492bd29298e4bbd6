//! Appending: what a submission hands to the sequencer, and what comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::envelope::CanonicalSignature;
use holdfast_formats::limits::INLINE_PAYLOAD_BYTES_MAX;
use holdfast_formats::manifest::Manifest;
use holdfast_formats::statement::Statement;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::refusal::Refusal;
use tokio::sync::oneshot;

use super::Log;
use super::at_slot::AtSlot;
use crate::objects::ObjectError;

/// A statement whose signatures are verified and whose attachments and bytes are durable.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What it says.
    pub statement: Statement,
    /// The signed bytes.
    pub payload: Vec<u8>,
    /// Their SHA-256.
    pub payload_sha256: Sha256Digest,
    /// Verified signatures, one a key, sorted.
    pub signatures: Vec<CanonicalSignature>,
    /// The manifest of a `publish`, bytes and meaning.
    pub manifest: Option<(Vec<u8>, Manifest)>,
    /// The envelope of an `attest`, or the list of objects of a `sweep`.
    pub attached: Option<Vec<u8>>,
    /// What else must hold at its slot.
    pub at_slot: AtSlot,
}

/// An entry is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its place.
    pub index: LeafIndex,
    /// Whether this submission put it there, or it was there before.
    pub new: bool,
}

/// Why a statement is not in the log, as far as this node knows.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The rule book refuses it.
    #[error(transparent)]
    Refused(Refusal),
    /// A policy that names no keys of this node: it could sign nothing any more.
    #[error("the policy was not logged: {0}")]
    Keys(String),
    /// A sweep came between: what the publish refers to must be looked for again, then it may be appended again.
    #[error("a sweep was logged meanwhile, and may have named what the statement refers to: submit it again")]
    Swept(Box<Prepared>),
    /// Somebody may have come to need what the sweep names.
    #[error(
        "something that the sweep names may be needed again: look for what refers to it, then sweep again"
    )]
    Needed,
    /// Nobody checked whether anything refers to what the sweep names.
    #[error(
        "a sweep that names objects is made by the registry itself, which checks what refers to them: run `holdfast-registry sweep`"
    )]
    Unchecked,
    /// The log halted.
    #[error("the log takes no entries: {0}")]
    Halted(String),
    /// This node's clock is wrong.
    #[error("{0}")]
    WrongClock(String),
    /// The store is full.
    #[error("the store is full, nothing was logged: free space, then submit again")]
    NoSpace,
    /// The store takes no writes.
    #[error("the store refuses writes, nothing was logged: check that it is not read-only")]
    ReadOnly,
    /// The outcome is unknown, or the node is shutting down. Submitting the same envelope again is safe.
    #[error("the log could not be reached ({0}): submit the same statement again, it is logged at most once")]
    Unavailable(String),
}

impl AppendError {
    pub(super) fn from_store(error: &ObjectError) -> Self {
        match error {
            ObjectError::NoSpace { .. } => Self::NoSpace,
            ObjectError::ReadOnly { .. } => Self::ReadOnly,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl Prepared {
    /// How much its attachments take.
    pub(super) fn attached_bytes(&self) -> usize {
        let payload = if self.payload.len() > INLINE_PAYLOAD_BYTES_MAX { self.payload.len() } else { 0 };
        let manifest = self.manifest.as_ref().map_or(0, |(bytes, _)| bytes.len());
        payload + manifest + self.attached.as_ref().map_or(0, Vec::len)
    }
}

/// A statement in the queue, and who waits for it.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) prepared: Prepared,
    pub(super) reply: oneshot::Sender<Result<Appended, AppendError>>,
    pub(super) _expected: Expected,
}

/// How many statements are on their way into the log: those that wait, and those whose attachments become durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Expecting(Arc<AtomicUsize>);

impl Expecting {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn one_more(&self) -> Expected {
        self.0.fetch_add(1, Ordering::Relaxed);
        Expected(self.clone())
    }
}

/// One of them, counted until it is answered or given up.
#[derive(Debug)]
pub(super) struct Expected(Expecting);

impl Drop for Expected {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place in the log's next commits, for a statement that is being made ready.
pub struct Announced<'a> {
    log: &'a Log,
    expected: Expected,
}

impl Announced<'_> {
    /// Puts a statement into the log. Returns when it is durable, or refused.
    pub async fn append(self, prepared: Prepared) -> Result<Appended, AppendError> {
        let (reply, answer) = oneshot::channel();
        let ending = || AppendError::Unavailable("the node is shutting down".to_owned());
        let pending = Pending { prepared, reply, _expected: self.expected };
        self.log.queue.send(pending).await.map_err(|_| ending())?;
        answer.await.map_err(|_| ending())?
    }
}

impl Log {
    /// Says that a statement will be appended in a moment: others may wait that long to share its commit.
    pub fn announce(&self) -> Announced<'_> {
        Announced { log: self, expected: self.expecting.one_more() }
    }

    /// Puts a statement into the log. Returns when it is durable, or refused.
    pub async fn append(&self, prepared: Prepared) -> Result<Appended, AppendError> {
        self.announce().append(prepared).await
    }
}

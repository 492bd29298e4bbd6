//! Checkpoints: how large a log is and what its root is, signed by the log (C2SP tlog-checkpoint v1.0.0).
//!
//! Owns the three lines of the body and the rule that a log's key is named after its origin. It never decides
//! which keys are a log's, nor whether one checkpoint extends another: that is the `consistency` module of the
//! verify crate. Specification: <https://c2sp.org/tlog-checkpoint>.

use thiserror::Error;

use crate::key::{PublicKey, SigningKey};
use crate::note::{self, KeyName, Note, NoteError, NoteKey, SignatureType, VerifiedNote};
use crate::origin::Origin;
use crate::text::TextError;
use crate::tree::{TreeError, TreeHash, TreeSize};

/// Why a checkpoint was refused.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// Fewer than three lines, an unfinished line or an empty one.
    #[error("a checkpoint is the lines origin, size and root, none of them empty")]
    BadLines,
    /// The first line is no origin.
    #[error("the first line of the checkpoint is no origin")]
    BadOrigin(#[source] TextError),
    /// The second line is no tree size.
    #[error("the second line of the checkpoint is no tree size")]
    BadSize(#[source] TreeError),
    /// The third line is no tree hash.
    #[error("the third line of the checkpoint is no root hash")]
    BadRoot(#[source] TreeError),
    /// A tree without leaves has one possible root, and this is another.
    #[error("a checkpoint of size 0 must carry the root of the empty tree")]
    WrongEmptyRoot,
    /// The checkpoint is of another log.
    #[error("the checkpoint is of the log {found}, not of {expected}; check the address of the registry")]
    OtherLog {
        /// The log that was asked for.
        expected: Origin,
        /// The origin in the checkpoint.
        found: Origin,
    },
    /// Known keys signed, but none of them as this log.
    #[error("no key of the log {origin} signed the checkpoint; check the log keys that are trusted")]
    NotSignedByLog {
        /// The origin in the checkpoint.
        origin: Origin,
    },
    /// The note around it was refused.
    #[error("the checkpoint is no acceptable signed note")]
    Note(#[from] NoteError),
}

/// What a log says about itself: its name, how many leaves it has and their root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: Origin,
    size: TreeSize,
    root: TreeHash,
}

impl Checkpoint {
    /// A checkpoint of `size` leaves; the root of no leaves must be [`TreeHash::empty`].
    pub fn new(origin: Origin, size: TreeSize, root: TreeHash) -> Result<Self, CheckpointError> {
        if size == TreeSize::ZERO && root != TreeHash::empty() {
            return Err(CheckpointError::WrongEmptyRoot);
        }
        Ok(Self { origin, size, root })
    }

    /// Name of the log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How many leaves the log has.
    pub fn size(&self) -> TreeSize {
        self.size
    }

    /// The root over those leaves.
    pub fn root(&self) -> TreeHash {
        self.root
    }

    /// The text that is signed: origin, size and root, a line each.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads the text of a note; lines after the third are extensions, which are tolerated and dropped.
    pub fn from_body(body: &str) -> Result<Self, CheckpointError> {
        let lines: Vec<&str> =
            body.strip_suffix('\n').ok_or(CheckpointError::BadLines)?.split('\n').collect();
        let [origin, size, root, ..] = lines.as_slice() else { return Err(CheckpointError::BadLines) };
        if lines.iter().any(|line| line.is_empty()) {
            return Err(CheckpointError::BadLines);
        }
        Self::new(
            origin.parse().map_err(CheckpointError::BadOrigin)?,
            size.parse().map_err(CheckpointError::BadSize)?,
            root.parse().map_err(CheckpointError::BadRoot)?,
        )
    }

    /// Reads a verified note, and insists that one of its signers is a key of the log that it names.
    pub fn from_verified(note: &VerifiedNote) -> Result<Self, CheckpointError> {
        let checkpoint = Self::from_body(note.text())?;
        let name = KeyName::of_log(&checkpoint.origin);
        let is_log = |key: &NoteKey| *key.name() == name && key.kind() == SignatureType::Ed25519;
        if !note.signers().iter().any(|signer| is_log(signer.key())) {
            return Err(CheckpointError::NotSignedByLog { origin: checkpoint.origin });
        }
        Ok(checkpoint)
    }

    /// Reads a signed checkpoint of the log `origin` whose keys are `log_keys`: any one of them suffices.
    pub fn from_signed(
        bytes: &[u8],
        origin: &Origin,
        log_keys: &[PublicKey],
    ) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes)?;
        let found = Self::from_body(note.unverified_text())?.origin;
        if found != *origin {
            return Err(CheckpointError::OtherLog { expected: origin.clone(), found });
        }
        let known: Vec<NoteKey> = log_keys.iter().map(|key| NoteKey::of_log(origin, key.clone())).collect();
        Self::from_verified(&note.verify(&known)?)
    }
}

/// Signs a checkpoint as its log: the bytes of `log/checkpoint`.
pub fn sign_checkpoint(checkpoint: &Checkpoint, key: &SigningKey) -> String {
    sign_checkpoint_by_all(checkpoint, std::slice::from_ref(key))
}

/// Signs a checkpoint with every one of these keys, of which there is at least one, a line each.
pub fn sign_checkpoint_by_all(checkpoint: &Checkpoint, keys: &[SigningKey]) -> String {
    let (body, name) = (checkpoint.body(), KeyName::of_log(&checkpoint.origin));
    note::sign_by_all(&body, &name, keys)
        .expect("an origin has no control characters, and a body ends with a line feed")
}

#[cfg(test)]
mod tests;

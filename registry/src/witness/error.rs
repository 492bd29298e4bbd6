//! Why a witness did not cosign, in words for whoever runs the registry. Nothing that a witness sends is quoted.

use holdfast_formats::note::{NoteError, NoteKey};
use holdfast_formats::tree::TreeSize;

use crate::index::IndexError;
use crate::log::ProofsError;

/// Why one attempt brought no cosignature.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// No answer.
    #[error("it does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// No whole answer in time.
    #[error("it did not answer within {0} s")]
    Late(u64),
    /// An answer larger than any.
    #[error("its answer is larger than {0} bytes")]
    TooLarge(usize),
    /// 404.
    #[error("it does not know this log: give its operator the log's verifier key {0}")]
    UnknownLog(Box<NoteKey>),
    /// 403.
    #[error("it does not trust this log's key: give its operator the log's verifier key {0}")]
    NotTrusted(Box<NoteKey>),
    /// 429.
    #[error("it is asked too often and asks to wait")]
    Busy,
    /// Any other status.
    #[error("it answered with status {0}")]
    Status(u16),
    /// An answer outside the protocol.
    #[error("it answered {0}")]
    Protocol(&'static str),
    /// Its cosignature does not hold.
    #[error("its cosignature is not by the key that is configured")]
    Cosignature(#[source] NoteError),
    /// It is ahead of this node.
    #[error("it has cosigned {witness} entries of this log, which has {log} here")]
    Ahead {
        /// Its size.
        witness: TreeSize,
        /// The published size.
        log: TreeSize,
    },
    /// It refuses a proof that is right.
    #[error(
        "it knows another tree of {0} entries under this log's name: the log was forked or put back. Stop the registry, and \
         compare its store with what the witness has seen"
    )]
    Fork(TreeSize),
    /// It was asked by others at the same time.
    #[error("other nodes asked it at the same time")]
    Raced,
    /// The proof could not be made.
    #[error("a consistency proof could not be made")]
    Proof(#[from] ProofsError),
}

impl From<IndexError> for AskError {
    fn from(error: IndexError) -> Self {
        Self::Proof(error.into())
    }
}

//! Forks: what two signed checkpoints of one log prove to somebody who has nothing but the log's public keys.
//!
//! Nothing in the evidence is believed but the log's two signatures. Where they alone do not prove that the log lies, that
//! is said: two sizes without a proof between them are a question that the log has to answer, no proof.

use holdfast_formats::checkpoint::{Checkpoint, CheckpointError};
use holdfast_formats::fork::ForkEvidence;
use holdfast_formats::key::PublicKey;
use holdfast_formats::tree::TreeSize;

use crate::consistency::{proven_old_root, verify_consistency};

#[cfg(test)]
mod tests;

/// What the evidence shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkVerdict {
    /// The log signed two roots for one size. They cannot both be true: the signatures alone prove it.
    TwoRoots {
        /// The size.
        size: TreeSize,
    },
    /// The proof that the log gave leads to the larger root, and shows another beginning than the smaller one. They cannot
    /// both be true: the signatures and the proof show it.
    Rewritten {
        /// The smaller size.
        old: TreeSize,
        /// The larger size.
        new: TreeSize,
    },
    /// The log signed both, and there is no proof that the larger extends the smaller. An honest log can give one.
    Unexplained {
        /// The smaller size.
        old: TreeSize,
        /// The larger size.
        new: TreeSize,
    },
}

impl ForkVerdict {
    /// Whether it is proven that the log signed what cannot both be true.
    pub const fn is_proof(self) -> bool {
        match self {
            Self::TwoRoots { .. } | Self::Rewritten { .. } => true,
            Self::Unexplained { .. } => false,
        }
    }
}

/// Why a file is no evidence of a fork.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// One of the checkpoints is not signed by the log.
    #[error("the {which} checkpoint is not signed by this log, so it says nothing about it")]
    Checkpoint {
        /// Which of the two.
        which: &'static str,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// The two are one state.
    #[error("both checkpoints have the same size and root, so this is no fork")]
    Same,
    /// The proof holds.
    #[error("the proof shows that the tree of {new} entries extends the one of {old}, so this is no fork")]
    Extends {
        /// The smaller size.
        old: TreeSize,
        /// The larger size.
        new: TreeSize,
    },
    /// Every log extends an empty one.
    #[error("one checkpoint is of the empty log, which every log extends, so this is no fork")]
    Empty,
}

/// Says what two signed checkpoints prove, by these keys of the log and no others.
pub fn judge_fork(evidence: &ForkEvidence, log_keys: &[PublicKey]) -> Result<ForkVerdict, ForkError> {
    let read = |which, note: &str| {
        Checkpoint::from_signed(note.as_bytes(), &evidence.origin, log_keys)
            .map_err(|source| ForkError::Checkpoint { which, source })
    };
    let (first, second) = (read("first", &evidence.first)?, read("second", &evidence.second)?);
    let (old, new) = if first.size() <= second.size() { (first, second) } else { (second, first) };
    if old.size() == new.size() {
        let size = old.size();
        return if old.root() == new.root() {
            Err(ForkError::Same)
        } else {
            Ok(ForkVerdict::TwoRoots { size })
        };
    }
    if old.size() == TreeSize::ZERO {
        return Err(ForkError::Empty);
    }
    let (sizes, hashes) = ((old.size(), new.size()), evidence.proof.as_deref().unwrap_or(&[]));
    if verify_consistency(sizes.0, sizes.1, &old.root(), &new.root(), hashes).is_ok() {
        return Err(ForkError::Extends { old: sizes.0, new: sizes.1 });
    }
    match proven_old_root(sizes.0, sizes.1, &new.root(), hashes) {
        Some(root) if root != old.root() => Ok(ForkVerdict::Rewritten { old: sizes.0, new: sizes.1 }),
        _ => Ok(ForkVerdict::Unexplained { old: sizes.0, new: sizes.1 }),
    }
}

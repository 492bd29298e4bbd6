//! Whether a log only grew: the consistency proof of RFC 6962, section 2.1.2, checked against two roots.
//!
//! Owns the verification only. Who remembers the old checkpoint, and what happens when it does not fit, is for the
//! client, the witness and the auditor to decide; two signed roots that do not fit are evidence of a fork.

use holdfast_formats::tree::{TreeHash, TreeSize};
use thiserror::Error;

use crate::merkle::path::{PathShape, climb, climb_border, climb_left_only};

/// Why two checkpoints are not shown to be of one growing log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConsistencyError {
    /// The newer tree is the smaller one.
    #[error(
        "the log went from {old} back to {new} leaves: it was rolled back, or an old checkpoint is being shown"
    )]
    Shrunk {
        /// The size that was seen before.
        old: TreeSize,
        /// The size that is shown now.
        new: TreeSize,
    },
    /// Two roots for one size.
    #[error(
        "the log shows two different trees of {size} leaves: it forked; keep both checkpoints as evidence"
    )]
    Forked {
        /// The size of both trees.
        size: TreeSize,
    },
    /// The old tree has no leaves and yet a root that is not of the empty tree.
    #[error("the remembered checkpoint of size 0 has a root that no empty log has")]
    WrongEmptyRoot,
    /// A proof between these sizes has another length.
    #[error(
        "the consistency proof has {actual} hashes and must have {expected}; it is for other sizes or damaged"
    )]
    WrongLength {
        /// How many hashes a proof between these sizes has.
        expected: usize,
        /// How many were given.
        actual: usize,
    },
    /// The proof does not lead to the old root.
    #[error(
        "the proof does not contain the tree of {old} leaves that was seen before: the log was rewritten"
    )]
    WrongOldRoot {
        /// The size that was seen before.
        old: TreeSize,
    },
    /// The proof does not lead to the new root.
    #[error("the proof does not lead to the root of the {new} leaves that the log shows now")]
    WrongNewRoot {
        /// The size that is shown now.
        new: TreeSize,
    },
}

/// Accepts when `proof` shows that the first `old` leaves under `new_root` are those under `old_root`.
///
/// Between equal sizes, and from size 0, the proof must be empty.
pub fn verify_consistency(
    old: TreeSize,
    new: TreeSize,
    old_root: &TreeHash,
    new_root: &TreeHash,
    proof: &[TreeHash],
) -> Result<(), ConsistencyError> {
    if old > new {
        return Err(ConsistencyError::Shrunk { old, new });
    }
    if old == new || old == TreeSize::ZERO {
        return verify_trivial(old, new, old_root, new_root, proof);
    }
    let path = Path::read(old, new, old_root, proof)?;
    if path.old_root() != *old_root {
        return Err(ConsistencyError::WrongOldRoot { old });
    }
    if path.new_root() != *new_root {
        return Err(ConsistencyError::WrongNewRoot { new });
    }
    Ok(())
}

/// The root that the first `old` leaves have in the tree of `new` leaves under `new_root`, as far as `proof` shows it.
///
/// A proof that leads to the new root consists of that tree's own hashes, and these fix what its beginning is: another
/// root for it, signed by the same log, is a lie that everybody can see. `None` where the proof does not lead to the new
/// root, and where it shows nothing because it starts from the old root itself (sizes that are powers of two).
pub fn proven_old_root(
    old: TreeSize,
    new: TreeSize,
    new_root: &TreeHash,
    proof: &[TreeHash],
) -> Option<TreeHash> {
    if old >= new || old == TreeSize::ZERO || old.get().is_power_of_two() {
        return None;
    }
    let path = Path::read(old, new, new_root, proof).ok()?;
    (path.new_root() == *new_root).then(|| path.old_root())
}

/// A proof between two sizes of which neither is 0 nor the other, taken apart.
struct Path<'p> {
    start: TreeHash,
    inner: &'p [TreeHash],
    border: &'p [TreeHash],
    side: u64,
}

impl<'p> Path<'p> {
    fn read(
        old: TreeSize,
        new: TreeSize,
        old_root: &TreeHash,
        proof: &'p [TreeHash],
    ) -> Result<Self, ConsistencyError> {
        let last = old.get() - 1;
        let shape = PathShape::between(last, new.get() - 1);
        // The path starts at the largest complete subtree that ends where the old tree does. It meets the new tree's
        // right edge above that subtree, because `last` ends in as many ones and the new tree is larger.
        let skipped = old.get().trailing_zeros();
        let (inner_length, side) = (shape.inner - skipped as usize, last >> skipped);
        // When that subtree is the whole old tree we have its root, else it is the first hash of the proof.
        let from_old_root = old.get().is_power_of_two();
        let expected = inner_length + shape.border + usize::from(!from_old_root);
        let wrong_length = ConsistencyError::WrongLength { expected, actual: proof.len() };
        if proof.len() != expected {
            return Err(wrong_length);
        }
        let (start, path) = if from_old_root {
            (old_root, proof)
        } else {
            proof.split_first().ok_or(wrong_length.clone())?
        };
        let (inner, border) = path.split_at_checked(inner_length).ok_or(wrong_length)?;
        Ok(Self { start: *start, inner, border, side })
    }

    fn old_root(&self) -> TreeHash {
        climb_border(climb_left_only(self.start, self.inner, self.side), self.border)
    }

    fn new_root(&self) -> TreeHash {
        climb_border(climb(self.start, self.inner, self.side), self.border)
    }
}

/// The cases that need no proof: the same size again, and anything after an empty log.
fn verify_trivial(
    old: TreeSize,
    new: TreeSize,
    old_root: &TreeHash,
    new_root: &TreeHash,
    proof: &[TreeHash],
) -> Result<(), ConsistencyError> {
    if !proof.is_empty() {
        return Err(ConsistencyError::WrongLength { expected: 0, actual: proof.len() });
    }
    if old == TreeSize::ZERO && *old_root != TreeHash::empty() {
        return Err(ConsistencyError::WrongEmptyRoot);
    }
    if old == new && old_root != new_root {
        return Err(ConsistencyError::Forked { size: new });
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Whether a leaf is in a tree: the audit path of RFC 6962, section 2.1.1, checked against a root.
//!
//! Owns the verification only. It never judges the root: take it from a checkpoint whose signature and consistency
//! with what was seen before are verified.

use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use thiserror::Error;

use crate::merkle::path::{PathShape, climb, climb_border};

/// Why an audit path proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InclusionError {
    /// The tree has no such leaf.
    #[error("the proof is for leaf {index}, which a tree of {size} leaves does not have")]
    OutsideTree {
        /// The leaf that was asked for.
        index: LeafIndex,
        /// The size of the tree.
        size: TreeSize,
    },
    /// An audit path of that leaf has another length.
    #[error(
        "the audit path has {actual} hashes and must have {expected}; the proof is for another size or damaged"
    )]
    WrongLength {
        /// How many hashes lead from that leaf to the root.
        expected: usize,
        /// How many were given.
        actual: usize,
    },
    /// The path ends at another root.
    #[error("the audit path of leaf {index} does not lead to the root: this entry is not in this log")]
    WrongRoot {
        /// The leaf that was asked for.
        index: LeafIndex,
    },
}

/// Accepts when `proof` leads from `leaf` at `index` to the `root` of `size` leaves, and in no other case.
///
/// `leaf` must come from [`TreeHash::leaf`] over an entry in hand: a hash that somebody sent may be an inner node.
/// RFC 6962 binds the size only through the root, so `size` and `root` belong to one verified checkpoint.
pub fn verify_inclusion(
    leaf: &TreeHash,
    index: LeafIndex,
    size: TreeSize,
    proof: &[TreeHash],
    root: &TreeHash,
) -> Result<(), InclusionError> {
    if !size.contains(index) {
        return Err(InclusionError::OutsideTree { index, size });
    }
    let shape = PathShape::between(index.get(), size.get() - 1);
    let wrong_length =
        InclusionError::WrongLength { expected: shape.inner + shape.border, actual: proof.len() };
    let (inner, border) = proof.split_at_checked(shape.inner).ok_or(wrong_length.clone())?;
    if border.len() != shape.border {
        return Err(wrong_length);
    }
    let computed = climb_border(climb(*leaf, inner, index.get()), border);
    if computed == *root { Ok(()) } else { Err(InclusionError::WrongRoot { index }) }
}

#[cfg(test)]
mod tests;

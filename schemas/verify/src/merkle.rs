//! The Merkle tree of the log: growing it, its tiles, and building proofs from its nodes (RFC 6962, section 2.1).
//!
//! Owns every walk over the tree but verification, which is [`crate::inclusion`]'s and [`crate::consistency`]'s.
//! It does no I/O: [`Edge`] hands full tiles out, a [`ProofPlan`] says which tiles it needs and takes their
//! hashes. The log grows and proves with it, auditors recompute the tree with it.

use holdfast_formats::tree::{LeafIndex, TreeError, TreeSize};
use thiserror::Error;

mod edge;
mod node;
pub(crate) mod path;
mod plan;
mod subtrees;

pub use edge::Edge;
pub use node::NodeAddress;
pub use plan::{ProofPlan, consistency_proof, inclusion_proof, tree_root};
pub use subtrees::Subtrees;

/// Why a part of the tree could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MerkleError {
    /// The tree has no such leaf.
    #[error("there is no leaf {index} in a tree of {size} leaves; ask for a newer checkpoint")]
    NoSuchLeaf {
        /// The leaf that was asked for.
        index: LeafIndex,
        /// The size of the tree.
        size: TreeSize,
    },
    /// A tree never extends a larger one.
    #[error("a tree of {new} leaves cannot extend one of {old}; the log went backwards")]
    Shrunk {
        /// The size that should come first.
        old: TreeSize,
        /// The size that should come second.
        new: TreeSize,
    },
    /// No tree has a node there.
    #[error("no tree has a node {index} at level {level}")]
    NoSuchNode {
        /// Level of the node in bits.
        level: u8,
        /// Number of the node on its level.
        index: u64,
    },
    /// A tile that ends before the hashes of a node.
    #[error(
        "the tile holds {actual} hashes and the node needs the first {needed}; fetch the tile of a newer size"
    )]
    ShortTile {
        /// How many hashes the tile must hold at least.
        needed: usize,
        /// How many it holds.
        actual: usize,
    },
    /// Partial tiles that do not fit the size that they are said to have.
    #[error(
        "level {level} of a tree of {size} leaves ends with {needed} hashes, not {actual}; load its partial tiles again"
    )]
    WrongPartialTile {
        /// The size of the tree.
        size: TreeSize,
        /// The level of the tile.
        level: usize,
        /// How many hashes the partial tile has at that size.
        needed: u64,
        /// How many were given.
        actual: usize,
    },
    /// The log is as large as it can get.
    #[error("the log is full")]
    Full(#[from] TreeError),
}

#[cfg(test)]
pub(crate) mod model;
#[cfg(test)]
mod tests;

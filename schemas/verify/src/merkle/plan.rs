//! What a proof consists of, said before any hash is fetched: RFC 6962, sections 2.1.1 and 2.1.2, as leaf ranges.

use std::collections::BTreeSet;
use std::iter;

use holdfast_formats::tile::TilePath;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};

use super::{MerkleError, NodeAddress};

/// Leaves whose subtree hash is one hash of a proof; `start` is a multiple of a power of two not below its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LeafRange {
    start: u64,
    end: u64,
}

impl LeafRange {
    /// The largest power of two below the width: where RFC 6962 splits the range in two.
    fn split(self) -> Option<(Self, Self)> {
        let width = self.end - self.start;
        let below = width.checked_sub(1)?.checked_ilog2()?;
        let middle = self.start + (1 << below);
        Some((Self { end: middle, ..self }, Self { start: middle, ..self }))
    }

    /// The complete subtrees that make up the range, the rightmost and smallest first.
    fn nodes(self) -> impl Iterator<Item = NodeAddress> {
        let mut end = self.end;
        iter::from_fn(move || {
            let width = end - self.start;
            if width == 0 {
                return None;
            }
            let level = u8::try_from(width.trailing_zeros()).expect("a bit number of u64 is below 64");
            let node = NodeAddress::ending_before(end, level);
            end -= 1 << level;
            Some(node)
        })
    }

    /// The hash over the range, or `None` when it is empty.
    fn hash<E>(self, nodes: &dyn Fn(NodeAddress) -> Result<TreeHash, E>) -> Result<Option<TreeHash>, E> {
        let mut hash = None;
        for node in self.nodes() {
            let left = nodes(node)?;
            hash = Some(hash.map_or(left, |right| TreeHash::node(&left, &right)));
        }
        Ok(hash)
    }
}

/// The hashes of one proof, in its order, as nodes to fetch: ask for [`ProofPlan::tiles`], then [`ProofPlan::build`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofPlan {
    ranges: Vec<LeafRange>,
}

impl ProofPlan {
    /// The audit path of the leaf at `index` in a tree of `size` leaves: its sibling first.
    pub fn inclusion(index: LeafIndex, size: TreeSize) -> Result<Self, MerkleError> {
        if !size.contains(index) {
            return Err(MerkleError::NoSuchLeaf { index, size });
        }
        let mut ranges = Vec::new();
        let mut here = LeafRange { start: 0, end: size.get() };
        while let Some((left, right)) = here.split() {
            let (next, sibling) = if index.get() < right.start { (left, right) } else { (right, left) };
            ranges.push(sibling);
            here = next;
        }
        ranges.reverse();
        Ok(Self { ranges })
    }

    /// What shows that the first `old` of `new` leaves are the old tree; nothing when `old` is 0 or `new`.
    pub fn consistency(old: TreeSize, new: TreeSize) -> Result<Self, MerkleError> {
        if old > new {
            return Err(MerkleError::Shrunk { old, new });
        }
        let mut ranges = Vec::new();
        let mut here = LeafRange { start: 0, end: new.get() };
        let old = old.get();
        while old != 0 && old != here.end {
            let Some((left, right)) = here.split() else { break };
            let (next, sibling) = if old <= right.start { (left, right) } else { (right, left) };
            ranges.push(sibling);
            here = next;
        }
        // A verifier has the old root already when the old tree is a subtree of the new one.
        if here.start != 0 {
            ranges.push(here);
        }
        ranges.reverse();
        Ok(Self { ranges })
    }

    /// Every node that [`ProofPlan::build`] will ask for.
    pub fn nodes(&self) -> impl Iterator<Item = NodeAddress> {
        self.ranges.iter().flat_map(|range| range.nodes())
    }

    /// The hash tiles of a tree of `size` leaves from which all those nodes can be computed.
    pub fn tiles(&self, size: TreeSize) -> BTreeSet<TilePath> {
        self.nodes().filter_map(|node| node.tile_in(size)).collect()
    }

    /// The proof, from a source of node hashes; its error ends the building.
    pub fn build<E>(&self, nodes: &dyn Fn(NodeAddress) -> Result<TreeHash, E>) -> Result<Vec<TreeHash>, E> {
        self.ranges.iter().filter_map(|range| range.hash(nodes).transpose()).collect()
    }
}

/// The audit path of the leaf at `index` in a tree of `size` leaves, from a source of node hashes.
pub fn inclusion_proof<E: From<MerkleError>>(
    index: LeafIndex,
    size: TreeSize,
    nodes: &dyn Fn(NodeAddress) -> Result<TreeHash, E>,
) -> Result<Vec<TreeHash>, E> {
    ProofPlan::inclusion(index, size)?.build(nodes)
}

/// The consistency proof between two sizes, from a source of node hashes.
pub fn consistency_proof<E: From<MerkleError>>(
    old: TreeSize,
    new: TreeSize,
    nodes: &dyn Fn(NodeAddress) -> Result<TreeHash, E>,
) -> Result<Vec<TreeHash>, E> {
    ProofPlan::consistency(old, new)?.build(nodes)
}

/// The root of the first `size` leaves, from a source of node hashes.
pub fn tree_root<E>(
    size: TreeSize,
    nodes: &dyn Fn(NodeAddress) -> Result<TreeHash, E>,
) -> Result<TreeHash, E> {
    let root = LeafRange { start: 0, end: size.get() }.hash(nodes)?;
    Ok(root.unwrap_or_else(TreeHash::empty))
}

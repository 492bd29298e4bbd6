//! Where a complete subtree stands in the tree, and which hash tile its hash can be computed from.

use std::ops::Range;

use holdfast_formats::limits::INTEGER_MAX;
use holdfast_formats::tile::{TILE_WIDTH, TileKind, TileLevel, TilePath, tile_at};
use holdfast_formats::tree::{TreeHash, TreeSize};

use super::MerkleError;

/// Tree levels, in bits, that one level of tiles spans: a full tile has 2^8 hashes.
pub(super) const TILE_BITS: u8 = 8;

/// One complete subtree: the leaves from `index · 2^level` to before `(index + 1) · 2^level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeAddress {
    level: u8,
    index: u64,
}

impl NodeAddress {
    /// Refuses a node that lies outside the largest tree; level 0 is the leaves.
    pub fn new(level: u8, index: u64) -> Result<Self, MerkleError> {
        let end = 1_u64.checked_shl(level.into()).and_then(|width| index.checked_add(1)?.checked_mul(width));
        match end {
            Some(end) if end <= INTEGER_MAX => Ok(Self { level, index }),
            _ => Err(MerkleError::NoSuchNode { level, index }),
        }
    }

    /// The complete subtree of 2^`level` leaves that ends before leaf `end`, which must be a multiple of its width.
    pub(super) const fn ending_before(end: u64, level: u8) -> Self {
        Self { level, index: (end >> level) - 1 }
    }

    /// Level in bits: the subtree has 2^level leaves.
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Number of the subtree on its level, from 0.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// Whether all leaves of the subtree are in a tree of `size` leaves.
    pub const fn is_in(self, size: TreeSize) -> bool {
        self.index < size.get() >> self.level
    }

    /// The hash tile that holds the hashes under this node, as wide as a tree of `size` leaves has it.
    ///
    /// `None` when the node is not complete at that size.
    pub fn tile_in(self, size: TreeSize) -> Option<TilePath> {
        if !self.is_in(size) {
            return None;
        }
        tile_at(TileKind::Hashes(self.tile_level()), self.first_element() / u64::from(TILE_WIDTH), size)
    }

    /// The level of that tile.
    pub fn tile_level(self) -> TileLevel {
        TileLevel::new(self.level / TILE_BITS)
            .expect("a node lies below 2^53 leaves, so its tile level is at most 6")
    }

    /// Which elements of that tile lie under this node: one, or a power of two up to 128.
    pub fn positions(self) -> Range<usize> {
        let first = self.first_element() % u64::from(TILE_WIDTH);
        let start = usize::try_from(first).expect("a position in a tile is below 256");
        start..start + (1 << (self.level % TILE_BITS))
    }

    /// The hash of this node, from the hashes of its tile.
    pub fn hash_from_tile(self, tile: &[TreeHash]) -> Result<TreeHash, MerkleError> {
        let positions = self.positions();
        let needed = positions.end;
        let below = tile.get(positions).ok_or(MerkleError::ShortTile { needed, actual: tile.len() })?;
        Ok(complete_root(below))
    }

    /// Number, on the tile's level, of the first element under this node.
    const fn first_element(self) -> u64 {
        self.index << (self.level % TILE_BITS)
    }
}

/// The root over a power of two of hashes.
pub(super) fn complete_root(hashes: &[TreeHash]) -> TreeHash {
    match hashes {
        [] => TreeHash::empty(),
        [only] => *only,
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            TreeHash::node(&complete_root(left), &complete_root(right))
        }
    }
}

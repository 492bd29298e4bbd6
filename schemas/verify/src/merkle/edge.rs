//! The right edge of the growing tree: the partial tiles of every level, and nothing that is complete.

use holdfast_formats::tile::{TILE_WIDTH, TileKind, TileLevel, TilePath};
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};

use super::node::TILE_BITS;
use super::{MerkleError, NodeAddress, Subtrees};

/// Tile levels of the largest tree, 2^53 - 1 leaves.
const LEVELS: usize = 7;

/// A tree that can only grow, kept as its partial tiles: at most 255 hashes a level and those of the subtrees in them,
/// whatever its size.
///
/// Appending costs one hash per leaf on average and allocates nothing once the tiles have grown. Full tiles are
/// handed out as they fill and then forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    size: TreeSize,
    /// The partial tile of each level.
    partial: [Subtrees; LEVELS],
    /// Roots of the complete subtrees that make up the tree, largest first: one for each bit set in the size.
    peaks: Vec<TreeHash>,
}

impl Edge {
    /// The tree without leaves.
    pub const fn empty() -> Self {
        Self { size: TreeSize::ZERO, partial: [const { Subtrees::empty() }; LEVELS], peaks: Vec::new() }
    }

    /// Takes up a tree where it was left: `partial` has the hashes of the partial tile of each level, lowest first.
    ///
    /// Levels whose partial tile is empty may be left out at the end. Nothing is verified but the counts: compare
    /// [`Edge::root`] with the root that is known.
    pub fn from_parts(size: TreeSize, partial: Vec<Vec<TreeHash>>) -> Result<Self, MerkleError> {
        let mut edge = Self { size, ..Self::empty() };
        let surplus = partial.iter().skip(LEVELS).map(Vec::len).find(|length| *length != 0);
        if let Some(actual) = surplus {
            return Err(MerkleError::WrongPartialTile { size, level: LEVELS, needed: 0, actual });
        }
        for (slot, hashes) in edge.partial.iter_mut().zip(partial) {
            *slot = Subtrees::of(hashes);
        }
        for (level, tile) in edge.partial.iter().enumerate().rev() {
            let needed = (size.get() >> (level * usize::from(TILE_BITS))) % u64::from(TILE_WIDTH);
            let actual = tile.tile().len();
            if actual as u64 != needed {
                return Err(MerkleError::WrongPartialTile { size, level, needed, actual });
            }
            edge.peaks.extend(tile.peaks());
        }
        Ok(edge)
    }

    /// How many leaves the tree has.
    pub const fn size(&self) -> TreeSize {
        self.size
    }

    /// The root over all leaves; at most 52 hashes of work.
    pub fn root(&self) -> TreeHash {
        let folded = self.peaks.iter().rev().copied().reduce(|right, left| TreeHash::node(&left, &right));
        folded.unwrap_or_else(TreeHash::empty)
    }

    /// Appends one leaf and says where it stands; `on_full` gets every tile that this leaf completes.
    pub fn push(
        &mut self,
        leaf: TreeHash,
        on_full: &mut dyn FnMut(TilePath, &[TreeHash]),
    ) -> Result<LeafIndex, MerkleError> {
        let index = self.size.next_index();
        let completed = index.get().trailing_ones();
        self.size = self.size.checked_add(1)?;
        self.record(0, leaf, on_full);
        let mut hash = leaf;
        for level in 1..=completed {
            let left = self.peaks.pop().expect("there is a peak for every bit set in the size");
            hash = TreeHash::node(&left, &hash);
            self.record(level as usize, hash, on_full);
        }
        self.peaks.push(hash);
        Ok(index)
    }

    /// Appends leaves in order; on an error those before the refused one are in the tree.
    pub fn push_many(
        &mut self,
        leaves: impl IntoIterator<Item = TreeHash>,
        on_full: &mut dyn FnMut(TilePath, &[TreeHash]),
    ) -> Result<(), MerkleError> {
        leaves.into_iter().try_for_each(|leaf| self.push(leaf, on_full).map(drop))
    }

    /// The partial tiles of the tree as it is, lowest level first: what a log writes beside the full ones.
    pub fn partial_tiles(&self) -> impl Iterator<Item = (TilePath, &[TreeHash])> {
        self.partial.iter().enumerate().filter_map(|(level, partial)| {
            // A level that ends with a full tile has no partial one: a path of width 0 does not exist.
            let hashes = partial.tile();
            let width = u16::try_from(hashes.len()).ok()?;
            let path = TilePath::new(kind(level), self.tile_index(level), width).ok()?;
            Some((path, hashes))
        })
    }

    /// The hash of a complete subtree, when it lies in a partial tile.
    pub fn node(&self, node: NodeAddress) -> Option<TreeHash> {
        let level = usize::from(node.tile_level().get());
        let tile = node.tile_in(self.size)?;
        self.partial.get(level).filter(|_| tile.index() == self.tile_index(level))?.node(node)
    }

    /// Keeps the hash of a complete subtree of 2^`bits` leaves in its partial tile, and hands the tile out when that fills
    /// it.
    fn record(&mut self, bits: usize, hash: TreeHash, on_full: &mut dyn FnMut(TilePath, &[TreeHash])) {
        let (level, row) = (bits / usize::from(TILE_BITS), bits % usize::from(TILE_BITS));
        let size = self.size;
        let partial = self.partial.get_mut(level).expect("a tree below 2^53 leaves has 7 levels of tiles");
        partial.push(row, hash);
        // The roots in a tile come behind the last of its hashes, and there is none over a whole tile but in the next level.
        let is_full = row + 1 == usize::from(TILE_BITS) && partial.tile().len() == usize::from(TILE_WIDTH);
        if is_full {
            let index = (size.get() >> ((level + 1) * usize::from(TILE_BITS))) - 1;
            let path =
                TilePath::new(kind(level), index, TILE_WIDTH).expect("a tile of the tree is below its size");
            on_full(path, partial.tile());
            partial.clear();
        }
    }

    /// Number of the partial tile on its level: how many full ones there are.
    fn tile_index(&self, level: usize) -> u64 {
        self.size.get() >> ((level + 1) * usize::from(TILE_BITS))
    }
}

fn kind(level: usize) -> TileKind {
    let level = u8::try_from(level).ok().and_then(|level| TileLevel::new(level).ok());
    TileKind::Hashes(level.expect("a tree below 2^53 leaves has 7 levels of tiles"))
}

//! The hashes of one tile with those of every complete subtree inside it, so that a node is looked up and not computed.

use holdfast_formats::tile::TILE_WIDTH;
use holdfast_formats::tree::TreeHash;

use super::NodeAddress;
use super::node::TILE_BITS;

/// Levels inside a tile; the one above belongs to the next level of tiles.
const ROWS: usize = TILE_BITS as usize;

/// A tile, full or partial, and the roots of the complete subtrees of its hashes: at most twice as many hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtrees {
    /// The tile's own hashes, then the roots of pairs, of fours, and so on.
    rows: [Vec<TreeHash>; ROWS],
}

impl Subtrees {
    /// A tile without hashes.
    pub const fn empty() -> Self {
        Self { rows: [const { Vec::new() }; ROWS] }
    }

    /// Hashes up all complete subtrees of a tile.
    pub fn of(tile: Vec<TreeHash>) -> Self {
        let mut rows = [const { Vec::new() }; ROWS];
        let mut row = tile;
        for slot in &mut rows {
            let above = row.chunks_exact(2).map(|pair| match pair {
                [left, right] => TreeHash::node(left, right),
                _ => TreeHash::empty(),
            });
            let above = above.collect();
            *slot = std::mem::replace(&mut row, above);
        }
        Self { rows }
    }

    /// The tile itself.
    pub fn tile(&self) -> &[TreeHash] {
        let [tile, ..] = &self.rows;
        tile
    }

    /// The hash of a node that lies in this tile; `None` when the tile ends before it. Which tile this is, is the caller's
    /// to know.
    pub fn node(&self, node: NodeAddress) -> Option<TreeHash> {
        let row = node.level() % TILE_BITS;
        let width = u64::from(TILE_WIDTH >> row);
        let at = usize::try_from(node.index() % width).ok()?;
        self.rows.get(usize::from(row))?.get(at).copied()
    }

    /// Takes a hash on a row of a tile that grows; the tree's own walk computes each once.
    pub(super) fn push(&mut self, row: usize, hash: TreeHash) {
        self.rows.get_mut(row).expect("a level modulo 8 is below 8").push(hash);
    }

    /// Forgets all hashes and keeps their room.
    pub(super) fn clear(&mut self) {
        self.rows.iter_mut().for_each(Vec::clear);
    }

    /// The largest complete subtrees from the left, one for each bit set in the tile's length.
    pub(super) fn peaks(&self) -> impl Iterator<Item = TreeHash> + '_ {
        let rows = self.rows.iter().rev();
        rows.filter(|row| row.len() % 2 == 1).filter_map(|row| row.last().copied())
    }
}

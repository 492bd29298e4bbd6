//! Proofs: audit paths from full tiles in the index and the edge of a head.

use std::cell::RefCell;
use std::sync::Arc;

use holdfast_formats::tile::{TILE_WIDTH, TilePath};
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_verify::merkle::{MerkleError, NodeAddress, ProofPlan, Subtrees};
use quick_cache::sync::Cache;

use super::head::Head;
use crate::index::{Index, IndexError, View};

/// How many full tiles are kept in memory, of 16 KiB each with their subtrees: those of a quarter of a million leaves.
const CACHED_TILES: usize = 1024;

/// Why a proof could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProofsError {
    /// The tree has no such leaf or size.
    #[error(transparent)]
    Merkle(#[from] MerkleError),
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A tile that must be there is not.
    #[error(
        "tile {0} is missing from the index; delete the index and start again, it is rebuilt from the store"
    )]
    MissingTile(TilePath),
}

/// What the tree says of a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenLeaf {
    /// Its hash.
    pub hash: TreeHash,
    /// Its audit path.
    pub path: Vec<TreeHash>,
}

/// Makes proofs; clones share the cache of tiles.
#[derive(Clone)]
pub struct Prover {
    index: Index,
    tiles: Arc<Cache<TilePath, Arc<Subtrees>>>,
}

impl Prover {
    pub(super) fn new(index: Index) -> Self {
        Self { index, tiles: Arc::new(Cache::new(CACHED_TILES)) }
    }

    /// The index whose tiles it reads.
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// The hash of a leaf, and its audit path in the tree of `size` leaves, at most the head's. Runs on a thread that may
    /// block.
    pub fn inclusion(
        &self,
        view: &View<'_>,
        head: &Head,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<ProvenLeaf, ProofsError> {
        let last = LastTile::default();
        let node = |node| self.node(view, head, node, &last);
        let hash = node(NodeAddress::new(0, index.get())?)?;
        Ok(ProvenLeaf { hash, path: ProofPlan::inclusion(index, size)?.build(&node)? })
    }

    /// The same where every tile that it needs is in memory; `None` asks for a thread that may block.
    pub fn inclusion_at_hand(
        &self,
        head: &Head,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<Option<ProvenLeaf>, ProofsError> {
        let last = LastTile::default();
        let node = |node| self.node_at_hand(head, node, &last);
        let (leaf, plan) = (NodeAddress::new(0, index.get())?, ProofPlan::inclusion(index, size)?);
        let proven = node(leaf).and_then(|hash| Ok(ProvenLeaf { hash, path: plan.build(&node)? }));
        match proven {
            Ok(proven) => Ok(Some(proven)),
            Err(NotAtHand::Tile(_)) => Ok(None),
            Err(NotAtHand::Never(error)) => Err(error.into()),
        }
    }

    /// The consistency proof between two sizes, at most the head's.
    pub fn consistency(
        &self,
        view: &View<'_>,
        head: &Head,
        old: TreeSize,
        new: TreeSize,
    ) -> Result<Vec<TreeHash>, ProofsError> {
        let last = LastTile::default();
        ProofPlan::consistency(old, new)?.build(&|node| self.node(view, head, node, &last))
    }

    fn node(
        &self,
        view: &View<'_>,
        head: &Head,
        node: NodeAddress,
        last: &LastTile,
    ) -> Result<TreeHash, ProofsError> {
        match self.node_at_hand(head, node, last) {
            Ok(hash) => Ok(hash),
            Err(NotAtHand::Never(error)) => Err(error.into()),
            Err(NotAtHand::Tile(path)) => {
                let tile = view.full_tile(path)?.ok_or(ProofsError::MissingTile(path))?;
                let tile = Arc::new(Subtrees::of(tile));
                self.tiles.insert(path, Arc::clone(&tile));
                Ok(tile.node(node).ok_or_else(|| outside(node))?)
            }
        }
    }

    fn node_at_hand(&self, head: &Head, node: NodeAddress, last: &LastTile) -> Result<TreeHash, NotAtHand> {
        let never = || NotAtHand::Never(outside(node));
        let path = node.tile_in(head.size()).ok_or_else(never)?;
        if path.width() < TILE_WIDTH {
            return head.edge().node(node).ok_or_else(never);
        }
        let mut last = last.borrow_mut();
        if last.as_ref().is_none_or(|(of, _)| *of != path) {
            *last = Some((path, self.tiles.get(&path).ok_or(NotAtHand::Tile(path))?));
        }
        last.as_ref().and_then(|(_, tile)| tile.node(node)).ok_or_else(never)
    }
}

/// The tile that was asked last: the hashes of a proof that follow each other lie in few tiles.
type LastTile = RefCell<Option<(TilePath, Arc<Subtrees>)>>;

/// Why memory does not have a node.
enum NotAtHand {
    /// The index has the tile that it lies in.
    Tile(TilePath),
    /// The tree has no such node.
    Never(MerkleError),
}

fn outside(node: NodeAddress) -> MerkleError {
    MerkleError::NoSuchNode { level: node.level(), index: node.index() }
}

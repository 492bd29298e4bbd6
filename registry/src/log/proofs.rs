//! Proofs: audit paths from full tiles in the index and the edge of a head.

use std::sync::Arc;

use holdfast_formats::proof::TlogProof;
use holdfast_formats::tile::TilePath;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_verify::merkle::{MerkleError, NodeAddress, ProofPlan};
use quick_cache::sync::Cache;

use super::head::Head;
use crate::index::{Index, IndexError, View};

/// How many full tiles of 8 KiB are kept in memory.
const CACHED_TILES: usize = 2048;

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
    /// A proof that does not fit its format.
    #[error(transparent)]
    Format(#[from] holdfast_formats::proof::ProofError),
}

/// Makes proofs; clones share the cache of tiles.
#[derive(Clone)]
pub struct Prover {
    index: Index,
    tiles: Arc<Cache<TilePath, Arc<Vec<TreeHash>>>>,
}

impl Prover {
    pub(super) fn new(index: Index) -> Self {
        Self { index, tiles: Arc::new(Cache::new(CACHED_TILES)) }
    }

    /// The index whose tiles it reads.
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// The audit path of a leaf in the tree of `size` leaves, at most the head's. Runs on a thread that may block.
    pub fn inclusion(
        &self,
        view: &View<'_>,
        head: &Head,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<Vec<TreeHash>, ProofsError> {
        ProofPlan::inclusion(index, size)?.build(&|node| self.node(view, head, node))
    }

    /// The consistency proof between two sizes, at most the head's.
    pub fn consistency(
        &self,
        view: &View<'_>,
        head: &Head,
        old: TreeSize,
        new: TreeSize,
    ) -> Result<Vec<TreeHash>, ProofsError> {
        ProofPlan::consistency(old, new)?.build(&|node| self.node(view, head, node))
    }

    /// The receipt's text for a leaf, against the head's checkpoint.
    pub fn receipt(&self, view: &View<'_>, head: &Head, index: LeafIndex) -> Result<String, ProofsError> {
        let hashes = self.inclusion(view, head, index, head.size())?;
        Ok(TlogProof::new(index, hashes, head.checkpoint().to_owned())?.to_string())
    }

    fn node(&self, view: &View<'_>, head: &Head, node: NodeAddress) -> Result<TreeHash, ProofsError> {
        if let Some(hash) = head.edge().node(node) {
            return Ok(hash);
        }
        let outside = MerkleError::NoSuchNode { level: node.level(), index: node.index() };
        let tile = node.tile_in(head.size()).ok_or(outside)?;
        let hashes = if let Some(hashes) = self.tiles.get(&tile) {
            hashes
        } else {
            let hashes = Arc::new(view.full_tile(tile)?.ok_or(ProofsError::MissingTile(tile))?);
            self.tiles.insert(tile, Arc::clone(&hashes));
            hashes
        };
        Ok(node.hash_from_tile(&hashes)?)
    }
}

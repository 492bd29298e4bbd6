//! Proofs under one checkpoint, made here from the log's hash tiles, so that all of them lead to the same tree.

use std::collections::HashMap;

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::proof::TlogProof;
use holdfast_formats::tile::{TileKind, TilePath, decode_hashes};
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_verify::merkle::{MerkleError, NodeAddress, ProofPlan, tree_root};

use crate::error::ClientError;
use crate::session::{Registry, SMALL_ANSWER_MAX};
use crate::transport::Request;

/// One tree and as much of it as was asked for. Nothing of it is verified here: every proof is, against the checkpoint.
pub(super) struct Prover<'a> {
    registry: &'a Registry,
    note: String,
    checkpoint: Checkpoint,
    tiles: HashMap<TilePath, Vec<TreeHash>>,
}

impl<'a> Prover<'a> {
    /// Proves under a checkpoint that is published with its tiles.
    pub(super) fn new(registry: &'a Registry, note: String, checkpoint: Checkpoint) -> Self {
        Self { registry, note, checkpoint, tiles: HashMap::new() }
    }

    pub(super) fn note(&self) -> &str {
        &self.note
    }

    pub(super) fn size(&self) -> TreeSize {
        self.checkpoint.size()
    }

    pub(super) fn root(&self) -> TreeHash {
        self.checkpoint.root()
    }

    /// The audit path of an entry.
    pub(super) async fn path(&mut self, index: LeafIndex) -> Result<Vec<TreeHash>, ClientError> {
        self.build(&ProofPlan::inclusion(index, self.size()).map_err(untrue)?).await
    }

    /// The same as a proof that stands by itself.
    pub(super) async fn proof(&mut self, index: LeafIndex) -> Result<String, ClientError> {
        let hashes = self.path(index).await?;
        let proof = TlogProof::new(index, hashes, self.note.clone());
        proof.map(|proof| proof.to_string()).map_err(|e| ClientError::untrue("proof", e))
    }

    /// The root of a smaller tree, and the proof that this one extends it.
    pub(super) async fn extends(&mut self, old: TreeSize) -> Result<(TreeHash, Vec<TreeHash>), ClientError> {
        let hashes = self.build(&ProofPlan::consistency(old, self.size()).map_err(untrue)?).await?;
        let mut missing = Vec::new();
        // The peaks of the old tree are complete here as well: one for every bit set in its size.
        let mut start = 0;
        for level in (0..64_u8).rev().filter(|level| old.get() >> level & 1 == 1) {
            missing.push(NodeAddress::new(level, start >> level).map_err(untrue)?);
            start += 1 << level;
        }
        let tiles = missing.iter().filter_map(|node| node.tile_in(self.size())).collect::<Vec<_>>();
        self.fetch(tiles).await?;
        let root = tree_root(old, &|node| self.node(node)).map_err(untrue)?;
        Ok((root, hashes))
    }

    async fn build(&mut self, plan: &ProofPlan) -> Result<Vec<TreeHash>, ClientError> {
        self.fetch(plan.tiles(self.size())).await?;
        plan.build(&|node| self.node(node)).map_err(untrue)
    }

    async fn fetch(&mut self, tiles: impl IntoIterator<Item = TilePath>) -> Result<(), ClientError> {
        for tile in tiles {
            if self.tiles.contains_key(&tile) || !matches!(tile.kind(), TileKind::Hashes(_)) {
                continue;
            }
            let path = format!("/log/{tile}");
            let bytes =
                self.registry.transport().call_bytes(&Request::get(&path, "tile", SMALL_ANSWER_MAX)).await?;
            let hashes =
                decode_hashes(&bytes, tile.width()).map_err(|e| ClientError::malformed("tile", e))?;
            self.tiles.insert(tile, hashes);
        }
        Ok(())
    }

    fn node(&self, node: NodeAddress) -> Result<TreeHash, MerkleError> {
        let outside = MerkleError::NoSuchNode { level: node.level(), index: node.index() };
        let tile = node.tile_in(self.size()).and_then(|tile| self.tiles.get(&tile)).ok_or(outside)?;
        node.hash_from_tile(tile)
    }
}

fn untrue(error: MerkleError) -> ClientError {
    ClientError::untrue("tree of the log", error)
}

//! The log's tiles as they are published. Hash tiles are open to any reader; entry bundles name everything.

use bytes::Bytes;
use holdfast_formats::tile::{TileKind, TilePath};

use super::{Failure, Identity, Service};

impl Service {
    /// A published tile.
    pub async fn tile(&self, who: &Identity, tile: TilePath) -> Result<Bytes, Failure> {
        match tile.kind() {
            TileKind::Hashes(_) => self.require_reader(who)?,
            TileKind::Entries => who.require_audit()?,
        }
        self.log().published_tile(tile).await?.ok_or_else(Failure::not_found)
    }

    /// The published checkpoint: all tiles of its size are there.
    pub async fn published_checkpoint(&self, who: &Identity) -> Result<String, Failure> {
        self.require_reader(who)?;
        let note = self.log().published_checkpoint().await?.ok_or_else(Failure::not_found)?;
        String::from_utf8(note.to_vec()).map_err(Failure::internal)
    }
}

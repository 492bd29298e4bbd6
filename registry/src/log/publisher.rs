//! The publisher: writes tiles and then the checkpoint, at most every 200 ms. Receipts never wait for it.
//!
//! It alone writes `log/checkpoint`, also when witnesses cosigned it: so the published size never goes back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_formats::tile::{TileKind, TilePath, encode_bundle, encode_hashes, new_tiles};
use holdfast_formats::tree::{LeafIndex, TreeSize};
use tokio::sync::watch;

use super::LogParts;
use super::cosigned::Cosignatures;
use super::entries::{Entries, EntriesError};
use super::head::Head;
use crate::index::IndexError;
use crate::objects::{ObjectError, ObjectKey};

/// How often the checkpoint moves at most.
const PUBLISH_EVERY: Duration = Duration::from_millis(200);

pub(super) struct Publisher {
    parts: LogParts,
    heads: watch::Receiver<Arc<Head>>,
    entries: Entries,
    cosignatures: Cosignatures,
    published: TreeSize,
    /// The checkpoint as this process wrote it last.
    written: Option<String>,
    announce: watch::Sender<Option<Arc<Head>>>,
}

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Entries(#[from] EntriesError),
    #[error("a tile cannot be made: {0}")]
    Tile(String),
}

impl Publisher {
    /// A publisher, and what tells how far it is.
    pub(super) fn new(
        parts: LogParts,
        heads: watch::Receiver<Arc<Head>>,
        entries: Entries,
        cosignatures: Cosignatures,
    ) -> (Self, watch::Receiver<Option<Arc<Head>>>) {
        let (announce, announced) = watch::channel(None);
        let (published, written) = (TreeSize::ZERO, None);
        (Self { parts, heads, entries, cosignatures, published, written, announce }, announced)
    }

    /// Runs until the sequencer ends, and publishes what it left.
    pub(super) async fn run(mut self) {
        self.published = self.found().await;
        let mut cosigned = self.cosignatures.changes();
        loop {
            cosigned.mark_unchanged();
            let head = Arc::clone(&self.heads.borrow_and_update());
            if let Err(error) = self.publish(&head).await {
                tracing::warn!(%error, "tiles could not be published yet");
            }
            tokio::time::sleep(PUBLISH_EVERY).await;
            if self.heads.borrow().size() > self.published {
                continue;
            }
            tokio::select! {
                changed = self.heads.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                // This publisher holds a sender itself, so there always is one.
                _ = cosigned.changed() => {}
            }
        }
    }

    /// How far tiles are known to be whole. After a crash the newest ones may be torn, so the last tile of each kind
    /// that the stored checkpoint covers is written again.
    async fn found(&self) -> TreeSize {
        let Ok(stored) = self.parts.store.get(&ObjectKey::checkpoint()).await else { return TreeSize::ZERO };
        let head = Arc::clone(&self.heads.borrow());
        let keys = self.parts.keys.checkpoint_keys(head.policy().map(Arc::as_ref));
        let origin = &self.parts.keys.held().origin;
        let checkpoint = holdfast_formats::checkpoint::Checkpoint::from_signed(&stored, origin, &keys);
        let Ok(checkpoint) = checkpoint else { return TreeSize::ZERO };
        let whole = checkpoint.size().get().saturating_sub(REWRITTEN) / 256 * 256;
        TreeSize::new(whole).unwrap_or(TreeSize::ZERO)
    }

    /// Writes what is not written yet, the checkpoint last.
    async fn publish(&mut self, head: &Arc<Head>) -> Result<(), PublishError> {
        let checkpoint = self.cosignatures.below(head.checkpoint(), head.size());
        if head.size() == TreeSize::ZERO || self.written.as_ref() == Some(&checkpoint) {
            return Ok(());
        }
        for tile in new_tiles(self.published, head.size()) {
            let bytes = self.tile(head, tile).await?;
            let key = ObjectKey::tile(&tile.to_string()).map_err(ObjectError::from)?;
            self.parts.store.replace(&key, bytes).await?;
        }
        self.parts.store.replace(&ObjectKey::checkpoint(), Bytes::from(checkpoint.clone())).await?;
        self.published = head.size();
        self.written = Some(checkpoint);
        self.announce.send_if_modified(|announced| {
            let is_new = announced.as_ref().is_none_or(|announced| announced.size() < head.size());
            if is_new {
                *announced = Some(Arc::clone(head));
            }
            is_new
        });
        Ok(())
    }

    async fn tile(&self, head: &Head, tile: TilePath) -> Result<Bytes, PublishError> {
        let wrong = |error: holdfast_formats::tile::TileError| PublishError::Tile(error.to_string());
        let bytes = match tile.kind() {
            TileKind::Entries => {
                let first =
                    LeafIndex::new(tile.index() * 256).map_err(|e| PublishError::Tile(e.to_string()))?;
                let leaves = self.entries.read_many(first, usize::from(tile.width())).await?;
                encode_bundle(&leaves).map_err(wrong)?
            }
            TileKind::Hashes(_) => {
                let partial = head.edge().partial_tiles().find(|(path, _)| *path == tile);
                if let Some((_, hashes)) = partial {
                    encode_hashes(hashes).map_err(wrong)?
                } else {
                    let full = self.parts.index.read(move |view| view.full_tile(tile)).await?;
                    let hashes =
                        full.ok_or_else(|| PublishError::Tile(format!("{tile} is not in the index")))?;
                    encode_hashes(&hashes).map_err(wrong)?
                }
            }
        };
        Ok(Bytes::from(bytes))
    }
}

/// How many entries before the stored checkpoint are published again at a start: more than 30 s of the fastest log.
const REWRITTEN: u64 = 65_536;

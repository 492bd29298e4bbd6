//! Chunks on their way to the sender: each is hashed here and goes on once, unless it is known to be stored.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use holdfast_formats::blob::Extent;
use holdfast_formats::catalog::ChunkIndex;
use holdfast_formats::digest::Blake3Digest;
use tokio::sync::mpsc::Sender;

use crate::cutter::Piece;

/// Digests remembered as offered; beyond it they may be offered, and asked about, again.
const OFFERED_MAX: usize = 1 << 20;

/// Nobody takes chunks any more, because something else failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopped;

/// Where chunks go. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    to: Sender<Piece>,
    stored: Arc<ChunkIndex>,
    offered: Arc<Mutex<HashSet<Blake3Digest>>>,
}

impl Outgoing {
    /// Sends to `to` what is not among these chunks.
    pub(super) fn new(to: Sender<Piece>, stored: Arc<ChunkIndex>) -> Self {
        Self { to, stored, offered: Arc::default() }
    }

    /// Hands over the bytes of a chunk, whose digest may be known; waits while too much is under way.
    pub(super) fn offer(&self, bytes: Bytes, digest: Option<Blake3Digest>) -> Result<Extent, Stopped> {
        let digest = digest.unwrap_or_else(|| Blake3Digest::of(&bytes));
        let length = u32::try_from(bytes.len()).expect("a chunk has at most 4 MiB");
        if self.stored.position(&digest).is_none() && self.is_first(digest) {
            self.to.blocking_send(Piece { digest, offset: 0, bytes }).map_err(|_| Stopped)?;
        }
        Ok(Extent { chunk: digest, offset: 0, length })
    }

    fn is_first(&self, digest: Blake3Digest) -> bool {
        let mut offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner);
        if offered.contains(&digest) {
            return false;
        }
        if offered.len() < OFFERED_MAX {
            offered.insert(digest);
        }
        true
    }
}

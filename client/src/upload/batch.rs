//! Some megabytes of work: chunks, and the blobs that end among them.

use holdfast_formats::blob::BlobRecord;

use crate::cutter::Piece;

/// Enough to ask about at once, little enough to wait in memory twice.
const BATCH_BYTES: u64 = 16 * 1024 * 1024;
const BATCH_ITEMS: usize = 256;

/// A chunk and the file that it is of, by its place in the list of files.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) file: usize,
    pub(super) piece: Piece,
}

/// One step of what the reader found, in order.
#[derive(Debug)]
pub(super) enum Step {
    /// A chunk.
    Chunk(Placed),
    /// The end of the file at this place of the list.
    Blob(usize, BlobRecord),
}

/// Work that is done together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) chunks: Vec<Placed>,
    /// By place in the list of files.
    pub(super) blobs: Vec<(usize, BlobRecord)>,
    bytes: u64,
}

impl Batch {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), blobs: Vec::new(), bytes: 0 }
    }

    pub(super) fn push(&mut self, step: Step) {
        match step {
            Step::Chunk(placed) => {
                self.bytes += placed.piece.bytes.len() as u64;
                self.chunks.push(placed);
            }
            Step::Blob(at, record) => self.blobs.push((at, record)),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.chunks.len() + self.blobs.len() >= BATCH_ITEMS
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.blobs.is_empty()
    }

    /// The content bytes of its chunks.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

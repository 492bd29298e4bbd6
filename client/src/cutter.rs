//! Cutting a stream into content-defined chunks, in one pass, with bounded memory.
//!
//! Owns where a chunk ends (FastCDC v2020 between the limits of the format) and all digests: of each chunk, and both of
//! the whole. It never compresses and never sends. SHA-256 and BLAKE3 of the whole are taken on a thread of their own,
//! because cutting and hashing on one core would be slower than the disk.

mod whole;

use std::io::{self, Read};

use bytes::Bytes;
use fastcdc::v2020::FastCDC;
use holdfast_formats::blob::{BlobRecord, Extent};
use holdfast_formats::digest::{Blake3Digest, Digests, Sha256Digest};
use holdfast_formats::limits::{
    BLOB_BYTES_MAX, CHUNK_BYTES_AVG, CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, EXTENTS_MAX,
};

use whole::WholeHasher;

/// How much is read ahead. Four of the largest chunks, so that a tail is copied only once every three.
const WINDOW_BYTES: usize = 4 * CHUNK_BYTES_MAX;

/// One chunk of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Its digest, by which it is asked for and stored.
    pub(crate) digest: Blake3Digest,
    /// Where in the stream it begins.
    pub(crate) offset: u64,
    /// Its bytes: a part of the window that they were read into.
    pub(crate) bytes: Bytes,
}

/// Why a stream could not be cut.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CutError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// Longer than a blob may be.
    #[error("it is larger than the largest blob")]
    TooLarge,
    /// Nobody takes the chunks any more, because sending failed.
    #[error("the chunks are not wanted any more")]
    Stopped,
}

/// Cuts streams one after the other.
#[derive(Debug)]
pub(crate) struct Cutter {
    /// What was read and is not cut yet.
    window: Bytes,
    hasher: WholeHasher,
}

impl Cutter {
    pub(crate) fn new() -> Self {
        Self { window: Bytes::new(), hasher: WholeHasher::idle() }
    }

    /// Cuts a stream of about `expected_bytes` to its end. `take` gets each chunk in order and says whether more is wanted.
    pub(crate) fn cut(
        &mut self,
        stream: impl Read,
        expected_bytes: u64,
        take: &mut dyn FnMut(Piece) -> bool,
    ) -> Result<BlobRecord, CutError> {
        let outcome = self.cut_to_end(stream, expected_bytes, take);
        if outcome.is_err() {
            // What the thread has of this stream must not become part of the next one.
            self.hasher = WholeHasher::idle();
        }
        outcome
    }

    fn cut_to_end(
        &mut self,
        mut stream: impl Read,
        expected_bytes: u64,
        take: &mut dyn FnMut(Piece) -> bool,
    ) -> Result<BlobRecord, CutError> {
        self.window.clear();
        let mut blob = Draft::empty();
        let mut ended = false;
        loop {
            if !ended && self.window.len() < CHUNK_BYTES_MAX {
                ended = self.fill(&mut stream, expected_bytes.saturating_sub(blob.size))?;
            }
            let Some(piece) = self.next_piece(blob.size) else { break };
            let alone = blob.extents.is_empty() && ended && self.window.is_empty();
            blob.push(&piece)?;
            if alone {
                blob.whole = Some(Digests { blake3: piece.digest, sha256: Sha256Digest::of(&piece.bytes) });
            } else {
                self.hasher.update(piece.bytes.clone());
            }
            if !take(piece) {
                return Err(CutError::Stopped);
            }
        }
        let digests = blob.whole.unwrap_or_else(|| self.hasher.finish());
        Ok(BlobRecord { digests, size: blob.size, extents: blob.extents })
    }

    /// Reads as much as fits behind the tail; says whether the stream ended.
    fn fill(&mut self, stream: &mut impl Read, expected_bytes: u64) -> Result<bool, CutError> {
        // One byte more than expected, so that the end is found without making room again.
        let expected = usize::try_from(expected_bytes).unwrap_or(WINDOW_BYTES).saturating_add(1);
        let mut window = Vec::with_capacity(expected.clamp(self.window.len() + 1, WINDOW_BYTES));
        window.extend_from_slice(&self.window);
        let room = WINDOW_BYTES - window.len();
        let read = stream.take(room as u64).read_to_end(&mut window)?;
        self.window = Bytes::from(window);
        Ok(read < room)
    }

    fn next_piece(&mut self, offset: u64) -> Option<Piece> {
        if self.window.is_empty() {
            return None;
        }
        let (_, length) = FastCDC::new(&self.window, CHUNK_BYTES_MIN, CHUNK_BYTES_AVG, CHUNK_BYTES_MAX)
            .cut(0, self.window.len());
        let bytes = self.window.split_to(length);
        Some(Piece { digest: Blake3Digest::of(&bytes), offset, bytes })
    }
}

/// A blob that is being cut.
struct Draft {
    size: u64,
    extents: Vec<Extent>,
    whole: Option<Digests>,
}

impl Draft {
    const fn empty() -> Self {
        Self { size: 0, extents: Vec::new(), whole: None }
    }

    fn push(&mut self, piece: &Piece) -> Result<(), CutError> {
        let length = u32::try_from(piece.bytes.len()).map_err(|_| CutError::TooLarge)?;
        self.size += u64::from(length);
        self.extents.push(Extent { chunk: piece.digest, offset: 0, length });
        if self.size > BLOB_BYTES_MAX || self.extents.len() > EXTENTS_MAX {
            Err(CutError::TooLarge)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;

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

/// How much is read ahead. Four of the largest chunks, so that the tail is moved only once every three.
const WINDOW_BYTES: usize = 4 * CHUNK_BYTES_MAX;

/// One chunk of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Its digest, by which it is asked for and stored.
    pub(crate) digest: Blake3Digest,
    /// Its bytes.
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

/// Cuts streams one after the other, with one window for all of them.
#[derive(Debug)]
pub(crate) struct Cutter {
    window: Vec<u8>,
    /// Where the part of the window that is not cut yet begins.
    start: usize,
    hasher: WholeHasher,
}

impl Cutter {
    pub(crate) fn new() -> Self {
        Self { window: Vec::new(), start: 0, hasher: WholeHasher::idle() }
    }

    /// Cuts a stream to its end. `take` gets each chunk in order and says whether more is wanted.
    pub(crate) fn cut(
        &mut self,
        stream: impl Read,
        take: &mut dyn FnMut(Piece) -> bool,
    ) -> Result<BlobRecord, CutError> {
        let outcome = self.cut_to_end(stream, take);
        if outcome.is_err() {
            // What the thread has of this stream must not become part of the next one.
            self.hasher = WholeHasher::idle();
        }
        outcome
    }

    fn cut_to_end(
        &mut self,
        mut stream: impl Read,
        take: &mut dyn FnMut(Piece) -> bool,
    ) -> Result<BlobRecord, CutError> {
        self.window.clear();
        self.start = 0;
        let mut blob = Draft::empty();
        let mut ended = false;
        loop {
            if !ended && self.window.len() - self.start < CHUNK_BYTES_MAX {
                ended = self.fill(&mut stream)?;
            }
            let Some(piece) = self.next_piece() else { break };
            let alone = blob.extents.is_empty() && ended && self.start == self.window.len();
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

    /// Moves the tail to the front and reads as much as fits; says whether the stream ended.
    fn fill(&mut self, stream: &mut impl Read) -> Result<bool, CutError> {
        self.window.drain(..self.start);
        self.start = 0;
        let room = WINDOW_BYTES - self.window.len();
        let read = stream.take(room as u64).read_to_end(&mut self.window)?;
        Ok(read < room)
    }

    fn next_piece(&mut self) -> Option<Piece> {
        let rest = self.window.get(self.start..).filter(|rest| !rest.is_empty())?;
        let (_, length) =
            FastCDC::new(rest, CHUNK_BYTES_MIN, CHUNK_BYTES_AVG, CHUNK_BYTES_MAX).cut(0, rest.len());
        let bytes = Bytes::copy_from_slice(rest.get(..length)?);
        self.start += length;
        Some(Piece { digest: Blake3Digest::of(&bytes), bytes })
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

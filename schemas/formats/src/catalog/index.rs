//! The end of a catalog: its chunks, and how much it lists.

use super::{CatalogError, END_MAGIC};
use crate::digest::Blake3Digest;
use crate::limits::{CATALOG_CHUNKS_MAX, CHUNK_BYTES_MAX, INTEGER_MAX};

/// The size of a trailer.
pub const TRAILER_BYTES: usize = 24;
const CHUNK_BYTES: usize = 36;

/// The last bytes of a catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailer {
    /// How many entries it has.
    pub entries: u64,
    /// The bytes of all files, holes included.
    pub size: u64,
    /// How many chunks it is made of.
    pub chunks: u32,
}

impl Trailer {
    /// Writes the trailer.
    pub(super) fn encode(&self) -> [u8; TRAILER_BYTES] {
        let mut out = [0; TRAILER_BYTES];
        let (entries, rest) = out.split_at_mut(8);
        entries.copy_from_slice(&self.entries.to_be_bytes());
        let (size, rest) = rest.split_at_mut(8);
        size.copy_from_slice(&self.size.to_be_bytes());
        let (chunks, magic) = rest.split_at_mut(4);
        chunks.copy_from_slice(&self.chunks.to_be_bytes());
        magic.copy_from_slice(END_MAGIC);
        out
    }

    /// Reads the last [`TRAILER_BYTES`] bytes of a catalog.
    pub fn parse(bytes: &[u8; TRAILER_BYTES]) -> Result<Self, CatalogError> {
        let [e0, e1, e2, e3, e4, e5, e6, e7, s0, s1, s2, s3, s4, s5, s6, s7, c0, c1, c2, c3, magic @ ..] =
            *bytes;
        if magic != *END_MAGIC {
            return Err(CatalogError("it does not end with HFSE"));
        }
        let trailer = Self {
            entries: u64::from_be_bytes([e0, e1, e2, e3, e4, e5, e6, e7]),
            size: u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
            chunks: u32::from_be_bytes([c0, c1, c2, c3]),
        };
        if trailer.chunks > CATALOG_CHUNKS_MAX || trailer.entries > INTEGER_MAX || trailer.size > INTEGER_MAX
        {
            return Err(CatalogError("it has more chunks, entries or bytes than the format allows"));
        }
        Ok(trailer)
    }

    /// How many bytes before the trailer are the chunks.
    pub const fn index_bytes(&self) -> usize {
        ChunkIndex::bytes_of(self.chunks as usize)
    }
}

/// A chunk that a catalog needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexedChunk {
    /// Its address.
    pub digest: Blake3Digest,
    /// Its length in bytes.
    pub length: u32,
}

/// All chunks that a catalog needs, by digest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChunkIndex(Vec<IndexedChunk>);

impl ChunkIndex {
    /// Sorts chunks; one digest must not have two lengths.
    pub fn of(mut chunks: Vec<IndexedChunk>) -> Result<Self, CatalogError> {
        chunks.sort_unstable();
        chunks.dedup();
        Self::checked(chunks)
    }

    /// How many bytes of a catalog so many chunks are.
    pub const fn bytes_of(chunks: usize) -> usize {
        chunks * CHUNK_BYTES
    }

    /// Reads the bytes before the trailer, or those of some successive chunks.
    pub fn parse(bytes: &[u8]) -> Result<Self, CatalogError> {
        if !bytes.len().is_multiple_of(CHUNK_BYTES) {
            return Err(CatalogError("its chunks are cut short"));
        }
        let chunk = |record: &[u8]| {
            let (digest, length) = record.split_first_chunk::<32>()?;
            let length = u32::from_be_bytes(*length.first_chunk::<4>()?);
            Some(IndexedChunk { digest: Blake3Digest::from_bytes(*digest), length })
        };
        Self::checked(bytes.chunks_exact(CHUNK_BYTES).filter_map(chunk).collect())
    }

    fn checked(chunks: Vec<IndexedChunk>) -> Result<Self, CatalogError> {
        if u32::try_from(chunks.len()).is_ok_and(|count| count > CATALOG_CHUNKS_MAX) {
            return Err(CatalogError("it has more chunks than the format allows"));
        }
        if !chunks.is_sorted_by(|before, after| before.digest < after.digest) {
            return Err(CatalogError("its chunks are not sorted, or one stands there twice"));
        }
        if chunks.iter().any(|chunk| chunk.length == 0 || chunk.length as usize > CHUNK_BYTES_MAX) {
            return Err(CatalogError("a chunk is empty or longer than the longest"));
        }
        Ok(Self(chunks))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * CHUNK_BYTES);
        for chunk in &self.0 {
            out.extend_from_slice(chunk.digest.as_bytes());
            out.extend_from_slice(&chunk.length.to_be_bytes());
        }
        out
    }

    /// The chunks, by digest.
    pub fn chunks(&self) -> &[IndexedChunk] {
        &self.0
    }

    /// The place of a chunk among them.
    pub fn position(&self, digest: &Blake3Digest) -> Option<usize> {
        self.0.binary_search_by(|chunk| chunk.digest.cmp(digest)).ok()
    }

    /// The length of a chunk, if it is one of them.
    pub fn length(&self, digest: &Blake3Digest) -> Option<u32> {
        self.position(digest).and_then(|at| self.0.get(at)).map(|chunk| chunk.length)
    }
}

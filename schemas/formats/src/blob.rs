//! A blob record: how a blob is made of chunks. Binary, because a blob may have a million extents.
//!
//! ```text
//! 0  4  "HFB1"
//! 4  8  size of the blob, big endian
//! 12 32 BLAKE3 of the blob
//! 44 32 SHA-256 of the blob
//! 76 4  number of extents
//! 80 40 each: chunk's BLAKE3 [32], offset in the chunk [4], length [4]
//! ```

use crate::digest::{Blake3Digest, Digests, Sha256Digest};
use crate::limits::{BLOB_BYTES_MAX, CHUNK_BYTES_MAX, EXTENTS_MAX};

const MAGIC: &[u8; 4] = b"HFB1";
const HEAD_BYTES: usize = 80;
const EXTENT_BYTES: usize = 40;

/// The most bytes a record can have.
pub const BLOB_RECORD_BYTES_MAX: usize = HEAD_BYTES + EXTENTS_MAX * EXTENT_BYTES;

/// A part of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The chunk.
    pub chunk: Blake3Digest,
    /// Where the part begins in it.
    pub offset: u32,
    /// How long the part is; never 0.
    pub length: u32,
}

/// What a blob is made of. The extents cover it from first to last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRecord {
    /// The digests of the blob.
    pub digests: Digests,
    /// Its size in bytes.
    pub size: u64,
    /// Its parts in order.
    pub extents: Vec<Extent>,
}

/// Why bytes are no blob record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the blob record is malformed: {0}")]
pub struct BlobRecordError(&'static str);

impl BlobRecord {
    /// Writes the record.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + self.extents.len() * EXTENT_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(self.digests.blake3.as_bytes());
        out.extend_from_slice(self.digests.sha256.as_bytes());
        out.extend_from_slice(&u32::try_from(self.extents.len()).unwrap_or(u32::MAX).to_be_bytes());
        for extent in &self.extents {
            out.extend_from_slice(extent.chunk.as_bytes());
            out.extend_from_slice(&extent.offset.to_be_bytes());
            out.extend_from_slice(&extent.length.to_be_bytes());
        }
        out
    }

    /// Reads a record and checks that its extents add up to its size.
    pub fn parse(bytes: &[u8]) -> Result<Self, BlobRecordError> {
        let (record, rest) = Self::split(bytes)?;
        if rest.is_empty() { Ok(record) } else { Err(BlobRecordError("something follows it")) }
    }

    /// Reads the record that `bytes` begin with; what follows it is returned, too.
    pub fn split(bytes: &[u8]) -> Result<(Self, &[u8]), BlobRecordError> {
        let (head, rest) =
            bytes.split_first_chunk::<HEAD_BYTES>().ok_or(BlobRecordError("fewer than 80 bytes"))?;
        let mut head = head.as_slice();
        if take::<4>(&mut head)? != *MAGIC {
            return Err(BlobRecordError("it does not begin with HFB1"));
        }
        let size = u64::from_be_bytes(take(&mut head)?);
        let blake3 = Blake3Digest::from_bytes(take(&mut head)?);
        let sha256 = Sha256Digest::from_bytes(take(&mut head)?);
        let count = usize::try_from(u32::from_be_bytes(take(&mut head)?)).unwrap_or(usize::MAX);
        if count > EXTENTS_MAX || size > BLOB_BYTES_MAX {
            return Err(BlobRecordError("it has more extents or bytes than the format allows"));
        }
        let (extents, rest) = rest
            .split_at_checked(count * EXTENT_BYTES)
            .ok_or(BlobRecordError("it ends among its extents"))?;
        let extents = extents.chunks_exact(EXTENT_BYTES).map(parse_extent).collect::<Result<Vec<_>, _>>()?;
        if extents.iter().map(|e| u64::from(e.length)).sum::<u64>() != size {
            return Err(BlobRecordError("its extents do not add up to its size"));
        }
        Ok((Self { digests: Digests { blake3, sha256 }, size, extents }, rest))
    }
}

fn parse_extent(mut bytes: &[u8]) -> Result<Extent, BlobRecordError> {
    let chunk = Blake3Digest::from_bytes(take(&mut bytes)?);
    let offset = u32::from_be_bytes(take(&mut bytes)?);
    let length = u32::from_be_bytes(take(&mut bytes)?);
    let end = u64::from(offset) + u64::from(length);
    if length == 0 || end > CHUNK_BYTES_MAX as u64 {
        return Err(BlobRecordError("an extent is empty or reaches beyond the largest chunk"));
    }
    Ok(Extent { chunk, offset, length })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], BlobRecordError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(BlobRecordError("it is cut short"))?;
    *bytes = rest;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> BlobRecord {
        let extent = |byte, length| Extent { chunk: Blake3Digest::from_bytes([byte; 32]), offset: 0, length };
        BlobRecord { digests: Digests::of(b"x"), size: 300, extents: vec![extent(1, 100), extent(2, 200)] }
    }

    #[test]
    fn a_record_survives_its_bytes() {
        assert_eq!(BlobRecord::parse(&record().encode()), Ok(record()));
    }

    #[test]
    fn what_follows_a_record_is_no_part_of_it() {
        let mut bytes = record().encode();
        bytes.extend_from_slice(b"frames");
        assert_eq!(BlobRecord::split(&bytes), Ok((record(), b"frames".as_slice())));
        assert!(BlobRecord::parse(&bytes).is_err());
    }

    #[test]
    fn t8_a_record_whose_extents_do_not_add_up_is_refused() {
        let mut wrong = record();
        wrong.size = 301;
        assert!(BlobRecord::parse(&wrong.encode()).is_err());
        let mut cut = record().encode();
        cut.pop();
        assert!(BlobRecord::parse(&cut).is_err());
        let mut empty = record();
        empty.extents[0].length = 0;
        empty.size = 200;
        assert!(BlobRecord::parse(&empty.encode()).is_err());
    }
}

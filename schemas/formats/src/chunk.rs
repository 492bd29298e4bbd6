//! A stored chunk: 32 bytes of header, then the bytes, raw or as one zstd frame.
//!
//! ```text
//! 0  4  "HFC1"
//! 4  1  codec: 0 raw, 1 zstd
//! 5  1  encryption scheme, 0: none (reserved)
//! 6  2  zero
//! 8  4  length before compression, big endian
//! 12 20 key id (reserved), zero
//! ```

use crate::limits::CHUNK_BYTES_MAX;

/// The size of the header.
pub const CHUNK_HEADER_BYTES: usize = 32;
const MAGIC: &[u8; 4] = b"HFC1";

/// How the bytes of a chunk are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// As they are.
    Raw,
    /// One zstd frame with exact content size, no dictionary, nothing after it.
    Zstd,
}

/// What stands before the bytes of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkHeader {
    /// How the bytes are stored.
    pub codec: Codec,
    /// The size before compression: 1 to 4 MiB.
    pub length: u32,
}

/// Why stored bytes are no chunk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Too short, wrong magic, reserved bytes set, or a length out of bounds.
    #[error("the chunk's header is malformed: {0}")]
    Header(&'static str),
}

impl ChunkHeader {
    /// Writes the header.
    pub fn encode(&self) -> [u8; CHUNK_HEADER_BYTES] {
        let mut out = [0; CHUNK_HEADER_BYTES];
        let (magic, rest) = out.split_at_mut(4);
        magic.copy_from_slice(MAGIC);
        let (codec, rest) = rest.split_at_mut(4);
        codec.copy_from_slice(&[u8::from(self.codec == Codec::Zstd), 0, 0, 0]);
        let (length, _) = rest.split_at_mut(4);
        length.copy_from_slice(&self.length.to_be_bytes());
        out
    }

    /// Reads a header and returns it with the stored bytes that follow.
    pub fn parse(object: &[u8]) -> Result<(Self, &[u8]), ChunkError> {
        let (header, stored) = object
            .split_first_chunk::<CHUNK_HEADER_BYTES>()
            .ok_or(ChunkError::Header("fewer than 32 bytes"))?;
        let [m0, m1, m2, m3, codec, scheme, z0, z1, l0, l1, l2, l3, key_id @ ..] = header;
        if [*m0, *m1, *m2, *m3] != *MAGIC {
            return Err(ChunkError::Header("it does not begin with HFC1"));
        }
        if [*scheme, *z0, *z1] != [0; 3] || key_id.iter().any(|b| *b != 0) {
            return Err(ChunkError::Header("a reserved byte is set; a newer version may know it"));
        }
        let codec = match codec {
            0 => Codec::Raw,
            1 => Codec::Zstd,
            _ => return Err(ChunkError::Header("the codec is unknown")),
        };
        let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]);
        let in_bounds = usize::try_from(length).is_ok_and(|l| (1..=CHUNK_BYTES_MAX).contains(&l));
        if !in_bounds || (codec == Codec::Raw && usize::try_from(length) != Ok(stored.len())) {
            return Err(ChunkError::Header("the length is out of bounds"));
        }
        Ok((Self { codec, length }, stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_its_bytes_and_any_reserved_bit_is_refused() {
        let header = ChunkHeader { codec: Codec::Zstd, length: 70_000 };
        let mut object = header.encode().to_vec();
        object.extend_from_slice(b"frame");
        assert_eq!(ChunkHeader::parse(&object), Ok((header, b"frame".as_slice())));
        for at in [0, 5, 6, 7, 12, 31] {
            let mut wrong = object.clone();
            wrong[at] ^= 1;
            assert!(ChunkHeader::parse(&wrong).is_err(), "byte {at}");
        }
    }
}

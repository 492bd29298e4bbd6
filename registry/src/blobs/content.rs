//! The bytes of a chunk, out of its stored object. Pure, and never more memory than the header may claim.

use bytes::Bytes;
use holdfast_formats::chunk::{CHUNK_HEADER_BYTES, ChunkError, ChunkHeader, Codec};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::limits::CHUNK_BYTES_MAX;

use super::error::Unsound;
use super::frame::{self, Unpacker};

/// The most bytes that the stored object of a chunk can have: bytes that do not shrink grow a little in a zstd frame.
pub const CHUNK_OBJECT_BYTES_MAX: usize = CHUNK_HEADER_BYTES + CHUNK_BYTES_MAX + CHUNK_BYTES_MAX / 256;

/// What reading one chunk can take, before anything is known about it: its object and its content.
pub(super) const CHUNK_WORK_BYTES: usize = CHUNK_OBJECT_BYTES_MAX + CHUNK_BYTES_MAX;

/// What unpacking `object` takes beyond the object itself, by what its header claims.
pub(super) fn unpacked_bytes(object: &[u8]) -> Result<usize, Unsound> {
    let (header, _) = parse(object)?;
    match header.codec {
        Codec::Raw => Ok(0),
        Codec::Zstd => length(header),
    }
}

/// The content of `object`, once it hashed to `digest`.
pub(super) fn open(object: &Bytes, digest: &Blake3Digest) -> Result<Bytes, Unsound> {
    let (header, stored) = parse(object)?;
    let content = match header.codec {
        Codec::Raw => object.slice_ref(stored),
        Codec::Zstd => Bytes::from(frame::unpack(stored, length(header)?)?),
    };
    if Blake3Digest::of(&content) == *digest { Ok(content) } else { Err(Unsound::Mismatch) }
}

/// How long the content of `object` is, once it hashed to `digest`. It is unpacked into `room`, if at all.
pub(super) fn check(
    object: &[u8],
    digest: &Blake3Digest,
    unpacker: &mut Unpacker,
    room: &mut Vec<u8>,
) -> Result<usize, Unsound> {
    let (header, stored) = parse(object)?;
    let content = match header.codec {
        Codec::Raw => stored,
        Codec::Zstd => {
            unpacker.unpack(stored, length(header)?, room)?;
            room
        }
    };
    if Blake3Digest::of(content) == *digest { Ok(content.len()) } else { Err(Unsound::Mismatch) }
}

fn parse(object: &[u8]) -> Result<(ChunkHeader, &[u8]), Unsound> {
    if object.len() > CHUNK_OBJECT_BYTES_MAX {
        return Err(Unsound::TooLarge("a chunk has at most 4 MiB: cut the content into smaller chunks"));
    }
    ChunkHeader::parse(object).map_err(|ChunkError::Header(what)| Unsound::Malformed(what))
}

fn length(header: ChunkHeader) -> Result<usize, Unsound> {
    usize::try_from(header.length).map_err(|_| Unsound::Malformed("the length is out of bounds"))
}

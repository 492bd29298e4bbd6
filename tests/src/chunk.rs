//! Stored chunks made by hand, honest and not.

use holdfast_formats::chunk::{ChunkHeader, Codec};
use holdfast_formats::chunk_frame::FrameHead;
use holdfast_formats::digest::Blake3Digest;

/// A chunk whose bytes are stored as they are.
pub fn raw_chunk(content: &[u8]) -> Vec<u8> {
    chunk(Codec::Raw, content.len(), content)
}

/// A chunk that claims to hold so many bytes behind these zstd frames.
pub fn zstd_chunk(length: usize, frames: &[u8]) -> Vec<u8> {
    chunk(Codec::Zstd, length, frames)
}

fn chunk(codec: Codec, length: usize, stored: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let mut object = ChunkHeader { codec, length }.encode().to_vec();
    object.extend_from_slice(stored);
    object
}

/// An object as it is sent: behind the digest that it claims and its length.
pub fn frame(chunk: Blake3Digest, object: &[u8]) -> Vec<u8> {
    let length = u32::try_from(object.len()).expect("an object is small");
    [FrameHead { chunk, length }.encode().as_slice(), object].concat()
}

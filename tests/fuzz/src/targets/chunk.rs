//! What stands before a stored chunk, and before a chunk on its way.

use holdfast_formats::chunk::ChunkHeader;
use holdfast_formats::chunk_frame::{FRAME_HEAD_BYTES, FrameHead};

use crate::rules::same_bytes;

pub(crate) fn run(data: &[u8]) {
    if let Ok((header, stored)) = ChunkHeader::parse(data) {
        same_bytes(&[header.encode().as_slice(), stored].concat(), data);
    }
    if let Some(head) = data.first_chunk::<FRAME_HEAD_BYTES>() {
        same_bytes(&FrameHead::parse(head).encode(), head);
    }
}

//! Small files: one chunk that travels behind its blob's record, in one request.

use std::collections::HashMap;

use bytes::Bytes;
use holdfast_formats::blob::BlobRecord;

use super::batch::Placed;
use super::runs::DRAFT_FROM_BYTES;
use crate::blocking;
use crate::cutter::Piece;
use crate::stored_chunk::{Effort, StoredChunk};

/// Takes the chunks that are all of a small file out of those to be sent, by the file's place in the list.
pub(super) fn take(chunks: &mut Vec<Placed>, blobs: &[(usize, BlobRecord)]) -> HashMap<usize, Piece> {
    let sizes: HashMap<usize, u64> = blobs.iter().map(|(at, record)| (*at, record.size)).collect();
    let mut small = HashMap::new();
    chunks.retain(|Placed { file, piece }| {
        let length = piece.bytes.len() as u64;
        let is_whole = length <= DRAFT_FROM_BYTES && sizes.get(file) == Some(&length);
        if is_whole {
            small.insert(*file, piece.clone());
        }
        !is_whole
    });
    small
}

/// How a chunk travels behind a record, and the size of its stored object in bytes.
pub(super) async fn frame(piece: Piece) -> (Vec<Bytes>, u64) {
    blocking::compute(piece.bytes.len() as u64, move || {
        let stored = StoredChunk::of(&piece.bytes, Effort::Files);
        let size = stored.size();
        (stored.frame(piece.digest).into(), size)
    })
    .await
}

//! A blob record as it is stored: the record's bytes, then their BLAKE3.
//!
//! Nothing inside a record covers its SHA-256 or the order of its extents. With the seal a flipped bit anywhere is found
//! before a byte of the blob is given, and a record that survived a crash is known to be whole.

use bytes::Bytes;
use holdfast_formats::blob::{BLOB_RECORD_BYTES_MAX, BlobRecord};
use holdfast_formats::digest::Blake3Digest;

use super::error::Unsound;

const SEAL_BYTES: usize = 32;
/// The most bytes that a stored record can have.
pub(super) const SEALED_BYTES_MAX: usize = BLOB_RECORD_BYTES_MAX + SEAL_BYTES;

pub(super) fn seal(record: &BlobRecord) -> Bytes {
    let mut object = record.encode();
    let digest = Blake3Digest::of(&object);
    object.extend_from_slice(digest.as_bytes());
    object.into()
}

/// The record in `object`, when it is whole and is the record of `blob`.
pub(super) fn open(object: &[u8], blob: &Blake3Digest) -> Result<BlobRecord, Unsound> {
    let cut = Unsound::Malformed("the record is cut short");
    let (bytes, seal) = object.split_last_chunk::<SEAL_BYTES>().ok_or(cut)?;
    if Blake3Digest::of(bytes).as_bytes() != seal {
        return Err(Unsound::Malformed("the record does not hash to its seal"));
    }
    let record = BlobRecord::parse(bytes).map_err(|_| Unsound::Malformed("the record is malformed"))?;
    if record.digests.blake3 == *blob { Ok(record) } else { Err(Unsound::Mismatch) }
}

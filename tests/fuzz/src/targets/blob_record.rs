//! The record of a blob: binary, with one form.

use holdfast_formats::blob::BlobRecord;

use crate::rules::same_bytes;

pub(crate) fn run(data: &[u8]) {
    if let Ok(record) = BlobRecord::parse(data) {
        same_bytes(&record.encode(), data);
    }
}

//! Tiles of hashes and bundles of entries; any width is tried.

use holdfast_formats::tile::{decode_bundle, decode_hashes, encode_bundle, encode_hashes};

use crate::rules::same_bytes;

pub(crate) fn run(data: &[u8]) {
    for (width, bytes) in
        [(Some(3), data), (data.first().map(|byte| u16::from(*byte) + 1), data.get(1..).unwrap_or(&[]))]
    {
        let Some(width) = width else { continue };
        if let Ok(entries) = decode_bundle(bytes, width) {
            same_bytes(&encode_bundle(&entries).expect("what was read can be written"), bytes);
        }
        if let Ok(hashes) = decode_hashes(bytes, width) {
            same_bytes(&encode_hashes(&hashes).expect("what was read can be written"), bytes);
        }
    }
}

//! The bytes of hash tiles and of entry bundles, read strictly: exactly what the path promises, nothing behind it.

use super::{TILE_WIDTH, TileError};
use crate::tree::TreeHash;

/// The bytes of a hash tile: 1 to 256 hashes, 32 bytes each.
pub fn encode_hashes(hashes: &[TreeHash]) -> Result<Vec<u8>, TileError> {
    check_width(hashes.len())?;
    Ok(hashes.iter().flat_map(TreeHash::as_bytes).copied().collect())
}

/// Reads a hash tile that its path says is `width` wide.
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<TreeHash>, TileError> {
    check_width(usize::from(width))?;
    let (hashes, rest) = bytes.as_chunks::<{ TreeHash::SIZE }>();
    if hashes.len() != usize::from(width) || !rest.is_empty() {
        return Err(TileError::WrongLength { width, actual: bytes.len() });
    }
    Ok(hashes.iter().copied().map(TreeHash::from_bytes).collect())
}

/// The bytes of an entry bundle: 1 to 256 entries, each behind its length (u16, big endian).
pub fn encode_bundle<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, TileError> {
    check_width(entries.len())?;
    let mut bytes = Vec::with_capacity(entries.iter().map(|entry| 2 + entry.as_ref().len()).sum());
    for entry in entries {
        let entry = entry.as_ref();
        let length =
            u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLong { length: entry.len() })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// Reads an entry bundle that its path says is `width` wide.
pub fn decode_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    check_width(usize::from(width))?;
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    for entry in 0..width {
        let (found, behind) = split_entry(rest).ok_or(TileError::Truncated { entry, width })?;
        entries.push(found);
        rest = behind;
    }
    if rest.is_empty() { Ok(entries) } else { Err(TileError::TrailingBytes { width, extra: rest.len() }) }
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn check_width(width: usize) -> Result<(), TileError> {
    if width == 0 || width > usize::from(TILE_WIDTH) { Err(TileError::BadWidth { width }) } else { Ok(()) }
}

//! Where the log stands: position, places of entries, full tiles, and entries that the rule book refused.

use std::ops::Range;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::tile::{TileKind, TilePath, decode_hashes};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use rusqlite::OptionalExtension as _;

use super::IndexError;
use super::readers::View;
use super::rows::{bytes32, leaf_index, signed, unsigned};

/// How far the index has followed the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// How many commits are applied: the next slot.
    pub commits: u64,
    /// The hash of the last one.
    pub hash: Sha256Digest,
    /// The tree size.
    pub size: TreeSize,
    /// The root.
    pub root: TreeHash,
    /// The time of the newest entry.
    pub time: Timestamp,
}

/// Where the bytes of an entry are: a range of a commit object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryPlace {
    /// The commit's number.
    pub commit: u64,
    /// The first byte of the leaf in the object.
    pub offset: u64,
    /// The leaf's length.
    pub length: u64,
}

impl EntryPlace {
    /// The bytes of the commit object.
    pub const fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.length)
    }
}

/// An entry of the log that the rule book refuses: it has no effect, and nothing is written until it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The entry.
    pub index: LeafIndex,
    /// Why.
    pub reason: String,
}

impl View<'_> {
    /// How far the index has followed the log; `None` before commit 0.
    pub fn position(&self) -> Result<Option<Position>, IndexError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT commits, hash, size, root, time_ms FROM position WHERE one = 1")?;
        let row = statement
            .query_row([], |row| {
                let (commits, hash): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let (size, root, time): (i64, Vec<u8>, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
                Ok((commits, hash, size, root, time))
            })
            .optional()?;
        let Some((commits, hash, size, root, time)) = row else { return Ok(None) };
        Ok(Some(Position {
            commits: unsigned(commits)?,
            hash: Sha256Digest::from_bytes(bytes32(&hash)?),
            size: TreeSize::new(unsigned(size)?)
                .map_err(|_| IndexError::Damaged("a tree size above 2^53"))?,
            root: TreeHash::from_bytes(bytes32(&root)?),
            time: Timestamp::from_ms(unsigned(time)?),
        }))
    }

    /// Where the bytes of successive entries are.
    pub fn places(&self, from: LeafIndex, limit: usize) -> Result<Vec<EntryPlace>, IndexError> {
        let sql = "SELECT number, offset, length FROM entries WHERE idx >= ?1 ORDER BY idx LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([signed(from.get()), signed(limit as u64)])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let (commit, offset, length) =
                (unsigned(row.get(0)?)?, unsigned(row.get(1)?)?, unsigned(row.get(2)?)?);
            out.push(EntryPlace { commit, offset, length });
        }
        Ok(out)
    }

    /// The entry that logged a payload first.
    pub fn entry_by_payload(&self, payload: &Sha256Digest) -> Result<Option<LeafIndex>, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT idx FROM payloads WHERE payload = ?1")?;
        let found = statement.query_row([payload.as_bytes()], |row| row.get::<_, i64>(0)).optional()?;
        found.map(leaf_index).transpose()
    }

    /// The hashes of a full tile; `None` when it is not full yet.
    pub fn full_tile(&self, tile: TilePath) -> Result<Option<Vec<TreeHash>>, IndexError> {
        let TileKind::Hashes(level) = tile.kind() else { return Ok(None) };
        let mut statement =
            self.connection.prepare_cached("SELECT hashes FROM tiles WHERE level = ?1 AND idx = ?2")?;
        let found = statement
            .query_row([i64::from(level.get()), signed(tile.index())], |row| row.get::<_, Vec<u8>>(0))
            .optional()?;
        let decode =
            |bytes: Vec<u8>| decode_hashes(&bytes, 256).map_err(|_| IndexError::Damaged("a torn tile"));
        found.map(decode).transpose()
    }

    /// The oldest refused entry that nobody acknowledged.
    pub fn unacknowledged(&self) -> Result<Option<Refused>, IndexError> {
        let sql = "SELECT idx, reason FROM refused WHERE acknowledged = 0 ORDER BY idx LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement
            .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
            .optional()?;
        found.map(|(index, reason)| Ok(Refused { index: leaf_index(index)?, reason })).transpose()
    }
}

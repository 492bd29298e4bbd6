//! Small conversions between rows and types.

use holdfast_formats::digest::NamedDigest;
use holdfast_formats::tree::LeafIndex;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Params, Row};
use serde::de::DeserializeOwned;

use super::IndexError;

/// SQLite integers are signed; every number of the formats is below 2^53.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> Result<u64, IndexError> {
    u64::try_from(number).map_err(|_| IndexError::Damaged("a negative number"))
}

pub(super) fn leaf_index(number: i64) -> Result<LeafIndex, IndexError> {
    LeafIndex::new(unsigned(number)?).map_err(|_| IndexError::Damaged("a leaf index above 2^53"))
}

pub(super) fn bytes32(bytes: &[u8]) -> Result<[u8; 32], IndexError> {
    bytes.try_into().map_err(|_| IndexError::Damaged("a digest without 32 bytes"))
}

/// The fact in the first column of the first row.
pub(super) fn one_fact<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<T>, IndexError> {
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params, |row| Ok(parse_fact(row))).optional()?;
    found.transpose()
}

/// The facts in the first column of all rows.
pub(super) fn all_facts<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<T>, IndexError> {
    let statement = connection.prepare_cached(sql)?;
    collect(statement, params)
}

fn collect<T: DeserializeOwned>(
    mut statement: CachedStatement<'_>,
    params: impl Params,
) -> Result<Vec<T>, IndexError> {
    let mut rows = statement.query(params)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(parse_fact(row)?);
    }
    Ok(out)
}

/// The fact in the first column of a row.
fn parse_fact<T: DeserializeOwned>(row: &Row<'_>) -> Result<T, IndexError> {
    let bytes = row.get_ref(0)?.as_blob().map_err(|_| IndexError::Damaged("a fact that is no blob"))?;
    Ok(serde_json::from_slice(bytes)?)
}

/// The 32 bytes of a digest. A class of objects has one algorithm only, so they are told apart by their class.
pub(super) fn digest_bytes(digest: &NamedDigest) -> &[u8] {
    match digest {
        NamedDigest::Blake3(digest) => digest.as_bytes(),
        NamedDigest::Sha256(digest) => digest.as_bytes(),
    }
}

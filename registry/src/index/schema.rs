//! The tables of the index, and how a file that has others is recognised.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::IndexError;

/// Raised whenever a table changes: an index of another version is made anew.
const SCHEMA_VERSION: i64 = 5;
/// The version of a file that is still being made. Nothing in it is synced, so after a crash it is made anew, too.
const UNFINISHED: i64 = -1;
/// Pages that are kept in memory, in KiB: while a file is made every part of it is written to.
const CACHE_KIB: u32 = 32 * 1024;
const CACHE_WHILE_MAKING_KIB: u32 = 128 * 1024;

const TABLES: &str = "
CREATE TABLE position (
    one INTEGER PRIMARY KEY CHECK (one = 1), commits INTEGER NOT NULL, hash BLOB NOT NULL, size INTEGER NOT NULL,
    root BLOB NOT NULL, time_ms INTEGER NOT NULL
);
CREATE TABLE entries (idx INTEGER PRIMARY KEY, number INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL);
CREATE TABLE payloads (payload BLOB PRIMARY KEY, idx INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE tiles (level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (level, idx)) WITHOUT ROWID;
CREATE TABLE refused (idx INTEGER PRIMARY KEY, reason TEXT NOT NULL, acknowledged INTEGER NOT NULL);
CREATE TABLE policies (number INTEGER PRIMARY KEY, idx INTEGER NOT NULL, leaf BLOB NOT NULL, time_ms INTEGER NOT NULL, policy BLOB NOT NULL);
CREATE TABLE artifacts (idx INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind TEXT NOT NULL, blake3 BLOB NOT NULL, size_bytes INTEGER NOT NULL, keep_until_ms INTEGER, scrubbed INTEGER NOT NULL, ended INTEGER NOT NULL, fact BLOB NOT NULL);
CREATE INDEX artifacts_by_window ON artifacts (keep_until_ms, idx) WHERE ended = 0 AND keep_until_ms IS NOT NULL;
CREATE INDEX artifacts_by_scrub ON artifacts (scrubbed, idx) WHERE ended = 0;
CREATE INDEX snapshots ON artifacts (name, idx) WHERE kind = 'snapshot';
CREATE TABLE unsound (idx INTEGER PRIMARY KEY);
CREATE TABLE components (component TEXT NOT NULL, release TEXT NOT NULL, PRIMARY KEY (component, release)) WITHOUT ROWID;
CREATE TABLE holds (idx INTEGER PRIMARY KEY, ref TEXT NOT NULL, ended INTEGER NOT NULL, fact BLOB NOT NULL);
CREATE INDEX holds_by_artifact ON holds (ref, ended, idx);
CREATE TABLE sweeps (idx INTEGER PRIMARY KEY, phase TEXT NOT NULL, swept INTEGER NOT NULL, fact BLOB NOT NULL);
CREATE INDEX sweeps_open ON sweeps (idx) WHERE phase = 'end' AND swept = 0;
CREATE INDEX sweeps_that_intend ON sweeps (idx) WHERE phase = 'intend';
CREATE TABLE intended (ref TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (ref, idx)) WITHOUT ROWID;
CREATE TABLE generations (namespace TEXT NOT NULL, class TEXT NOT NULL, digest BLOB NOT NULL, g INTEGER NOT NULL, PRIMARY KEY (namespace, class, digest)) WITHOUT ROWID;
CREATE INDEX artifacts_by_digest ON artifacts (blake3, idx);
CREATE TABLE pins (channel TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL, idx INTEGER NOT NULL UNIQUE, ref TEXT NOT NULL, fact BLOB NOT NULL, PRIMARY KEY (channel, name, number)) WITHOUT ROWID;
CREATE INDEX pins_by_artifact ON pins (ref, idx);
CREATE TABLE lines (channel TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (channel, name)) WITHOUT ROWID;
CREATE TABLE denies (idx INTEGER PRIMARY KEY, blake3 BLOB NOT NULL, fact BLOB NOT NULL);
CREATE INDEX denies_by_digest ON denies (blake3, idx);
CREATE TABLE freezes (idx INTEGER PRIMARY KEY, channel TEXT NOT NULL, thawed INTEGER NOT NULL, fact BLOB NOT NULL);
CREATE INDEX freezes_by_channel ON freezes (channel, thawed, idx);
CREATE TABLE deploys (idx INTEGER PRIMARY KEY, channel TEXT NOT NULL, name TEXT NOT NULL, fact BLOB NOT NULL);
CREATE INDEX deploys_by_line ON deploys (channel, name, idx);
CREATE TABLE attests (idx INTEGER PRIMARY KEY, fact BLOB NOT NULL);
CREATE TABLE attested (blake3 BLOB NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (blake3, idx)) WITHOUT ROWID;
CREATE TABLE tags (name TEXT NOT NULL, tag TEXT NOT NULL, fact BLOB NOT NULL, PRIMARY KEY (name, tag)) WITHOUT ROWID;
CREATE TABLE grants (idx INTEGER PRIMARY KEY, token BLOB NOT NULL UNIQUE, claims BLOB UNIQUE, key TEXT, fact BLOB NOT NULL);
CREATE INDEX grants_by_key ON grants (key, idx);
CREATE TABLE rollbacks (idx INTEGER PRIMARY KEY, rollback_id TEXT NOT NULL, channel TEXT NOT NULL, drill INTEGER NOT NULL, phase TEXT NOT NULL, fact BLOB NOT NULL);
CREATE INDEX rollbacks_by_id ON rollbacks (rollback_id, idx);
CREATE INDEX rollbacks_by_phase ON rollbacks (channel, drill, phase, idx);
CREATE TABLE touches (channel TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (channel, idx)) WITHOUT ROWID;
";

/// A file that can be written to.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// It is new, and does not count before [`finish`].
    pub(super) making: bool,
}

/// Opens the file for writing; `None` when it holds the tables of another version, or was never finished.
pub(super) fn open_for_writing(path: &Path) -> Result<Option<Opened>, IndexError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 268435456;")?;
    connection.set_prepared_statement_cache_capacity(128);
    plan_once(&connection)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        0 => make(&connection)?,
        SCHEMA_VERSION => serve(&connection)?,
        _ => return Ok(None),
    }
    Ok(Some(Opened { connection, making: version == 0 }))
}

/// Makes the tables of a new file. Until it is finished it has no journal and nothing in it is synced.
fn make(connection: &Connection) -> Result<(), IndexError> {
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_WHILE_MAKING_KIB};
         BEGIN; {TABLES} PRAGMA user_version = {UNFINISHED}; COMMIT;"
    ))?;
    Ok(())
}

/// Makes a new file one that counts: only when all of it is on disk is it given its version.
pub(super) fn finish(connection: &Connection) -> Result<(), IndexError> {
    let path = connection.path().ok_or(IndexError::Damaged("it has no path"))?;
    File::open(path).and_then(|file| file.sync_all()).map_err(IndexError::Unsynced)?;
    serve(connection)?;
    Ok(connection.execute_batch(&format!("PRAGMA user_version = {SCHEMA_VERSION};"))?)
}

/// Sets up the file for one writer and many readers. No acknowledgement depends on it, so it need not be synced at each
/// commit.
fn serve(connection: &Connection) -> Result<(), IndexError> {
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -{CACHE_KIB};
         PRAGMA wal_autocheckpoint = 4000;"
    ))?;
    Ok(())
}

/// Plans a query once. SQLite would otherwise plan those with a range or a limit again for every value that is bound.
fn plan_once(connection: &Connection) -> Result<(), IndexError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Opens the file for reading only.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, IndexError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA mmap_size = 268435456;")?;
    connection.set_prepared_statement_cache_capacity(64);
    plan_once(&connection)?;
    Ok(connection)
}

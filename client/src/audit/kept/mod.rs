//! What an audit keeps on disk: the facts, how far it is, and what it found.
//!
//! One file a log and kind of source, changed in transactions, so that whatever ends the process leaves a state that once
//! was. Every page has a checksum: a state that is not whole is put away with a note and begun anew, never trusted half.

mod position;
mod tables;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{
    Database, DatabaseError, Durability, ReadableTable as _, StorageError, TableDefinition, WriteTransaction,
};

use super::error::AuditError;
use super::finding::Finding;
use crate::error::{ClientError, FileAction};
pub(super) use position::Position;
pub(super) use tables::DiskTables;

/// Pages that are kept in memory. What is written and not yet committed counts, too.
const CACHE_BYTES: usize = 48 * 1024 * 1024;
/// Findings that are kept one by one; more are counted only.
pub(super) const FINDINGS_MAX: u64 = 10_000;

const POSITION: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("position");
const FINDINGS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("findings");

/// The state of one audit, held by this process alone.
pub(super) struct Kept {
    database: Database,
    path: PathBuf,
    /// Holds the folder of a state that ends with this audit.
    _scratch: Option<tempfile::TempDir>,
}

/// A state that was opened.
pub(super) struct Opened {
    pub(super) kept: Kept,
    pub(super) position: Position,
    /// What was found before.
    pub(super) findings: Vec<Finding>,
    /// Why an earlier state was put away.
    pub(super) discarded: Option<String>,
}

/// Why a file that is there is no state.
enum Unusable {
    /// Another process has it.
    Busy,
    /// It is not whole.
    Broken(String),
}

impl Kept {
    /// Opens the state in a file, and begins anew where there is none or none that is whole. Blocks.
    pub(super) fn open(path: &Path) -> Result<Opened, ClientError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|e| ClientError::file(FileAction::Create, folder, e))?;
        if !path.exists() {
            return Self::begin(path, None, None);
        }
        match guarded(path) {
            Ok(opened) => Ok(opened),
            Err(Unusable::Busy) => Err(AuditError::Running { path: path.to_owned() }.into()),
            Err(Unusable::Broken(why)) => {
                remove(path)?;
                Self::begin(path, Some(why), None)
            }
        }
    }

    /// Begins anew, whatever was kept. Blocks.
    pub(super) fn fresh(path: &Path) -> Result<Opened, ClientError> {
        if path.exists() {
            match Database::builder().set_cache_size(CACHE_BYTES).open(path) {
                Err(DatabaseError::DatabaseAlreadyOpen) => {
                    return Err(AuditError::Running { path: path.to_owned() }.into());
                }
                other => drop(other),
            }
            remove(path)?;
        }
        Self::open(path)
    }

    /// A state that ends with this audit. Blocks.
    pub(super) fn scratch(folder: &Path) -> Result<Opened, ClientError> {
        fs::create_dir_all(folder).map_err(|e| ClientError::file(FileAction::Create, folder, e))?;
        let scratch = tempfile::Builder::new().prefix("audit-").tempdir_in(folder);
        let scratch = scratch.map_err(|e| ClientError::file(FileAction::Create, folder, e))?;
        let path = scratch.path().join("state");
        Self::begin(&path, None, Some(scratch))
    }

    fn begin(
        path: &Path,
        discarded: Option<String>,
        scratch: Option<tempfile::TempDir>,
    ) -> Result<Opened, ClientError> {
        let database =
            Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => AuditError::Running { path: path.to_owned() }.into(),
                error => state_error(path, error),
            })?;
        let kept = Self { database, path: path.to_owned(), _scratch: scratch };
        Ok(Opened { kept, position: Position::start(), findings: Vec::new(), discarded })
    }

    /// Changes facts, position and findings together. Durable at once when it is asked for, else with the next that is.
    pub(super) fn change<R>(
        &self,
        durable: bool,
        change: impl FnOnce(&Transaction<'_>) -> Result<R, ClientError>,
    ) -> Result<R, ClientError> {
        let mut transaction = self.database.begin_write().map_err(|e| self.failed(e))?;
        let durability = if durable { Durability::Immediate } else { Durability::None };
        transaction.set_durability(durability).map_err(|e| self.failed(e))?;
        let out = change(&Transaction { inner: &transaction, kept: self })?;
        transaction.commit().map_err(|e| self.failed(e))?;
        Ok(out)
    }

    /// Looks at the facts and changes nothing.
    pub(super) fn look<R>(
        &self,
        look: impl FnOnce(&Transaction<'_>) -> Result<R, ClientError>,
    ) -> Result<R, ClientError> {
        let transaction = self.database.begin_write().map_err(|e| self.failed(e))?;
        let out = look(&Transaction { inner: &transaction, kept: self });
        transaction.abort().map_err(|e| self.failed(e))?;
        out
    }

    fn failed(&self, error: impl Into<redb::Error>) -> ClientError {
        state_error(&self.path, error)
    }
}

/// One change, while it is made.
pub(super) struct Transaction<'t> {
    inner: &'t WriteTransaction,
    kept: &'t Kept,
}

impl<'t> Transaction<'t> {
    /// The tables of the facts.
    pub(super) fn tables(&self) -> DiskTables<'t> {
        DiskTables(self.inner)
    }

    /// Writes how far the audit is, and what was found since the position before.
    pub(super) fn put(
        &self,
        position: &Position,
        first: u64,
        findings: &[Finding],
    ) -> Result<(), ClientError> {
        let encode = |source| ClientError::Encode { what: "state of the audit", source };
        let mut table = self.inner.open_table(FINDINGS).map_err(|e| self.kept.failed(e))?;
        for (number, finding) in (first..FINDINGS_MAX).zip(findings) {
            let bytes = serde_json::to_vec(finding).map_err(encode)?;
            table.insert(number, bytes.as_slice()).map_err(|e| self.kept.failed(e))?;
        }
        let mut table = self.inner.open_table(POSITION).map_err(|e| self.kept.failed(e))?;
        let bytes = position.encode().map_err(encode)?;
        table.insert("position", bytes.as_slice()).map_err(|e| self.kept.failed(e))?;
        Ok(())
    }

    /// What a failed question to the facts becomes.
    pub(super) fn facts_failed(&self, error: holdfast_verify::facts::FactsError) -> ClientError {
        AuditError::State { path: self.kept.path.clone(), source: Box::new(error) }.into()
    }
}

fn state_error(path: &Path, error: impl Into<redb::Error>) -> ClientError {
    AuditError::State { path: path.to_owned(), source: Box::new(error.into()) }.into()
}

fn remove(path: &Path) -> Result<(), ClientError> {
    fs::remove_file(path).map_err(|e| ClientError::file(FileAction::Write, path, e))
}

/// What is broken badly enough ends in a panic below; it is as unusable as what is reported.
fn guarded(path: &Path) -> Result<Opened, Unusable> {
    let broken = |_| Err(Unusable::Broken("it cannot be read".to_owned()));
    catch_unwind(AssertUnwindSafe(|| take_up(path))).unwrap_or_else(broken)
}

fn take_up(path: &Path) -> Result<Opened, Unusable> {
    let broken = |error: redb::Error| Unusable::Broken(error.to_string());
    let mut database =
        Database::builder().set_cache_size(CACHE_BYTES).open(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Unusable::Busy,
            error => broken(error.into()),
        })?;
    // Whether every page is the one that was written.
    match database.check_integrity() {
        Ok(true) => {}
        Ok(false) | Err(DatabaseError::Storage(StorageError::Corrupted(_))) => {
            return Err(Unusable::Broken("its checksums do not hold".to_owned()));
        }
        Err(error) => return Err(broken(error.into())),
    }
    let (position, findings) = read(&database).map_err(broken)?;
    let Some(position) = position else { return Err(Unusable::Broken("it was never finished".to_owned())) };
    let position = Position::decode(&position).map_err(Unusable::Broken)?;
    let findings = findings.iter().map(|bytes| serde_json::from_slice(bytes));
    let findings =
        findings.collect::<Result<Vec<Finding>, _>>().map_err(|e| Unusable::Broken(e.to_string()))?;
    if findings.len() as u64 != position.findings.min(FINDINGS_MAX) {
        return Err(Unusable::Broken("its findings are not complete".to_owned()));
    }
    let kept = Kept { database, path: path.to_owned(), _scratch: None };
    Ok(Opened { kept, position, findings, discarded: None })
}

type Read = (Option<Vec<u8>>, Vec<Vec<u8>>);

fn read(database: &Database) -> Result<Read, redb::Error> {
    let transaction = database.begin_write()?;
    let read = {
        let position = transaction.open_table(POSITION)?;
        let position = position.get("position")?.map(|bytes| bytes.value().to_vec());
        let findings = transaction.open_table(FINDINGS)?;
        let findings = findings.iter()?.map(|row| Ok(row?.1.value().to_vec()));
        (position, findings.collect::<Result<_, StorageError>>()?)
    };
    transaction.abort()?;
    Ok(read)
}

#[cfg(test)]
mod tests;

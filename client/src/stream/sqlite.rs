//! A SQLite database as a stream: the `sqlite3` program's online backup into a temporary file, which is then read.
//!
//! The program is used, not the library: the library is C, and would come into every program that embeds this crate. A
//! backup that begins anew whenever another process writes would never end, so its connection reads in one
//! transaction: writers in WAL mode go on, others wait for it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use holdfast_formats::manifest::DataAsOf;
use holdfast_formats::time::Timestamp;
use tempfile::TempDir;

use super::facts::fact;
use super::producer::Producer;
use super::{SourceFacts, StreamError};
use crate::blocking;
use crate::clock::SharedClock;
use crate::error::ClientError;
use crate::session::Registry;

const PROGRAM: &str = "sqlite3";
const PACKAGE: &str = "the command line program of SQLite, sqlite3 on Debian";
const MAGIC: &[u8] = b"SQLite format 3\0";
const COPY: &str = "copy.sqlite";
const NO_SETTINGS: &str = "no-settings";
/// How long a writer may hold the database before the backup gives up.
const PATIENCE: &str = ".timeout 60000";
/// Takes the read lock, and tells the time when it was held.
const TIME: &str =
    "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), sqlite_version(), count(*) FROM sqlite_schema;";

/// A finished copy; the temporary file goes with it.
#[derive(Debug)]
pub struct SqliteCopy {
    facts: SourceFacts,
    copy: File,
    _folder: TempDir,
}

impl Registry {
    /// Copies a database as it is at one moment, whoever writes to it meanwhile.
    pub async fn copy_sqlite(&self, file: &Path) -> Result<SqliteCopy, ClientError> {
        let (file, clock) = (file.to_owned(), self.shared_clock());
        Ok(blocking::run(move || SqliteCopy::make(&file, &clock)).await?)
    }
}

impl SqliteCopy {
    pub(super) fn make(file: &Path, clock: &SharedClock) -> Result<Self, StreamError> {
        let file = database(file)?;
        let folder = tempfile::Builder::new().prefix("holdfast-").tempdir().map_err(StreamError::Copy)?;
        std::fs::write(folder.path().join(NO_SETTINGS), b"").map_err(StreamError::Copy)?;
        let not_before = clock.now();
        let said = backup(&file, folder.path())?;
        let (time, version) = answer(&said)?;
        let facts = SourceFacts {
            engine: fact("engine", "sqlite")?,
            dataset: file.to_string_lossy().into_owned(),
            tool: fact("tool", &format!("{PROGRAM} {version}"))?,
            version: fact("version", version)?,
            as_of: DataAsOf { not_before, not_after: time.max(not_before), position: None },
        };
        let copy = File::open(folder.path().join(COPY)).map_err(StreamError::Copy)?;
        Ok(Self { facts, copy, _folder: folder })
    }

    /// What the database says of itself.
    pub const fn facts(&self) -> &SourceFacts {
        &self.facts
    }
}

impl Read for SqliteCopy {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.copy.read(into)
    }
}

/// The absolute path of a file that begins as a database does: the program would make one where there is none.
fn database(file: &Path) -> Result<PathBuf, StreamError> {
    let wrong = |rule| StreamError::NoDatabase { path: file.to_owned(), rule };
    let mut head = Vec::new();
    File::open(file)
        .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut head))
        .map_err(|_| wrong("it cannot be read"))?;
    // A database is empty until something is written to it.
    if head != MAGIC && !head.is_empty() {
        return Err(wrong("it begins otherwise"));
    }
    std::path::absolute(file).map_err(|_| wrong("it has no absolute path"))
}

fn backup(file: &Path, folder: &Path) -> Result<String, StreamError> {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(["-batch", "-bail", "-init", NO_SETTINGS]).arg(file);
    command.args([PATIENCE, "BEGIN;", TIME, &format!(".backup main {COPY}"), "COMMIT;"]).stdin(Stdio::null());
    Producer::quiet(command, PROGRAM, PACKAGE)?.output()
}

/// Reads `TIME|VERSION|…`.
fn answer(said: &str) -> Result<(Timestamp, &str), StreamError> {
    let wrong = || StreamError::Answer { program: PROGRAM.to_owned(), answer: said.to_owned() };
    let mut columns = said.split('|');
    let time = columns.next().and_then(|time| time.parse().ok()).ok_or_else(wrong)?;
    Ok((time, columns.next().ok_or_else(wrong)?))
}

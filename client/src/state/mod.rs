//! What this machine saw of one log, so that nobody can take it back: the newest checkpoint, the policies, the newest pin
//! issued on each line, and the last verified answers.
//!
//! Owns files and their lock; everything read back is verified again by whoever uses it. Every file is replaced whole.

mod answers;
mod forks;
mod monitor;
mod pins;

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::from_json;
use holdfast_formats::origin::Origin;
use holdfast_formats::wire::v1::{PolicyChain, Receipt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::atomic_file::{self, Secrecy};
use crate::error::{ClientError, FileAction};
pub(crate) use answers::Remembered;

const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The folder of one log.
#[derive(Debug, Clone)]
pub(crate) struct State {
    folder: PathBuf,
}

/// Held while what was seen is read, extended and written back. Released when dropped, or when the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl State {
    /// The folder of a log; nothing is made yet.
    pub(crate) fn of(places: &Path, origin: &Origin) -> Self {
        // An origin may hold characters that no file name takes.
        let digest = Sha256Digest::of(origin.as_str().as_bytes()).to_string();
        Self { folder: places.join(digest.get(..16).unwrap_or(&digest)) }
    }

    /// A file of the log's folder that somebody else keeps.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Waits until no other process works here. Blocks; call it from a blocking thread.
    pub(crate) fn lock(&self) -> Result<Lock, ClientError> {
        let path = self.folder.join("lock");
        let failed = |e| ClientError::file(FileAction::Lock, &path, e);
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(Lock { _file: file })
    }

    /// The signed checkpoint seen last.
    pub(crate) fn checkpoint(&self) -> Result<Option<String>, ClientError> {
        let path = self.folder.join("checkpoint");
        let Some(bytes) = atomic_file::read(&path, FILE_BYTES_MAX as u64)? else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|_| malformed(&path, "it is not text"))?;
        Ok(Some(text))
    }

    /// Remembers a verified checkpoint.
    pub(crate) fn keep_checkpoint(&self, _: &Lock, note: &str) -> Result<(), ClientError> {
        atomic_file::write(&self.folder.join("checkpoint"), note.as_bytes(), Secrecy::Secret)
    }

    /// The receipts of the policies followed so far, oldest first.
    pub(crate) fn policies(&self) -> Result<Vec<Receipt>, ClientError> {
        Ok(self.read::<PolicyChain>("policies.json")?.map_or_else(Vec::new, |chain| chain.policies))
    }

    /// Remembers the receipts of verified policies.
    pub(crate) fn keep_policies(&self, _: &Lock, policies: Vec<Receipt>) -> Result<(), ClientError> {
        self.write("policies.json", &PolicyChain { policies })
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ClientError> {
        let path = self.folder.join(name);
        let Some(bytes) = atomic_file::read(&path, FILE_BYTES_MAX as u64)? else { return Ok(None) };
        from_json(&bytes, FILE_BYTES_MAX).map(Some).map_err(|e| malformed(&path, &e.to_string()))
    }

    fn write<T: Serialize>(&self, name: &str, record: &T) -> Result<(), ClientError> {
        let bytes =
            serde_json::to_vec(record).map_err(|source| ClientError::Encode { what: "state", source })?;
        atomic_file::write(&self.folder.join(name), &bytes, Secrecy::Secret)
    }
}

/// What was seen cannot be read. It is never ignored: without it an older log would be believed.
fn malformed(path: &Path, rule: &str) -> ClientError {
    let rule = format!(
        "{rule}. It remembers what was seen of the log; remove its folder only if you mean to forget that"
    );
    ClientError::FileMalformed { path: path.to_owned(), rule }
}

#[cfg(test)]
mod tests;

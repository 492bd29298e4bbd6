//! Where catalogs are kept: one file each below the state of their log, named by its digest, bounded in bytes.
//!
//! A kept file is hashed whenever it is used, so that neither a damaged disk nor anybody else can change a restore.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest;
use holdfast_formats::time::Timestamp;
use tempfile::NamedTempFile;

use super::positioned::Positioned;
use crate::error::{ClientError, FileAction};
use crate::state::State;

const FOLDER: &str = "catalogs";
const PARTIAL_PREFIX: &str = ".holdfast-";
/// The newest catalog stays, whatever its size.
const BYTES_MAX: u64 = 512 * 1024 * 1024;
/// What a command that was killed left behind is older than that.
const PARTIAL_AGE_MAX: Duration = Duration::from_hours(24);

/// The folder of kept catalogs.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
    bytes_max: u64,
    now: SystemTime,
}

impl Cache {
    /// The cache of a log.
    pub(super) fn below(state: &State, now: Timestamp) -> Self {
        Self::at(state.file(FOLDER), BYTES_MAX, now)
    }

    pub(super) fn at(folder: PathBuf, bytes_max: u64, now: Timestamp) -> Self {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now.as_ms());
        Self { folder, bytes_max, now }
    }

    /// The kept file, when it is there with the right bytes. A damaged one is removed.
    pub(super) fn find(&self, wanted: &manifest::File) -> Result<Option<Positioned>, ClientError> {
        let place = self.place(wanted);
        let Ok(mut file) = File::open(&place) else { return Ok(None) };
        let mut hasher = blake3::Hasher::new();
        let is_right = hasher.update_reader(&mut file).is_ok()
            && Blake3Digest::from_bytes(*hasher.finalize().as_bytes()) == wanted.digests.blake3;
        if !is_right {
            drop(file);
            tracing::warn!(catalog = %place.display(), "a kept catalog is damaged and is fetched again");
            // A leftover that cannot be removed is replaced by the rename that follows.
            let _ = fs::remove_file(&place);
            return Ok(None);
        }
        // Where its time cannot be set it only goes earlier.
        let _ = File::options().append(true).open(&place).and_then(|kept| kept.set_modified(self.now));
        Positioned::new(file, &place).map(Some)
    }

    /// A file beside the kept ones that only this process writes, gone unless it is kept.
    pub(super) fn begin(&self) -> Result<NamedTempFile, ClientError> {
        let failed = |e| ClientError::file(FileAction::Create, &self.folder, e);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        tempfile::Builder::new().prefix(PARTIAL_PREFIX).tempfile_in(&self.folder).map_err(failed)
    }

    /// Keeps a file whose bytes were checked, and makes room for it. It is not synced: after a crash it would be found
    /// damaged, and fetched again.
    pub(super) fn keep(
        &self,
        wanted: &manifest::File,
        partial: NamedTempFile,
    ) -> Result<Positioned, ClientError> {
        let place = self.place(wanted);
        let file =
            partial.persist(&place).map_err(|e| ClientError::file(FileAction::Rename, &place, e.error))?;
        let file = Positioned::new(file, &place)?;
        self.make_room(&place);
        Ok(file)
    }

    fn place(&self, wanted: &manifest::File) -> PathBuf {
        self.folder.join(wanted.digests.blake3.to_string())
    }

    /// Removes what was not used for longest until the rest is within bounds. Best effort: it is a cache.
    fn make_room(&self, newest: &Path) {
        let Ok(found) = fs::read_dir(&self.folder) else { return };
        let mut kept = Vec::new();
        for found in found.flatten() {
            let Ok(metadata) = found.metadata() else { continue };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let is_partial = found.file_name().as_encoded_bytes().starts_with(PARTIAL_PREFIX.as_bytes());
            if !is_partial {
                kept.push((used, found.path(), metadata.len()));
            } else if self.now.duration_since(used).is_ok_and(|age| age > PARTIAL_AGE_MAX) {
                let _ = fs::remove_file(found.path());
            }
        }
        kept.sort();
        let mut sum: u64 = kept.iter().map(|(_, _, size)| size).sum();
        for (_, place, size) in kept.iter().filter(|(_, place, _)| place != newest) {
            if sum <= self.bytes_max {
                break;
            }
            if fs::remove_file(place).is_ok() {
                sum -= size;
            }
        }
    }
}

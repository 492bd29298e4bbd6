//! Evidence of forks, one file each. It is never changed and never removed by us.

use std::path::{Path, PathBuf};

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::fork::ForkEvidence;

use super::State;
use crate::atomic_file::{self, Secrecy};
use crate::error::{ClientError, FileAction};

/// A log that lies forks as often as it likes; so many files are enough to show it.
const FORKS_MAX: usize = 32;

impl State {
    /// Keeps two checkpoints that do not fit, once; the file, or `None` when there are enough already.
    pub(crate) fn keep_fork(&self, evidence: &ForkEvidence) -> Result<Option<PathBuf>, ClientError> {
        let pair = [evidence.first.as_str(), evidence.second.as_str()].join("\n");
        let digest = Sha256Digest::of(pair.as_bytes()).to_string();
        let file = self.folder.join(format!("fork-{}.json", digest.get(..16).unwrap_or(&digest)));
        if file.exists() {
            return Ok(Some(file));
        }
        if count(&self.folder)? >= FORKS_MAX {
            return Ok(None);
        }
        let encode = |source| ClientError::Encode { what: "evidence of a fork", source };
        atomic_file::write(&file, &evidence.to_bytes().map_err(encode)?, Secrecy::Open)?;
        Ok(Some(file))
    }
}

fn count(folder: &Path) -> Result<usize, ClientError> {
    let failed = |error| ClientError::file(FileAction::List, folder, error);
    let names = match std::fs::read_dir(folder) {
        Ok(names) => names,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(error)),
    };
    let mut count = 0;
    for name in names {
        let name = name.map_err(failed)?.file_name();
        count += usize::from(name.to_string_lossy().starts_with("fork-"));
    }
    Ok(count)
}

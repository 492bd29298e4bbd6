//! Staging files: what a crash leaves between writing and publishing. Never visible, swept by age.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::LocalDirectory;
use crate::clock::since_epoch_ms;

/// Whether `name` ends in `#` and digits, as staging files do here and in `object_store`.
pub(super) fn is_staging_name(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, digits)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

impl LocalDirectory {
    /// Removes the staging files last written before `before_ms`, and returns how many there were.
    pub(in crate::objects) fn sweep_staging(&self, before_ms: u64) -> io::Result<u64> {
        let mut removed = 0;
        let mut directories: Vec<PathBuf> = vec![self.root.clone()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(&directory)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    directories.push(entry.path());
                } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_staging_name) {
                    removed += u64::from(remove_if_older(&entry, before_ms)?);
                }
            }
        }
        Ok(removed)
    }
}

fn remove_if_older(entry: &fs::DirEntry, before_ms: u64) -> io::Result<bool> {
    let gone_is_fine =
        |error: io::Error| if error.kind() == ErrorKind::NotFound { Ok(false) } else { Err(error) };
    let metadata = match entry.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return gone_is_fine(error),
    };
    if since_epoch_ms(metadata.modified()?) >= before_ms {
        return Ok(false);
    }
    fs::remove_file(entry.path()).map(|()| true).or_else(gone_is_fine)
}

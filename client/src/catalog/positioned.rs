//! A file that is read at any place, by several readers at once.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{ClientError, FileAction};

/// An open file of known size. It stays readable when its name goes.
#[derive(Debug)]
pub(super) struct Positioned {
    file: File,
    size: u64,
    place: PathBuf,
}

impl Positioned {
    pub(super) fn new(file: File, place: &Path) -> Result<Self, ClientError> {
        let size = file.metadata().map_err(|e| ClientError::file(FileAction::Read, place, e))?.len();
        Ok(Self { file, size, place: place.to_owned() })
    }

    /// Its size in bytes.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// So many bytes from `at` on; fewer only at its end.
    pub(super) fn read(&self, at: u64, length: usize) -> Result<Vec<u8>, ClientError> {
        let mut bytes = vec![0; length];
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match read_at(&self.file, rest, at + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(ClientError::file(FileAction::Read, &self.place, e)),
            }
        }
        bytes.truncate(done);
        Ok(bytes)
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, at)
}

//! One process per folder: an exclusive `flock` that the kernel drops when the process ends, however it ends.
//!
//! A local store has one, so that one node alone writes to it; a data folder has one, so that nobody touches the index of a
//! running node. It guards nothing by itself: whoever works on the folder asks for it first and keeps it.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The name of the lock file in its folder.
const LOCK_FILE: &str = ".lock";

/// A folder that is this process's until the lock is dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Why a folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another registry has it.
    #[error(
        "{} is in use by the registry with process id {pid}: stop it, or give this one another --store and --data",
        folder.display()
    )]
    Held {
        /// The folder that is locked.
        folder: PathBuf,
        /// What the lock file says, or `unknown`.
        pid: String,
    },
    /// It cannot be made, read or written.
    #[error("{} cannot be used: check that it lies on a writable disk and belongs to this user", folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl FolderLock {
    /// Locks `folder`, which exists, or says which process has it.
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable { folder: folder.to_owned(), source };
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(folder.join(LOCK_FILE))
            .map_err(unusable)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(LockError::Held { folder: folder.to_owned(), pid: holder(&mut file) });
            }
            Err(errno) => return Err(unusable(errno.into())),
        }
        write_holder(&mut file).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    // On a full disk the lock holds all the same, only the message to a second process is poorer.
    match writeln!(file, "{}", std::process::id()) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
        written => written,
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let digits = match file.take(20).read_to_string(&mut text) {
        Ok(_) => text.trim(),
        Err(_) => "",
    };
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.to_owned();
    }
    "unknown".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_holder_s_at_a_time_and_says_whose() {
        let folder = tempfile::tempdir().unwrap();
        let held = FolderLock::acquire(folder.path()).unwrap();
        match FolderLock::acquire(folder.path()).unwrap_err() {
            LockError::Held { pid, .. } => assert_eq!(pid, std::process::id().to_string()),
            LockError::Unusable { source, .. } => panic!("{source}"),
        }
        drop(held);
        FolderLock::acquire(folder.path()).unwrap();
        let nowhere = folder.path().join("nowhere");
        assert!(matches!(FolderLock::acquire(&nowhere), Err(LockError::Unusable { .. })));
    }
}

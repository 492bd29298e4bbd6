//! Room that is kept for sweeps: a disk on which nothing fits any more must still take the entry that makes room.
//!
//! While it is released new content is refused, as on the full disk that it is: else uploads would take the room before
//! the sweep's commit does.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::{LocalDirectory, durability};

/// Enough for a sweep's list and commit, for what the index writes meanwhile, and for the blocks that files are counted in.
const RESERVE_BYTES: u64 = 16 * 1024 * 1024;

impl LocalDirectory {
    /// Frees the room; whether there was any is returned.
    pub(in crate::objects) fn release_reserve(&self) -> io::Result<bool> {
        self.released.store(true, Ordering::SeqCst);
        match fs::remove_file(path(&self.root)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes the room again.
    pub(in crate::objects) fn keep_reserve(&self) -> io::Result<()> {
        let kept = keep(&self.root);
        self.released.store(false, Ordering::SeqCst);
        kept
    }

    /// Whether the room is another's just now.
    pub(super) fn is_reserve_released(&self) -> bool {
        self.released.load(Ordering::SeqCst)
    }
}

fn path(root: &Path) -> PathBuf {
    root.join(".reserve")
}

/// A full disk must not keep a registry from starting: it still answers lookups, and sweeps.
pub(super) fn keep(root: &Path) -> io::Result<()> {
    let path = path(root);
    if path.metadata().is_ok_and(|metadata| metadata.len() >= RESERVE_BYTES) {
        return Ok(());
    }
    let file = File::options().create(true).truncate(true).write(true).open(&path)?;
    if let Err(error) = durability::allocate(&file, RESERVE_BYTES) {
        tracing::warn!(error = %error, "no room for the reserve file: free space, a sweep on a full disk needs it");
        drop(file);
        return fs::remove_file(&path);
    }
    Ok(())
}

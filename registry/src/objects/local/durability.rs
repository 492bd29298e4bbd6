//! How this operating system makes files durable. Decides nothing: callers say what and when.
//!
//! Linux has one call for a whole file system; elsewhere each file written since the last flush is synced by itself.

use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(target_os = "linux")]
pub(super) use whole_file_system::Flush;

#[cfg(not(target_os = "linux"))]
pub(super) use file_by_file::Flush;

/// Below this, starting write-back costs more than it hides.
const WRITE_BACK_BYTES_MIN: u64 = 128 * 1024;

/// Syncs a directory, so that the names in it are durable.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Syncs the directory that `path` is in.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_directory)
}

/// Lets the kernel begin to write `file` out, so that the next flush finds little left to do. Only a hint.
pub(super) fn start_write_back(file: &File, len: u64) {
    if len < WRITE_BACK_BYTES_MIN {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        // Dirty pages cannot be dropped, so this starts their write-back and returns.
        let hinted = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
        if let Err(error) = hinted {
            tracing::trace!(error = %error, "write-back was not started");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// Gives a file its final name, unless that name is taken. Whether the old name is gone is returned.
pub(super) fn publish_new(staged: &Path, target: &Path) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, staged, CWD, target, RenameFlags::NOREPLACE) {
            // Not every file system can.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            renamed => return Ok(renamed.map(|()| true)?),
        }
    }
    std::fs::hard_link(staged, target).map(|()| false)
}

/// Gives `file` `len` bytes of disk that are really there.
#[cfg(target_os = "linux")]
pub(super) fn allocate(file: &File, len: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    match fallocate(file, FallocateFlags::empty(), 0, len) {
        Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(file, len),
        allocated => Ok(allocated?),
    }
}

/// Gives `file` `len` bytes of disk that are really there.
#[cfg(not(target_os = "linux"))]
pub(super) fn allocate(file: &File, len: u64) -> io::Result<()> {
    write_zeros(file, len)
}

fn write_zeros(mut file: &File, len: u64) -> io::Result<()> {
    io::copy(&mut io::Read::take(io::repeat(0), len), &mut file).map(|_| ())
}

#[cfg(target_os = "linux")]
mod whole_file_system {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    /// Everything written below one directory, and what its neighbours on the file system wrote.
    #[derive(Debug)]
    pub(in crate::objects::local) struct Flush {
        /// Open from the start: the kernel reports a failed write-back only to descriptors older than it.
        root: File,
    }

    impl Flush {
        pub(in crate::objects::local) fn open(root: &Path) -> io::Result<Self> {
            Ok(Self { root: File::open(root)? })
        }

        /// A path-only descriptor refuses every sync, like a disk that reports an error.
        #[cfg(test)]
        pub(in crate::objects::local) fn failing() -> Self {
            use rustix::fs::{Mode, OFlags, open};
            let path_only = open(Path::new("/"), OFlags::PATH, Mode::empty()).expect("the root opens");
            Self { root: path_only.into() }
        }

        /// Whether a flush covers what it was not told of.
        pub(in crate::objects::local) const COVERS_ALL: bool = true;

        /// Nothing to note: one call flushes all.
        #[expect(clippy::unused_self, reason = "the same call as where files are flushed one by one")]
        pub(in crate::objects::local) fn note(&self, _path: &Path) {}

        /// Nothing was noted.
        #[expect(clippy::unused_self, reason = "the same call as where files are flushed one by one")]
        pub(in crate::objects::local) fn forget(&self, _path: &Path) {}

        /// Returns when everything that was written before the call is durable.
        pub(in crate::objects::local) fn flush(&self) -> io::Result<()> {
            Ok(rustix::fs::syncfs(&self.root)?)
        }
    }
}

#[cfg(any(not(target_os = "linux"), test))]
mod file_by_file {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, PoisonError};

    /// The files written since the last flush.
    #[derive(Debug)]
    pub(in crate::objects::local) struct Flush {
        pending: Mutex<BTreeSet<PathBuf>>,
    }

    impl Flush {
        #[expect(clippy::unnecessary_wraps, reason = "the same call as where a descriptor is opened")]
        pub(in crate::objects::local) fn open(_root: &Path) -> io::Result<Self> {
            Ok(Self { pending: Mutex::default() })
        }

        /// Whether a flush covers what it was not told of.
        #[cfg(not(target_os = "linux"))]
        pub(in crate::objects::local) const COVERS_ALL: bool = false;

        /// To be called before `path` becomes visible: whoever sees it may count on the next flush.
        pub(in crate::objects::local) fn note(&self, path: &Path) {
            self.pending().insert(path.to_owned());
        }

        /// `path` was noted and did not come into being.
        pub(in crate::objects::local) fn forget(&self, path: &Path) {
            self.pending().remove(path);
        }

        /// Returns when everything that was noted and visible before the call is durable.
        pub(in crate::objects::local) fn flush(&self) -> io::Result<()> {
            let batch = std::mem::take(&mut *self.pending());
            let mut directories = BTreeSet::new();
            for path in batch {
                match File::open(&path) {
                    Ok(file) => file.sync_all()?,
                    // Noted and not yet visible: the flush after it became visible takes it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => self.note(&path),
                    Err(error) => return Err(error),
                }
                directories.extend(path.parent().map(Path::to_owned));
            }
            directories.iter().try_for_each(|directory| super::sync_directory(directory))
        }

        fn pending(&self) -> std::sync::MutexGuard<'_, BTreeSet<PathBuf>> {
            // The set is whole after any panic: it is changed by single calls.
            self.pending.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn flush_keeps_what_is_not_visible_yet_and_drops_what_it_synced() -> io::Result<()> {
            let directory = tempfile::tempdir()?;
            let (there, later) = (directory.path().join("there"), directory.path().join("later"));
            std::fs::write(&there, b"x")?;
            let flush = Flush::open(directory.path())?;
            flush.note(&there);
            flush.note(&later);
            flush.flush()?;
            assert_eq!(*flush.pending(), BTreeSet::from([later.clone()]));
            flush.forget(&later);
            assert!(flush.pending().is_empty());
            Ok(())
        }
    }
}

//! The local directory: its lock, its directories, and writes that are durable when they say so.
//!
//! Sizes of objects are read through `object_store`; their bytes are not, for it takes two hops between threads where one
//! will do. Nor are they written through it: its errors hide which of them was a failed fsync, and that one ends
//! the process. Everything in here blocks; `Store` calls it from the bounded pool.

mod barrier;
mod durability;
mod fanout;
mod listing;
mod reserve;
mod staging;
mod uncached;
mod write;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::error::{ObjectError, OpenError};
use super::held::HeldObject;
use super::key::ObjectKey;
use crate::folder_lock::FolderLock;
use crate::telemetry::Fatal;

pub(super) use barrier::Barrier;
use durability::Flush;
pub use fanout::make_root;
use fanout::{Prepared, parent_of};
pub(super) use listing::page;
pub(super) use write::{Persistence, Publish};

/// One directory, locked for this process.
#[derive(Debug)]
pub(super) struct LocalDirectory {
    root: PathBuf,
    flush: Arc<Flush>,
    prepared: Mutex<HashSet<Prepared>>,
    /// Held while directories are made: whoever comes second goes on only when they are durable.
    preparing: Mutex<()>,
    staged: AtomicU64,
    /// The room for sweeps is in use.
    released: AtomicBool,
    fatal: Fatal,
    /// Held until the process ends or the store is dropped.
    _lock: FolderLock,
}

impl LocalDirectory {
    /// Makes, locks and prepares `directory`.
    pub(super) fn open(directory: &Path, fatal: Fatal) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Directory { directory: directory.to_owned(), source };
        let root = make_root(directory).map_err(unusable)?;
        let lock = FolderLock::acquire(&root)?;
        let flush = fanout::make_top_directories(&root)
            .and_then(|()| reserve::keep(&root))
            .and_then(|()| Flush::open(&root))
            .map_err(unusable)?;
        Ok(Self {
            root,
            flush: Arc::new(flush),
            prepared: Mutex::default(),
            preparing: Mutex::default(),
            staged: AtomicU64::new(1),
            released: AtomicBool::new(false),
            fatal,
            _lock: lock,
        })
    }

    /// The same directory, on which every flush fails.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn without_flush(self) -> Self {
        Self { flush: Arc::new(Flush::failing()), ..self }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The barrier over what this directory's writes have not synced.
    pub(super) fn barrier(&self) -> Barrier {
        Barrier::new(Arc::clone(&self.flush), self.fatal.clone())
    }

    /// Fsyncs an object that somebody else may have left linked and unsynced, and its directory entry.
    pub(super) fn make_durable(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let target = self.target(key);
        let file = File::open(&target).map_err(|error| ObjectError::from_io(key.as_str(), error))?;
        self.durable(key.as_str(), file.sync_all())?;
        self.durable(key.as_str(), durability::sync_parent(&target))
    }

    /// Whether the next flush covers objects that an earlier process wrote, too.
    pub(super) const fn flush_covers_all() -> bool {
        Flush::COVERS_ALL
    }

    /// Lets the next flush cover an object that an earlier process wrote.
    pub(super) fn note(&self, key: &str) {
        self.flush.note(&self.root.join(key));
    }

    /// The bytes of an object.
    pub(super) fn read(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        let failed = |error| ObjectError::from_io(key.as_str(), error);
        let file = File::open(self.target(key)).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        ObjectError::check_size(key, size)?;
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.take(key.bytes_max()).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Bytes::from(bytes))
    }

    /// Removes an object, if it is there.
    pub(super) fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let target = self.target(key);
        match std::fs::remove_file(&target) {
            Ok(()) => {
                self.flush.note(parent_of(&target, &self.root));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(ObjectError::from_io(key.as_str(), error)),
        }
    }

    /// Opens an object that never changes, to read parts of it.
    pub(super) fn hold(&self, key: &ObjectKey) -> Result<HeldObject, ObjectError> {
        HeldObject::open(&self.target(key), key)
    }

    fn target(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    /// A failed sync ends the process: the kernel has dropped the pages and a second try would claim success.
    fn durable(&self, what: &str, synced: io::Result<()>) -> Result<(), ObjectError> {
        synced.map_err(|source| {
            self.fatal.end(&format!("fsync of {what} failed: {source}"));
            ObjectError::NotDurable { what: what.to_owned(), source }
        })
    }
}

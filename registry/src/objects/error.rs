//! What can go wrong with an object, sorted by what the caller does about it.

use std::error::Error as StdError;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use super::key::{InvalidKey, ObjectKey};
use crate::folder_lock::LockError;

type Source = Box<dyn StdError + Send + Sync>;

/// Why an object was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Nothing is stored under the key.
    #[error("object {key} does not exist")]
    NotFound {
        /// The key that was asked for.
        key: String,
    },
    /// The key cannot exist.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// The range lies outside the object.
    #[error("object {key} has no bytes {start}..{end}")]
    OutOfRange {
        /// The key that was read.
        key: String,
        /// First byte asked for.
        start: u64,
        /// One past the last byte asked for.
        end: u64,
    },
    /// Larger than an object of its kind ever is, so it was not read.
    #[error("object {key} has {size} bytes, more than the {max} that such an object may have")]
    TooLarge {
        /// The key that was to be read.
        key: String,
        /// Its size in bytes.
        size: u64,
        /// The most it may have.
        max: u64,
    },
    /// No space, no inodes or no quota left; nothing was stored.
    #[error("the store is full, {key} was not written: free space, or run a sweep, then send it again")]
    NoSpace {
        /// The key that was to be written.
        key: String,
        /// What the store said.
        #[source]
        source: Source,
    },
    /// The store refuses writes: mounted read-only, or without the right to write.
    #[error(
        "the store refuses to write {key}: check that it is not read-only and that the registry may write there"
    )]
    ReadOnly {
        /// The key that was to be written.
        key: String,
        /// What the store said.
        #[source]
        source: Source,
    },
    /// The store did not answer. **The outcome of a write is unknown**: look before writing anything else.
    #[error("the store did not answer for {key}, whether it acted is unknown")]
    Unavailable {
        /// The key concerned.
        key: String,
        /// What happened instead of an answer.
        #[source]
        source: Source,
    },
    /// The operating system could not make it durable. The process is ending.
    #[error("{what} could not be made durable")]
    NotDurable {
        /// The object or directory concerned.
        what: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Anything else: a read error of the disk, a directory in the way, too many open files.
    #[error("object {key} could not be read or written")]
    Io {
        /// The key concerned.
        key: String,
        /// What the store said.
        #[source]
        source: Source,
    },
}

impl ObjectError {
    /// Whether this says that the object is absent.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Refuses to read what is larger than an object of its kind ever is.
    pub(super) fn check_size(key: &ObjectKey, size: u64) -> Result<(), Self> {
        let max = key.bytes_max();
        if size <= max { Ok(()) } else { Err(Self::TooLarge { key: key.as_str().to_owned(), size, max }) }
    }

    /// The object has no such bytes.
    pub(super) fn out_of_range(key: &ObjectKey, range: &Range<u64>) -> Self {
        Self::OutOfRange { key: key.as_str().to_owned(), start: range.start, end: range.end }
    }

    pub(super) fn from_io(key: &str, source: io::Error) -> Self {
        let key = key.to_owned();
        match trouble_of(&source) {
            Trouble::Space => Self::NoSpace { key, source: source.into() },
            Trouble::Rights => Self::ReadOnly { key, source: source.into() },
            Trouble::Absence => Self::NotFound { key },
            Trouble::Other => Self::Io { key, source: source.into() },
        }
    }

    pub(super) fn from_store(key: &str, source: object_store::Error) -> Self {
        use object_store::Error as E;
        let key = key.to_owned();
        match source {
            E::NotFound { .. } => Self::NotFound { key },
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => {
                Self::ReadOnly { key, source: source.into() }
            }
            E::Generic { .. } | E::Precondition { .. } | E::AlreadyExists { .. } => {
                Self::from_generic(key, source)
            }
            other => Self::Io { key, source: other.into() },
        }
    }

    /// The local store wraps the operating system's error; without one a remote store failed to answer.
    fn from_generic(key: String, source: object_store::Error) -> Self {
        if is_local(&source) {
            return match io_error_below(&source).map(trouble_of) {
                Some(Trouble::Space) => Self::NoSpace { key, source: source.into() },
                Some(Trouble::Rights) => Self::ReadOnly { key, source: source.into() },
                Some(Trouble::Absence) => Self::NotFound { key },
                Some(Trouble::Other) | None => Self::Io { key, source: source.into() },
            };
        }
        if says_insufficient_storage(&source) {
            return Self::NoSpace { key, source: source.into() };
        }
        Self::Unavailable { key, source: source.into() }
    }
}

enum Trouble {
    Space,
    Rights,
    Absence,
    Other,
}

fn trouble_of(error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Trouble::Space,
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Trouble::Rights,
        io::ErrorKind::NotFound => Trouble::Absence,
        _ => Trouble::Other,
    }
}

fn io_error_below(error: &object_store::Error) -> Option<&io::Error> {
    let mut below: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = below {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return Some(found);
        }
        below = error.source();
    }
    None
}

fn is_local(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::Generic { store: "LocalFileSystem", .. })
}

/// HTTP 507, which S3-compatible servers send; its type is private to `object_store`, so only its text is left.
fn says_insufficient_storage(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::Generic { .. })
        && error.to_string().contains("507 Insufficient Storage")
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory is another process's, or cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The directory cannot be made, read or written.
    #[error("the store {} cannot be used: check that it exists on a writable disk and belongs to this user", directory.display())]
    Directory {
        /// The directory concerned.
        directory: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The bucket's settings are incomplete or wrong.
    #[error(
        "the store {location} cannot be used: check its name and the cloud's environment variables (for S3: AWS_*)"
    )]
    Bucket {
        /// The location as given.
        location: String,
        /// What the store's client said.
        #[source]
        source: object_store::Error,
    },
}

/// Why a store was refused at start-up.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// More or fewer than one of several racing creates won.
    #[error(
        "this store ignores create-if-absent; Holdfast refuses to run on it: {winners} of {racers} racing creates of one \
         key reported success. Use a store with conditional writes (If-None-Match)"
    )]
    NotExclusive {
        /// Creates that reported success.
        winners: usize,
        /// Creates that raced.
        racers: usize,
    },
    /// The winner's bytes were not what is stored.
    #[error(
        "this store ignores create-if-absent; Holdfast refuses to run on it: a create that lost replaced the winner's bytes"
    )]
    Overwritten,
    /// The store could not be asked.
    #[error("the store could not be probed: check that it is reachable and writable")]
    Object(#[from] ObjectError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_local(kind: io::ErrorKind) -> ObjectError {
        let source = Box::new(io::Error::from(kind));
        ObjectError::from_store("key", object_store::Error::Generic { store: "LocalFileSystem", source })
    }

    #[test]
    fn operating_system_errors_are_told_apart_alone_and_inside_the_store_s() {
        let full = rustix::io::Errno::NOSPC;
        let over_quota = rustix::io::Errno::DQUOT;
        for errno in [full, over_quota] {
            assert!(matches!(ObjectError::from_io("key", errno.into()), ObjectError::NoSpace { .. }));
        }
        assert!(matches!(of_local(io::ErrorKind::StorageFull), ObjectError::NoSpace { .. }));
        let read_only = rustix::io::Errno::ROFS;
        assert!(matches!(ObjectError::from_io("key", read_only.into()), ObjectError::ReadOnly { .. }));
        assert!(matches!(of_local(io::ErrorKind::PermissionDenied), ObjectError::ReadOnly { .. }));
        assert!(matches!(of_local(io::ErrorKind::TimedOut), ObjectError::Io { .. }));
    }

    #[test]
    fn silence_of_a_remote_store_is_an_unknown_outcome() {
        let source = Box::new(io::Error::from(io::ErrorKind::NotFound));
        let silent = ObjectError::from_store("key", object_store::Error::Generic { store: "S3", source });
        assert!(matches!(silent, ObjectError::Unavailable { .. }));
    }
}

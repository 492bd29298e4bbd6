//! The index: a projection of the log in SQLite, and the only place that uses it.
//!
//! It can be deleted at any time and is made again from the object store; no acknowledgement depends on it. One
//! [`Writer`] exists, owned by the log; any number of [`View`]s read, each a snapshot that no writer disturbs.

mod effects;
mod facts;
mod journal;
mod listing;
mod newest;
mod readers;
mod rows;
mod schedules;
mod schema;
mod scrubbing;
mod sweeps;
mod swept;
mod windows;
mod writer;

#[cfg(test)]
mod tests;

pub use journal::{EntryPlace, Position, Refused};
pub use listing::{ArtifactFilter, Totals};
pub use readers::{Index, View};
pub use scrubbing::{DuePlace, Soundness};
pub use windows::WindowPlace;
pub use writer::Writer;

use holdfast_verify::facts::FactsError;

/// Why the index could not be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// SQLite reported a failure.
    #[error(
        "the index could not be read or written; delete it and start again, it is rebuilt from the store"
    )]
    Sqlite(#[from] rusqlite::Error),
    /// A row does not hold what this version writes.
    #[error(
        "the index holds a row this version cannot read; delete it and start again, it is rebuilt from the store"
    )]
    Row(#[from] serde_json::Error),
    /// A row is malformed in another way.
    #[error("the index is damaged ({0}); delete it and start again, it is rebuilt from the store")]
    Damaged(&'static str),
    /// The new file could not be brought to disk, so it does not count.
    #[error("the new index could not be synced; look at the disk, then start again")]
    Unsynced(#[source] std::io::Error),
    /// The folder of the index cannot be made.
    #[error("the folder of the index cannot be made")]
    Folder(#[source] std::io::Error),
}

impl IndexError {
    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }
}

impl From<IndexError> for FactsError {
    fn from(error: IndexError) -> Self {
        Self(Box::new(error))
    }
}

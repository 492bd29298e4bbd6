//! Reading entries: by place in their commit objects, the newest from memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_formats::commit::{Commit, CommitError};
use holdfast_formats::entry::{Entry, EntryError, EntryPayload};
use holdfast_formats::tree::LeafIndex;
use quick_cache::sync::Cache;

use super::LogParts;
use super::attachments::{AttachmentError, Attachments};
use crate::index::{EntryPlace, IndexError};
use crate::objects::{ObjectError, ObjectKey};

/// How many entries are kept in memory.
const CACHED_ENTRIES: usize = 4096;

/// One leaf as it is logged.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Its place.
    pub index: LeafIndex,
    /// Its bytes.
    pub bytes: Bytes,
    /// The payload, when it is an attachment.
    pub payload: Option<Bytes>,
}

/// Why an entry could not be read.
#[derive(Debug, thiserror::Error)]
pub enum EntriesError {
    /// There is no such entry.
    #[error("the log has no entry {0} yet")]
    NotFound(LeafIndex),
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The store failed.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// An attachment failed.
    #[error(transparent)]
    Attachment(#[from] AttachmentError),
    /// What is stored is no entry.
    #[error("entry {index} is corrupt in the store")]
    Corrupt {
        /// Which.
        index: LeafIndex,
        /// What is wrong.
        #[source]
        source: EntryError,
    },
    /// A commit object is malformed.
    #[error("a commit object is corrupt in the store")]
    Commit(#[from] CommitError),
}

/// A reader of entries; clones share its cache.
#[derive(Clone)]
pub struct Entries {
    parts: LogParts,
    cache: Arc<Cache<LeafIndex, Bytes>>,
}

impl Entries {
    pub(super) fn new(parts: LogParts) -> Self {
        Self { parts, cache: Arc::new(Cache::new(CACHED_ENTRIES)) }
    }

    /// Keeps an entry that was just written.
    pub(super) fn remember(&self, index: LeafIndex, bytes: Bytes) {
        self.cache.insert(index, bytes);
    }

    /// One entry, with its payload when that is an attachment.
    pub async fn read(&self, index: LeafIndex) -> Result<Leaf, EntriesError> {
        let bytes = match self.cache.get(&index) {
            Some(bytes) => bytes,
            None => self.fetch(index).await?,
        };
        let payload = self.attached_payload(index, &bytes).await?;
        Ok(Leaf { index, bytes, payload })
    }

    /// The payload of a leaf, when it is an attachment.
    pub async fn attached_payload(
        &self,
        index: LeafIndex,
        leaf: &[u8],
    ) -> Result<Option<Bytes>, EntriesError> {
        let entry = Entry::parse(leaf).map_err(|source| EntriesError::Corrupt { index, source })?;
        match entry.payload {
            EntryPayload::Inline(_) => Ok(None),
            EntryPayload::Attached(at) => {
                Ok(Some(Attachments::new(self.parts.store.clone()).get(&at.sha256).await?))
            }
        }
    }

    /// So many successive entries, when all of them are in memory.
    fn kept(&self, from: LeafIndex, limit: usize) -> Option<Vec<Bytes>> {
        (0..limit as u64).map(|n| self.cache.get(&from.checked_add(n).ok()?)).collect()
    }

    async fn fetch(&self, index: LeafIndex) -> Result<Bytes, EntriesError> {
        let place = self.parts.index.read(move |view| view.place(index)).await?;
        let EntryPlace { commit, offset, length } = place.ok_or(EntriesError::NotFound(index))?;
        let bytes = self.parts.store.get_range(&ObjectKey::commit(commit), offset..offset + length).await?;
        self.cache.insert(index, bytes.clone());
        Ok(bytes)
    }

    /// The bytes of up to `limit` successive entries: the newest from memory; else each commit object is read once.
    pub async fn read_many(&self, from: LeafIndex, limit: usize) -> Result<Vec<Bytes>, EntriesError> {
        if let Some(kept) = self.kept(from, limit) {
            return Ok(kept);
        }
        let places = self.parts.index.read(move |view| view.places(from, limit)).await?;
        let mut commits: BTreeMap<u64, Bytes> = BTreeMap::new();
        let mut out = Vec::with_capacity(places.len());
        for EntryPlace { commit, offset, length } in places {
            let object = if let Some(object) = commits.get(&commit) {
                object.clone()
            } else {
                let object = self.parts.store.get(&ObjectKey::commit(commit)).await?;
                Commit::parse(&object)?;
                // Entries come in order, so an earlier commit is not asked for again.
                commits.clear();
                commits.insert(commit, object.clone());
                object
            };
            let range = (usize::try_from(offset), usize::try_from(offset + length));
            let (Ok(start), Ok(end)) = range else {
                return Err(IndexError::Damaged("an entry's place").into());
            };
            if end > object.len() || start > end {
                return Err(IndexError::Damaged("an entry's place").into());
            }
            out.push(object.slice(start..end));
        }
        Ok(out)
    }
}

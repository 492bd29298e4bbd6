//! Reading entries: by place in their commit objects, the newest from memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_formats::commit::{Commit, CommitError};
use holdfast_formats::entry::{Entry, EntryError};
use holdfast_formats::key::KeyId;
use holdfast_formats::tile::TILE_WIDTH;
use holdfast_formats::tree::LeafIndex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::LogParts;
use super::attachments::{AttachmentError, Attachments};
use super::places::Places;
use crate::index::{EntryPlace, IndexError, View};
use crate::objects::{ObjectError, ObjectKey};

/// How much room entries have in memory, and about how many that are.
const CACHED_BYTES: u64 = 32 * 1024 * 1024;
const CACHED_ENTRIES: usize = 32 * 1024;
/// What an entry takes beside its bytes.
const OVERHEAD_BYTES: u64 = 64;

/// One leaf as it is logged.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Its place.
    pub index: LeafIndex,
    /// Its bytes.
    pub bytes: Bytes,
    /// The payload, when it is an attachment.
    pub payload: Option<Bytes>,
    /// Whose signatures it carries.
    pub signers: Vec<KeyId>,
}

/// The bytes of an entry, or where to ask for them.
#[derive(Debug, Clone)]
pub enum Found {
    /// They are here.
    Bytes(Bytes),
    /// They lie in a store that takes a request.
    Place(EntryPlace),
}

#[derive(Debug, Clone)]
struct ByLength;

impl Weighter<LeafIndex, Bytes> for ByLength {
    fn weight(&self, _: &LeafIndex, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + OVERHEAD_BYTES
    }
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
    /// What is stored is another entry than the one that was logged.
    #[error("entry {0} in the store is not the one that was logged; restore log/commits from a replica")]
    Altered(LeafIndex),
    /// A commit object is malformed.
    #[error("a commit object is corrupt in the store")]
    Commit(#[from] CommitError),
}

/// A reader of entries; clones share its cache.
#[derive(Clone)]
pub struct Entries {
    parts: Arc<LogParts>,
    cache: Arc<Cache<LeafIndex, Bytes, ByLength>>,
    places: Arc<Places>,
}

impl Entries {
    pub(super) fn new(parts: LogParts) -> Self {
        let cache = Cache::with_weighter(CACHED_ENTRIES, CACHED_BYTES, ByLength);
        Self { parts: Arc::new(parts), cache: Arc::new(cache), places: Arc::new(Places::new()) }
    }

    /// Keeps an entry that was just written.
    pub(super) fn remember(&self, index: LeafIndex, bytes: Bytes) {
        self.cache.insert(index, bytes);
    }

    /// One entry, with its payload when that is an attachment.
    pub async fn read(&self, index: LeafIndex) -> Result<Leaf, EntriesError> {
        let found = if let Some(bytes) = self.at_hand(index) {
            Found::Bytes(bytes)
        } else {
            let entries = self.clone();
            self.parts.index.read(move |view| entries.find(view, index)).await?
        };
        self.take(index, found).await
    }

    /// The bytes of an entry, when they are in memory: here, or in the system's cache of files.
    pub fn at_hand(&self, index: LeafIndex) -> Option<Bytes> {
        self.cache.get(&index).or_else(|| self.places.at_hand(index))
    }

    /// Looks for the bytes of an entry, on a thread that may block.
    pub fn find(&self, view: &View<'_>, index: LeafIndex) -> Result<Found, EntriesError> {
        let found = self.places.find(view, &self.parts.store, index)?;
        if let Found::Bytes(bytes) = &found {
            self.remember(index, bytes.clone());
        }
        Ok(found)
    }

    /// Reads an entry that was found.
    pub async fn take(&self, index: LeafIndex, found: Found) -> Result<Leaf, EntriesError> {
        let bytes = match found {
            Found::Bytes(bytes) => bytes,
            Found::Place(place) => {
                let key = ObjectKey::commit(place.commit);
                let bytes = self.parts.store.get_range(&key, place.range()).await?;
                self.remember(index, bytes.clone());
                bytes
            }
        };
        self.leaf(index, bytes).await
    }

    /// What the bytes of an entry say of it, with its payload when that is an attachment.
    pub async fn leaf(&self, index: LeafIndex, bytes: Bytes) -> Result<Leaf, EntriesError> {
        let outline = Entry::outline(&bytes).map_err(|source| EntriesError::Corrupt { index, source })?;
        let payload = match outline.attached {
            None => None,
            Some(at) => Some(Attachments::new(self.parts.store.clone()).get(&at.sha256).await?),
        };
        Ok(Leaf { index, bytes, payload, signers: outline.signers })
    }

    /// So many successive entries, when all of them are in memory.
    fn kept(&self, from: LeafIndex, limit: usize) -> Option<Vec<Bytes>> {
        (0..limit as u64).map(|n| self.cache.get(&from.checked_add(n).ok()?)).collect()
    }

    /// The bytes of up to `limit` successive entries: those at hand from memory; each commit object of the others is read
    /// once. A node that follows another has to read what it did not write, but not once for each tile that has it.
    pub async fn read_many(&self, from: LeafIndex, limit: usize) -> Result<Vec<Bytes>, EntriesError> {
        if let Some(kept) = self.kept(from, limit) {
            return Ok(kept);
        }
        let places = self.parts.index.read(move |view| view.places(from, limit)).await?;
        let mut commits: BTreeMap<u64, Bytes> = BTreeMap::new();
        let mut out = Vec::with_capacity(places.len());
        for (index, EntryPlace { commit, offset, length }) in (from.get()..).zip(places) {
            let index = LeafIndex::new(index).map_err(|_| IndexError::Damaged("an entry's index"))?;
            if let Some(kept) = self.cache.get(&index) {
                out.push(kept);
                continue;
            }
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
            let leaf = object.slice(start..end);
            if limit <= usize::from(TILE_WIDTH) {
                self.remember(index, leaf.clone());
            }
            out.push(leaf);
        }
        Ok(out)
    }
}

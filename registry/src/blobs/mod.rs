//! Content: chunks, the records that make blobs of them, and the aliases that find a blob by another digest.
//!
//! Bytes enter only after they hashed to the address they claim, and leave only after they hashed to it again. What this
//! process has not written or verified itself, and no committed entry refers to, is read and hashed before it counts as
//! present: it may be the leftover of a crash. This module never judges who may read or write, and deletes nothing but what a
//! committed sweep named, under the key that nothing is read from any more.
//!
//! Memory is bounded by shares of one budget (see `memory`). Nobody who holds a part of one share waits for another part
//! of the same share, and shares are taken in one order: the turn of a tree's scrub, `records`, `catalogs`, `trees` or
//! `entries`, `pages`, `index records`, then `work` or `serving`. So no two of them can wait for each other.

mod address;
mod alias;
mod arrival;
mod catalog;
mod chunk;
mod condemned;
mod content;
mod draft;
mod error;
mod frame;
mod hashing;
mod intact;
mod known;
mod memory;
mod parts;
mod piece;
mod place;
mod presence;
mod reader;
mod record;
mod references;
mod scrub;
mod sealed;
mod small;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use holdfast_formats::digest::{Blake3Digest, Digests, NamedDigest};
use holdfast_formats::name::Namespace;
pub use holdfast_formats::statement::{BadObject, ObjectClass, ScrubOutcome};

pub use arrival::Arriving;
pub use catalog::{CatalogBlob, TreeListing};
pub use condemned::Condemning;
pub use content::CHUNK_OBJECT_BYTES_MAX;
pub use draft::DraftPlace;
pub use error::BlobError;
pub use reader::BlobReader;
pub use references::References;
pub use scrub::{BadObjects, Manner, Round, ScrubFinding};
pub use small::SentChunk;
use tokio::sync::Semaphore;

use crate::blocking::Blocking;
use crate::index::Index;
use crate::objects::Store;
use catalog::Pages;
use condemned::Condemned;
use draft::Drafts;
use intact::Intact;
use known::{Known, Locks, Recent};
use memory::Budget;

/// How a put ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was not there, or what was there was bad, and is now.
    New,
    /// It was there already, and good.
    Existing,
}

/// A blob that somebody is about to refer to: its digests and its size in bytes.
pub type Wanted = (Digests, u64);

/// The content of a store; clones share it.
#[derive(Clone, Debug)]
pub struct Blobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    /// Says which generation of an object counts.
    index: Index,
    blocking: Blocking,
    budget: Budget,
    known: Known,
    intact: Intact,
    recent: Recent,
    pages: Pages,
    condemned: Condemned,
    /// Whose turn it is to scrub a tree.
    tree_scrub: Semaphore,
    drafts: Drafts,
    chunk_locks: Locks,
    record_locks: Locks,
}

impl Blobs {
    /// The content of `store` as `index` says where it is, using at most about `memory_budget_bytes` for buffers and caches.
    pub fn new(store: Store, index: Index, blocking: Blocking, memory_budget_bytes: u64) -> Self {
        let budget = Budget::of(memory_budget_bytes);
        let (known, recent) = (Known::within(&budget), Recent::within(&budget));
        let (intact, pages) = (Intact::within(&budget), Pages::within(&budget));
        let (chunk_locks, record_locks) = (Locks::new(), Locks::new());
        Self {
            inner: Arc::new(Inner {
                store,
                index,
                blocking,
                budget,
                known,
                intact,
                recent,
                pages,
                condemned: Condemned::default(),
                tree_scrub: Semaphore::new(1),
                drafts: Drafts::new(),
                chunk_locks,
                record_locks,
            }),
        }
    }

    /// Returns when all that was put before the call is durable.
    pub async fn barrier(&self) -> Result<(), BlobError> {
        Ok(self.inner.store.barrier().await?)
    }

    /// Notes that a committed entry refers to these objects, so that they count as present without being read again.
    ///
    /// Only as many as fit the budget are remembered; the others are read again when they are next needed. A blob stands
    /// for its chunks.
    pub async fn refer(
        &self,
        namespace: &Namespace,
        class: ObjectClass,
        digests: &[Blake3Digest],
    ) -> Result<(), BlobError> {
        for digest in digests {
            let g = self.generation(namespace, class, &NamedDigest::Blake3(*digest)).await?;
            self.inner.known.note_reference(address::Address::of(namespace, class, digest), g);
        }
        Ok(())
    }

    /// Takes nothing for good any more because it once was: something stored turned out to be damaged, perhaps a part of what
    /// this process knows to be whole. What is needed again is looked at again.
    pub fn doubt_all(&self) {
        self.inner.known.keep_doubts();
    }

    /// Doubts an object, so that it is read and hashed before it counts as present again, whatever refers to it.
    pub fn forget(&self, namespace: &Namespace, class: ObjectClass, digest: &Blake3Digest) {
        let address = address::Address::of(namespace, class, digest);
        self.inner.known.doubt(address);
        self.inner.recent.forget(&address);
    }

    fn recall(&self, namespace: &Namespace, digest: &Blake3Digest) -> Option<Bytes> {
        self.inner.recent.get(&address::Address::of(namespace, ObjectClass::Chunk, digest))
    }
}

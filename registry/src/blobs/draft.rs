//! Drafts: blobs that are hashed while their chunks arrive, so that their records need no reading back.
//!
//! Only chunks that hashed to their addresses are fed to one, so a draft is what reading them back would give. It is a
//! cache and nothing more: one that was evicted, or does not begin the record it is named with, makes the registry read.

use std::sync::Arc;

use holdfast_formats::blob::{BlobRecord, Extent};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::id::RandomId;
use holdfast_formats::name::Namespace;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use super::hashing::Hashers;
use super::parts::Part;
use crate::blocking::Blocking;

/// How many blobs are drafted at a time; each takes some kilobytes.
const DRAFTS_MAX: usize = 512;

/// A place in a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DraftPlace {
    /// Which draft; whoever uploads chooses.
    pub id: RandomId,
    /// Where in the blob.
    pub offset_bytes: u64,
}

/// The drafts of one process, newest first when they are too many.
pub(super) struct Drafts {
    open: Cache<(Namespace, RandomId), Arc<Mutex<Draft>>>,
}

impl std::fmt::Debug for Drafts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Drafts({})", self.open.len())
    }
}

/// The beginning of a blob.
pub(super) struct Draft {
    /// `None` when whoever fed it gave up in the middle.
    hashers: Option<Hashers>,
    size_bytes: u64,
    extents: usize,
    /// The extents so far: a blob may have a million.
    trail: blake3::Hasher,
}

impl Drafts {
    pub(super) fn new() -> Self {
        Self { open: Cache::new(DRAFTS_MAX) }
    }

    /// Feeds the content of a chunk that comes next. What comes at any other place is left out: it was fed already, or
    /// something before it was not.
    pub(super) async fn feed(
        &self,
        blocking: &Blocking,
        namespace: &Namespace,
        place: DraftPlace,
        chunk: &Blake3Digest,
        part: Part,
    ) {
        let key = (namespace.clone(), place.id);
        let found = self.open.get(&key);
        let draft = match found {
            Some(draft) => draft,
            None if place.offset_bytes == 0 => {
                let draft = Arc::new(Mutex::new(Draft::empty()));
                self.open.insert(key, Arc::clone(&draft));
                draft
            }
            None => return,
        };
        let mut draft = draft.lock().await;
        if draft.size_bytes != place.offset_bytes {
            return;
        }
        let Some(hashers) = draft.hashers.take() else { return };
        draft.note(chunk, part.bytes.len());
        draft.hashers = Some(hashers.feed(blocking, part).await);
    }

    /// Ends a draft: what it hashed of `record`, and how many bytes of it that is. Nothing when it does not begin it.
    pub(super) async fn end(
        &self,
        namespace: &Namespace,
        id: RandomId,
        record: &BlobRecord,
    ) -> Option<(Hashers, u64)> {
        let (_, draft) = self.open.remove(&(namespace.clone(), id))?;
        let mut draft = draft.lock().await;
        let begins = draft.begins(record);
        draft.hashers.take().filter(|_| begins).map(|hashers| (hashers, draft.size_bytes))
    }
}

impl Draft {
    fn empty() -> Self {
        Self { hashers: Some(Hashers::new()), size_bytes: 0, extents: 0, trail: blake3::Hasher::new() }
    }

    fn note(&mut self, chunk: &Blake3Digest, length: usize) {
        // A chunk that was taken in has at most 4 MiB.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.extents += 1;
        self.size_bytes += u64::from(length);
        mark(&mut self.trail, &Extent { chunk: *chunk, offset: 0, length });
    }

    fn begins(&self, record: &BlobRecord) -> bool {
        let Some(extents) = record.extents.get(..self.extents) else { return false };
        let mut trail = blake3::Hasher::new();
        for extent in extents {
            mark(&mut trail, extent);
        }
        trail.finalize() == self.trail.finalize()
    }
}

fn mark(trail: &mut blake3::Hasher, extent: &Extent) {
    trail.update(extent.chunk.as_bytes());
    trail.update(&extent.offset.to_be_bytes());
    trail.update(&extent.length.to_be_bytes());
}

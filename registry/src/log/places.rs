//! Where entries lie in their commits, and commits that are held open: what the system has of them in memory is read at
//! once, on any thread.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_formats::tree::LeafIndex;
use quick_cache::sync::Cache;

use super::entries::{EntriesError, Found};
use crate::index::{EntryPlace, View};
use crate::objects::{HeldObject, ObjectKey, Store, held_at_once};

/// Places are kept by so many entries.
const BLOCK: usize = 256;
/// How many blocks of 6 KiB are kept: a quarter of a million entries.
const CACHED_BLOCKS: usize = 1024;

/// What is known of places, and what is open.
pub(super) struct Places {
    blocks: Cache<u64, Arc<[EntryPlace]>>,
    commits: Cache<u64, Arc<HeldObject>>,
}

impl Places {
    pub(super) fn new() -> Self {
        Self { blocks: Cache::new(CACHED_BLOCKS), commits: Cache::new(held_at_once()) }
    }

    /// The bytes of an entry whose place is known, whose commit is open, and that the system has in memory.
    pub(super) fn at_hand(&self, index: LeafIndex) -> Option<Bytes> {
        let place = self.known(index)?;
        self.commits.get(&place.commit)?.read_at_hand(&place.range())
    }

    /// Looks for the bytes of an entry, on a thread that may block.
    pub(super) fn find(
        &self,
        view: &View<'_>,
        store: &Store,
        index: LeafIndex,
    ) -> Result<Found, EntriesError> {
        let place = self.place(view, index)?;
        match self.hold(store, place.commit) {
            Some(held) => Ok(Found::Bytes(held?.read(&place.range())?)),
            None => Ok(Found::Place(place)),
        }
    }

    fn known(&self, index: LeafIndex) -> Option<EntryPlace> {
        let (block, within) = split(index);
        self.blocks.get(&block)?.get(within).copied()
    }

    fn place(&self, view: &View<'_>, index: LeafIndex) -> Result<EntryPlace, EntriesError> {
        if let Some(place) = self.known(index) {
            return Ok(place);
        }
        let (block, within) = split(index);
        let first = LeafIndex::new(index.get() - within as u64).map_err(|_| EntriesError::NotFound(index))?;
        let places = view.places(first, BLOCK)?;
        let place = places.get(within).copied();
        // The last block still grows.
        if places.len() == BLOCK {
            self.blocks.insert(block, places.into());
        }
        place.ok_or(EntriesError::NotFound(index))
    }

    fn hold(&self, store: &Store, commit: u64) -> Option<Result<Arc<HeldObject>, EntriesError>> {
        if let Some(held) = self.commits.get(&commit) {
            return Some(Ok(held));
        }
        let held = match store.hold(&ObjectKey::commit(commit))? {
            Ok(held) => Arc::new(held),
            Err(error) => return Some(Err(error.into())),
        };
        self.commits.insert(commit, Arc::clone(&held));
        Some(Ok(held))
    }
}

/// The block of an entry, and its place in it.
fn split(index: LeafIndex) -> (u64, usize) {
    let width = BLOCK as u64;
    (
        index.get() / width,
        usize::try_from(index.get() % width).expect("a place in a block is below its width"),
    )
}

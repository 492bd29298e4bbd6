//! What this process knows about stored objects, and the locks under which it replaces them. Never a source of bytes that
//! are served.

use bytes::Bytes;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::tree::LeafIndex;
use quick_cache::sync::Cache;
use quick_cache::{UnitWeighter, Weighter};
use tokio::sync::{Mutex, MutexGuard};

use super::address::Address;
use super::memory::Budget;

/// What one remembered object costs, with the cache's own bookkeeping.
const STANDING_BYTES: u64 = 128;
const RECENT_BYTES_MAX: usize = 256 * 1024;
const RECENT_BYTES_TYPICAL: u64 = 16 * 1024;

/// How an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// This process wrote it, or read and hashed it.
    Good,
    /// This process wrote or verified the record, its chunks and its alias, and `seen` was the newest sweep when it began: a
    /// later one may have named chunks of it, and not the record.
    GoodRecord { sha256: Sha256Digest, size_bytes: u64, seen: LeafIndex },
    /// A committed entry refers to it.
    Referenced,
    /// It was bad or not there when it was last looked at, whatever refers to it.
    Doubted,
}

/// The newest things known, as many as the budget allows.
#[derive(Debug)]
pub(super) struct Known {
    standings: Cache<Address, (Standing, LeafIndex), UnitWeighter>,
}

impl Known {
    pub(super) fn within(budget: &Budget) -> Self {
        let entries = budget.cache_bytes / 8 * 3 / STANDING_BYTES;
        Self { standings: Cache::new(usize::try_from(entries).unwrap_or(usize::MAX).max(1)) }
    }

    /// How the object of this generation stands. What was said of another one says nothing of it.
    pub(super) fn standing(&self, address: &Address, g: LeafIndex) -> Option<Standing> {
        of_generation(self.standings.get(address)?, g)
    }

    pub(super) fn note(&self, address: Address, g: LeafIndex, standing: Standing) {
        self.standings.insert(address, (standing, g));
    }

    /// What was looked at says more than a reference, so it stays.
    pub(super) fn note_reference(&self, address: Address, g: LeafIndex) {
        let known = self.standings.peek(&address);
        if known.and_then(|known| of_generation(known, g)).is_none() {
            self.note(address, g, Standing::Referenced);
        }
    }

    /// Forgets everything that is not doubted.
    pub(super) fn keep_doubts(&self) {
        self.standings.retain(|_, (standing, _)| *standing == Standing::Doubted);
    }

    /// Whatever its generation.
    pub(super) fn doubt(&self, address: Address) {
        self.note(address, LeafIndex::FIRST, Standing::Doubted);
    }
}

fn of_generation((standing, of): (Standing, LeafIndex), g: LeafIndex) -> Option<Standing> {
    (of == g || standing == Standing::Doubted).then_some(standing)
}

/// Small chunks that just arrived: a tiny blob needs no reading back.
#[derive(Debug)]
pub(super) struct Recent {
    contents: Cache<Address, Bytes, ByLength>,
}

#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<Address, Bytes> for ByLength {
    fn weight(&self, _: &Address, content: &Bytes) -> u64 {
        STANDING_BYTES.saturating_add(u64::try_from(content.len()).unwrap_or(u64::MAX))
    }
}

impl Recent {
    pub(super) fn within(budget: &Budget) -> Self {
        let bytes = budget.cache_bytes / 3;
        let entries = usize::try_from(bytes / RECENT_BYTES_TYPICAL).unwrap_or(usize::MAX).max(1);
        Self { contents: Cache::with_weighter(entries, bytes, ByLength) }
    }

    /// Keeps a copy: the bytes may be a small part of a large network buffer.
    pub(super) fn note(&self, address: Address, content: &Bytes) {
        if content.len() <= RECENT_BYTES_MAX {
            self.contents.insert(address, Bytes::copy_from_slice(content));
        }
    }

    pub(super) fn get(&self, address: &Address) -> Option<Bytes> {
        self.contents.get(address)
    }

    pub(super) fn forget(&self, address: &Address) {
        self.contents.remove(address);
    }
}

/// One lock for each 256th part of all addresses. Whoever holds a record's may take a chunk's, never the reverse.
#[derive(Debug)]
pub(super) struct Locks {
    shards: Vec<Mutex<()>>,
}

impl Locks {
    pub(super) fn new() -> Self {
        Self { shards: (0..=u8::MAX).map(|_| Mutex::new(())).collect() }
    }

    pub(super) async fn lock(&self, address: &Address) -> MutexGuard<'_, ()> {
        self.shards.get(usize::from(address.shard())).expect("there is a shard for each byte").lock().await
    }
}

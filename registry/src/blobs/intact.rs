//! Stored objects that were unpacked and hashed before: the same bytes under the same address need not be unpacked again
//! to be served. They are read from the store and hashed as they lie there each time, which takes a tenth of it.
//!
//! What is remembered is said of bytes, never of what a store holds: it stays true whatever happens to the object.

use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;

use super::address::Address;
use super::memory::Budget;

/// What one remembered object costs, with the cache's own bookkeeping.
const SEAL_BYTES: u64 = 96;

/// The newest of them, as many as the budget allows.
#[derive(Debug)]
pub(super) struct Intact {
    seals: Cache<Seal, (), UnitWeighter>,
}

/// A digest of an address and all bytes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Seal([u8; 32]);

impl Seal {
    pub(super) fn of(address: &Address, object: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        // An address has one length, so no two pairs are the same bytes.
        hasher.update(address.as_bytes()).update(object);
        Self(*hasher.finalize().as_bytes())
    }
}

impl Intact {
    pub(super) fn within(budget: &Budget) -> Self {
        let entries = budget.cache_bytes / 8 / SEAL_BYTES;
        Self { seals: Cache::new(usize::try_from(entries).unwrap_or(usize::MAX).max(1)) }
    }

    /// Notes bytes whose content hashed to the address.
    pub(super) fn note(&self, seal: Seal) {
        self.seals.insert(seal, ());
    }

    /// Whether just these bytes were noted.
    pub(super) fn has(&self, seal: &Seal) -> bool {
        self.seals.get(seal).is_some()
    }
}

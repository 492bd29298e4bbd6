//! The memory budget: buffers are reserved before they are filled.
//!
//! | share of 64 | for |
//! |---|---|
//! | records 2 | blob records while they are checked |
//! | served records 3 | blob records while their blob is read |
//! | work 20 | unpacking and hashing: uploads, reading back, scrubs |
//! | serving 20 | bytes on their way to readers, until they are sent |
//! | index records 1 | records of catalogs while a page of their chunks is read |
//! | pages 1 | pages of chunks of catalogs while they are read |
//! | catalogs 3 | catalogs while they are checked, and a part of their chunks |
//! | entries 3 | entries of catalogs that are larger than most, one catalog at a time |
//! | trees 5 | what the scrub of a tree keeps of it, one at a time |
//! | caches 6 | small chunks that just arrived; what is known to be good and intact; pages of chunks of catalogs |
//!
//! A round of scrubbing remembers what it read in an eighth of the budget more, at most 32 MiB.
//!
//! Stalled readers can thus hold up other readers, but never an upload. Request bodies are held, and bounded, by whoever
//! receives them.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const UNIT_BYTES: usize = 4096;
const ROUND_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// The shares of the budget.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) records: Pool,
    pub(super) served_records: Pool,
    pub(super) work: Pool,
    pub(super) serving: Pool,
    pub(super) index_records: Pool,
    pub(super) pages: Pool,
    pub(super) catalogs: Pool,
    pub(super) entries: Pool,
    pub(super) trees: Pool,
    /// What is known to be good has three eighths of it, what is intact an eighth, the others a third and a sixth.
    pub(super) cache_bytes: u64,
    /// What a round of scrubbing remembers, as long as it lasts; beside the shares.
    pub(super) round_bytes: u64,
}

impl Budget {
    pub(super) fn of(bytes: u64) -> Self {
        let share = |of_64: u64| Pool::new(bytes / 64 * of_64);
        Self {
            records: share(2),
            served_records: share(3),
            work: share(20),
            serving: share(20),
            index_records: share(1),
            pages: share(1),
            catalogs: share(3),
            entries: share(3),
            trees: share(5),
            cache_bytes: bytes / 64 * 6,
            round_bytes: (bytes / 8).min(ROUND_BYTES_MAX),
        }
    }
}

/// One share. Waiters are served in order of arrival.
#[derive(Debug)]
pub(super) struct Pool {
    units: Arc<Semaphore>,
    units_max: u32,
}

impl Pool {
    fn new(bytes: u64) -> Self {
        let wanted = usize::try_from(bytes).unwrap_or(usize::MAX) / UNIT_BYTES;
        let units = wanted.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let units_max = u32::try_from(units).expect("it was clamped to what fits");
        Self { units: Arc::new(Semaphore::new(units)), units_max }
    }

    /// Waits until `bytes` are free. What is larger than the share waits for all of it and runs alone.
    pub(super) async fn reserve(&self, bytes: usize) -> Reservation {
        let units = units(bytes).min(self.units_max);
        let permit = Arc::clone(&self.units).acquire_many_owned(units).await;
        Reservation { permit: permit.expect("the semaphore is never closed") }
    }

    /// Sets `bytes` aside, or all of the share, when they are free just now.
    pub(super) fn try_reserve(&self, bytes: usize) -> Option<Reservation> {
        let units = units(bytes).min(self.units_max);
        let permit = Arc::clone(&self.units).try_acquire_many_owned(units).ok()?;
        Some(Reservation { permit })
    }

    /// How large the share is.
    pub(super) const fn bytes(&self) -> usize {
        self.units_max as usize * UNIT_BYTES
    }

    #[cfg(test)]
    pub(super) fn free_bytes(&self) -> usize {
        self.units.available_permits() * UNIT_BYTES
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

/// Memory that was set aside; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Reservation {
    permit: OwnedSemaphorePermit,
}

impl Reservation {
    /// Gives back what exceeds `bytes`.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let keep = usize::try_from(units(bytes)).unwrap_or(usize::MAX);
        let surplus = self.permit.num_permits().saturating_sub(keep);
        drop(self.permit.split(surplus));
    }

    /// Ties the reservation to the bytes it is for: it ends when their last clone is dropped.
    pub(super) fn guard(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Guarded { bytes, _reservation: self })
    }
}

struct Guarded {
    bytes: Bytes,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Guarded {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reserved_memory_comes_back_when_the_last_clone_of_its_bytes_is_gone() {
        let pool = Pool::new(64 * 1024);
        let mut reservation = pool.reserve(32 * 1024).await;
        assert_eq!(pool.free_bytes(), 32 * 1024);
        reservation.shrink_to(5000);
        assert_eq!(pool.free_bytes(), 56 * 1024);
        let bytes = reservation.guard(Bytes::from_static(b"content"));
        let clone = bytes.slice(1..);
        drop(bytes);
        assert_eq!(pool.free_bytes(), 56 * 1024);
        drop(clone);
        assert_eq!(pool.free_bytes(), 64 * 1024);
    }

    #[tokio::test]
    async fn what_exceeds_a_share_takes_all_of_it_instead_of_waiting_for_ever() {
        let pool = Pool::new(8192);
        let all = pool.reserve(usize::MAX).await;
        assert_eq!(pool.free_bytes(), 0);
        drop(all);
        assert_eq!(pool.free_bytes(), 8192);
    }
}

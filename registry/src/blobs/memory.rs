//! The memory budget: buffers are reserved before they are filled.
//!
//! | share | for |
//! |---|---|
//! | records 1/16 | blob records while they are checked |
//! | served records 1/16 | blob records while their blob is read |
//! | work 3/8 | unpacking and hashing: uploads, reading back, scrubs |
//! | serving 3/8 | bytes on their way to readers, until they are sent |
//! | caches 1/8 | small chunks that just arrived; what is known to be good |
//!
//! Stalled readers can thus hold up other readers, but never an upload. Request bodies are held, and bounded, by whoever
//! receives them.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const UNIT_BYTES: usize = 4096;

/// The shares of the budget.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) records: Pool,
    pub(super) served_records: Pool,
    pub(super) work: Pool,
    pub(super) serving: Pool,
    pub(super) cache_bytes: u64,
}

impl Budget {
    pub(super) fn of(bytes: u64) -> Self {
        Self {
            records: Pool::new(bytes / 16),
            served_records: Pool::new(bytes / 16),
            work: Pool::new(bytes / 8 * 3),
            serving: Pool::new(bytes / 8 * 3),
            cache_bytes: bytes / 8,
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

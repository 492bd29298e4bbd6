//! Whether this node's clock agrees with the store's own: a node whose clock is wrong would make log time wrong, for ever.
//!
//! The store is asked what time it is on a probe object. In between, its time is taken to pass as this process runs, which
//! costs nothing and notices at once when somebody sets the clock. A local directory is stamped by the same clock, so there it
//! says nothing.

use crate::clock::SharedClock;
use crate::objects::{ObjectError, Store};

/// How far the clocks may be apart.
const SKEW_MS_MAX: u64 = 60_000;
/// How long an answer of the store is believed: two steady clocks drift apart by far less meanwhile.
const BELIEVED_MS: u64 = 60 * 60 * 1000;

/// The store's clock as this node knows it.
#[derive(Debug)]
pub(super) struct StoreClock {
    store: Store,
    clock: SharedClock,
    looked: Option<Look>,
}

/// What the store said.
#[derive(Clone, Copy, Debug)]
struct Look {
    store_ms: u64,
    up_ms: u64,
}

/// This node's clock minus the store's, when that is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongClock {
    ahead_ms: i64,
}

impl std::fmt::Display for WrongClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.ahead_ms.unsigned_abs() / 1000;
        let word = if self.ahead_ms < 0 { "behind" } else { "ahead of" };
        write!(
            f,
            "this node's clock is {seconds} s {word} its store's: set it right; until then it answers reads and logs nothing"
        )
    }
}

impl StoreClock {
    pub(super) fn new(store: Store, clock: SharedClock) -> Self {
        Self { store, clock, looked: None }
    }

    /// What is wrong with this node's clock. Asks the store only when it seems wrong or nobody asked for an hour.
    pub(super) async fn check(&mut self) -> Result<Option<WrongClock>, ObjectError> {
        if !self.clock.claims_world_time() || self.seems_right() {
            return Ok(None);
        }
        let Some(skew_ms) = self.store.store_time_skew_ms().await? else { return Ok(None) };
        let (now_ms, up_ms) = (self.clock.now_ms(), self.clock.up_ms());
        self.looked = Some(Look { store_ms: now_ms.saturating_add_signed(skew_ms), up_ms });
        let is_wrong = skew_ms.unsigned_abs() > SKEW_MS_MAX;
        Ok(is_wrong.then_some(WrongClock { ahead_ms: skew_ms.saturating_neg() }))
    }

    fn seems_right(&self) -> bool {
        let Some(look) = self.looked else { return false };
        let passed_ms = self.clock.up_ms().saturating_sub(look.up_ms);
        let store_ms = look.store_ms.saturating_add(passed_ms);
        passed_ms < BELIEVED_MS && self.clock.now_ms().abs_diff(store_ms) <= SKEW_MS_MAX
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::Arc;

    use super::*;
    use crate::blocking::Blocking;
    use crate::clock::{Clock as _, ManualClock, SystemClock};
    use crate::config::StoreLocation;
    use crate::objects::Host;
    use crate::telemetry::Fatal;

    const TWO_MINUTES_MS: u64 = 120_000;

    async fn watched() -> (Arc<ManualClock>, StoreClock) {
        let clock = ManualClock::new(SystemClock.now_ms());
        clock.claim_world_time();
        let shared = Arc::clone(&clock) as SharedClock;
        let blocking = Blocking::new(NonZeroUsize::MIN);
        let host = Host { blocking, clock: Arc::clone(&shared), fatal: Fatal::process() };
        let store = Store::open(&StoreLocation::Memory, host).await.unwrap();
        (clock, StoreClock::new(store, shared))
    }

    #[tokio::test]
    async fn a_clock_that_somebody_sets_is_found_wrong_at_once_and_right_again() {
        let (clock, mut watched) = watched().await;
        assert_eq!(watched.check().await.unwrap(), None);
        let right = clock.now_ms();
        for (wrong, word) in [(right + TWO_MINUTES_MS, "ahead of"), (right - TWO_MINUTES_MS, "behind")] {
            clock.set(wrong);
            let said = watched.check().await.unwrap().unwrap().to_string();
            assert!(said.contains(word), "{said}");
            clock.set(right);
            assert_eq!(watched.check().await.unwrap(), None);
        }
        clock.jump(50_000);
        assert_eq!(watched.check().await.unwrap(), None, "less than a minute is nothing");
    }

    #[tokio::test]
    async fn the_store_is_asked_again_after_an_hour_and_otherwise_not() {
        let (clock, mut watched) = watched().await;
        watched.check().await.unwrap();
        let looked = |watched: &StoreClock| watched.looked.map(|look| look.up_ms);
        clock.advance(30_000);
        watched.check().await.unwrap();
        assert_eq!(looked(&watched), Some(0));
        clock.advance(BELIEVED_MS - 30_000);
        watched.check().await.unwrap();
        assert_eq!(looked(&watched), Some(BELIEVED_MS));
    }
}

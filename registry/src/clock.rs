//! What time it is. The only module that reads the wall clock; it never sleeps and decides nothing.
//!
//! Everything that needs the time takes a [`SharedClock`], so that tests and simulations set it.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A source of wall-clock time.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z, 0 when the clock is set before that.
    fn now_ms(&self) -> u64;

    /// Milliseconds of running since some moment of this process, however often the clock was set since.
    fn up_ms(&self) -> u64;

    /// Whether it claims to tell the time of the world, so that the clock of a store can prove it wrong.
    fn claims_world_time(&self) -> bool;
}

/// The clock that a node was given.
pub type SharedClock = Arc<dyn Clock>;

/// The operating system's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl SystemClock {
    /// The system clock, ready to be handed around.
    pub fn shared() -> SharedClock {
        Arc::new(Self)
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now_ms(&self) -> u64 {
        since_epoch_ms(SystemTime::now())
    }

    fn up_ms(&self) -> u64 {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn claims_world_time(&self) -> bool {
        true
    }
}

/// Milliseconds from 1970 to `time`, 0 when it lies before.
pub fn since_epoch_ms(time: SystemTime) -> u64 {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// A clock that stands still until a test moves it; clones of its `Arc` move together. It claims nothing about the world
/// until a test has it do so.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicU64,
    up_ms: AtomicU64,
    claims: AtomicBool,
}

impl ManualClock {
    /// A clock that shows `now_ms`.
    pub fn new(now_ms: u64) -> Arc<Self> {
        let (now_ms, up_ms) = (AtomicU64::new(now_ms), AtomicU64::new(0));
        Arc::new(Self { now_ms, up_ms, claims: AtomicBool::new(false) })
    }

    /// Sets the time, backwards too. Nobody has run any longer by that.
    pub fn set(&self, now_ms: u64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }

    /// From now on it claims to tell the time of the world.
    pub fn claim_world_time(&self) {
        self.claims.store(true, Ordering::SeqCst);
    }

    /// Lets `by_ms` pass.
    pub fn advance(&self, by_ms: u64) {
        self.up_ms.fetch_add(by_ms, Ordering::SeqCst);
        self.jump(by_ms);
    }

    /// Sets the time forward by `by_ms`, which did not pass.
    pub fn jump(&self, by_ms: u64) {
        self.now_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn up_ms(&self) -> u64 {
        self.up_ms.load(Ordering::SeqCst)
    }

    fn claims_world_time(&self) -> bool {
        self.claims.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_shows_what_it_was_set_to_and_moves_both_ways() {
        let clock = ManualClock::new(1_000);
        clock.advance(500);
        assert_eq!(clock.now_ms(), 1_500);
        clock.set(7);
        clock.jump(1);
        assert_eq!((clock.now_ms(), clock.up_ms()), (8, 500));
    }

    #[test]
    fn system_clock_is_past_the_day_this_was_written() {
        assert!(SystemClock.now_ms() > 1_700_000_000_000);
    }
}

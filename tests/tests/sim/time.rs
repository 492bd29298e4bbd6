//! Time in a simulation: one true time, which is the runtime's paused clock and the leaps that a plan makes, and the clocks of
//! nodes, which may be wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use holdfast_formats::time::Timestamp;
use holdfast_registry::clock::Clock;
use tokio::time::Instant;

/// 2026-11-01T00:00:00Z: when every simulation begins.
const BEGIN_MS: u64 = 1_793_491_200_000;
/// One hour.
pub(crate) const HOUR_MS: u64 = 3_600_000;
/// One day.
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

/// What time it truly is.
#[derive(Debug)]
pub(crate) struct TrueTime {
    began: Instant,
    leapt_ms: AtomicU64,
}

impl TrueTime {
    /// The beginning of time.
    pub(crate) fn begin() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), leapt_ms: AtomicU64::new(0) })
    }

    /// Now, in ms since 1970.
    pub(crate) fn now_ms(&self) -> u64 {
        BEGIN_MS + self.passed_ms()
    }

    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms())
    }

    /// So much later, in which nobody did anything.
    pub(crate) fn leap(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.leapt_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// How long it is since the beginning.
    fn passed_ms(&self) -> u64 {
        let run_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        run_ms + self.leapt_ms.load(Ordering::SeqCst)
    }
}

/// The clock of one node.
#[derive(Debug)]
pub(crate) struct NodeClock {
    time: Arc<TrueTime>,
    ahead_ms: AtomicI64,
    compared: bool,
}

impl NodeClock {
    /// A clock that is so much ahead of the true time, which the store's clock can prove wrong or, as on a local disk, not.
    pub(crate) fn ahead(time: &Arc<TrueTime>, by_ms: i64, compared: bool) -> Arc<Self> {
        Arc::new(Self { time: Arc::clone(time), ahead_ms: AtomicI64::new(by_ms), compared })
    }

    /// Sets how much it is ahead.
    pub(crate) fn set_ahead(&self, by_ms: i64) {
        self.ahead_ms.store(by_ms, Ordering::SeqCst);
    }
}

impl Clock for NodeClock {
    fn now_ms(&self) -> u64 {
        self.time.now_ms().saturating_add_signed(self.ahead_ms.load(Ordering::SeqCst))
    }

    /// Nobody sets this one.
    fn up_ms(&self) -> u64 {
        self.time.passed_ms()
    }

    fn claims_world_time(&self) -> bool {
        self.compared
    }
}

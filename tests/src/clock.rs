//! One clock for the registry and for everybody who talks to it.

use std::sync::Arc;
use std::time::Duration;

use holdfast_client::Clock as ClientClock;
use holdfast_formats::time::Timestamp;
use holdfast_registry::clock::{Clock as _, ManualClock, SharedClock, SystemClock};

/// A clock that starts at the machine's time and then stands still until a test moves it.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<ManualClock>);

impl TestClock {
    /// A clock that shows what the machine's clock shows now.
    pub fn at_present() -> Self {
        Self(ManualClock::new(SystemClock.now_ms()))
    }

    /// A clock that shows this moment.
    pub fn at(moment: Timestamp) -> Self {
        Self(ManualClock::new(moment.as_ms()))
    }

    /// The moment it shows.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_ms(self.0.now_ms())
    }

    /// From now on a store whose own clock says otherwise proves it wrong.
    pub fn claim_world_time(&self) {
        self.0.claim_world_time();
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        self.0.advance(u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
    }

    /// Sets it forward without any time passing.
    pub fn jump(&self, by: Duration) {
        self.0.jump(u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
    }

    /// Moves it back.
    pub fn set_back(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.set(self.0.now_ms().saturating_sub(by_ms));
    }

    /// The same clock as a registry takes it.
    pub fn of_registry(&self) -> SharedClock {
        Arc::clone(&self.0) as SharedClock
    }
}

impl ClientClock for TestClock {
    fn now(&self) -> Timestamp {
        self.timestamp()
    }
}

//! What is measured of scrubs.

use holdfast_formats::time::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// How reading back what is stored does.
#[derive(Debug)]
pub struct ScrubMetrics {
    bytes: Counter,
    bad: Counter,
    unsound: Gauge,
    full_time_seconds: Gauge,
}

impl ScrubMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            bytes: Counter::default(),
            bad: Counter::default(),
            unsound: Gauge::default(),
            full_time_seconds: Gauge::default(),
        };
        registry.register("bytes", "Bytes that were read back and hashed", metrics.bytes.clone());
        registry.register(
            "bad_objects",
            "Stored objects that were found bad or missing",
            metrics.bad.clone(),
        );
        let unsound = metrics.unsound.clone();
        registry.register("unsound_artifacts", "Artifacts that were bad when they were last read", unsound);
        let full = metrics.full_time_seconds.clone();
        registry.register(
            "full_time_seconds",
            "Every artifact was read back since, in Unix time; 0 for never",
            full,
        );
        metrics
    }

    /// Counts what was read, and the objects in it that were bad.
    pub fn read(&self, bytes: u64, bad: usize) {
        self.bytes.inc_by(bytes);
        self.bad.inc_by(bad as u64);
    }

    /// Notes how many artifacts are bad, and since when every one was read back.
    pub fn stand(&self, unsound: u64, full: Option<Timestamp>) {
        self.unsound.set(i64::try_from(unsound).unwrap_or(i64::MAX));
        let seconds = full.map_or(0, |time| time.as_ms() / 1000);
        self.full_time_seconds.set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }
}

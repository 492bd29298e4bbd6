//! What is measured of sweeps.

use holdfast_formats::time::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// How the sweeps of this node do.
#[derive(Debug, Default)]
pub struct SweepMetrics {
    runs: Counter,
    failures: Counter,
    time: Gauge,
    objects: Counter,
    bytes: Counter,
    stored_bytes: Gauge,
    reclaimable_bytes: Gauge,
}

impl SweepMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("runs", "Sweeps that came to their end", metrics.runs.clone());
        registry.register("failures", "Sweeps that were cut short", metrics.failures.clone());
        let time = metrics.time.clone();
        registry.register("time_seconds", "When the last sweep came to its end, in Unix time", time);
        registry.register("objects", "Objects that sweeps deleted", metrics.objects.clone());
        registry.register("bytes", "Bytes that sweeps deleted", metrics.bytes.clone());
        let stored = metrics.stored_bytes.clone();
        registry.register("stored_bytes", "Bytes of content before the last sweep", stored);
        let reclaimable = metrics.reclaimable_bytes.clone();
        registry.register(
            "reclaimable_bytes",
            "Bytes that nothing referred to and that were too young",
            reclaimable,
        );
        metrics
    }

    /// Notes a sweep that came to its end.
    pub fn done(&self, time: Timestamp, objects: u64, bytes: u64) {
        self.runs.inc();
        self.objects.inc_by(objects);
        self.bytes.inc_by(bytes);
        self.time.set(i64::try_from(time.as_ms() / 1000).unwrap_or(i64::MAX));
    }

    /// Notes what it found.
    pub fn found(&self, stored_bytes: u64, reclaimable_bytes: u64) {
        self.stored_bytes.set(i64::try_from(stored_bytes).unwrap_or(i64::MAX));
        self.reclaimable_bytes.set(i64::try_from(reclaimable_bytes).unwrap_or(i64::MAX));
    }

    /// Counts a sweep that was cut short.
    pub fn failed(&self) {
        self.failures.inc();
    }
}

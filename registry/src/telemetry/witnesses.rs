//! What is measured of witnesses. The names of series are the configured ones, so nobody makes series from outside.

use holdfast_formats::note::KeyName;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::TreeSize;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    witness: String,
}

/// How the registry does with its witnesses.
#[derive(Debug)]
pub struct WitnessMetrics {
    size: Family<Labels, Gauge>,
    time: Family<Labels, Gauge>,
    failures: Family<Labels, Counter>,
    conflicts: Family<Labels, Counter>,
}

impl WitnessMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            size: Family::default(),
            time: Family::default(),
            failures: Family::default(),
            conflicts: Family::default(),
        };
        registry.register(
            "cosigned_size",
            "The largest tree that the witness cosigned",
            metrics.size.clone(),
        );
        let time = metrics.time.clone();
        registry.register("cosigned_time_seconds", "When the witness cosigned last, in Unix time", time);
        registry.register("failures", "Requests that brought no cosignature", metrics.failures.clone());
        let conflicts = metrics.conflicts.clone();
        registry.register("conflicts", "Signs that the witness knows another log under this name", conflicts);
        metrics
    }

    /// Notes a cosignature.
    pub fn cosigned(&self, name: &KeyName, size: TreeSize, time: Timestamp) {
        let labels = labels(name);
        self.size.get_or_create(&labels).set(i64::try_from(size.get()).unwrap_or(i64::MAX));
        self.time.get_or_create(&labels).set(i64::try_from(time.as_ms() / 1000).unwrap_or(i64::MAX));
    }

    /// Counts a failure.
    pub fn failed(&self, name: &KeyName) {
        self.failures.get_or_create(&labels(name)).inc();
    }

    /// Counts a conflict: somebody must look.
    pub fn conflicted(&self, name: &KeyName) {
        self.conflicts.get_or_create(&labels(name)).inc();
    }
}

fn labels(name: &KeyName) -> Labels {
    Labels { witness: name.to_string() }
}

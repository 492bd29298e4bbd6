//! What is measured of schedules and objectives: sums over all channels.

use holdfast_formats::wire::v1::{ChannelSchedules, DueState, ObjectiveState};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What may be overdue, and what may be unmet.
const DUE: [&str; 2] = ["snapshot", "drill"];
const OBJECTIVES: [&str; 3] = ["rpo", "rto", "rollback_window"];

/// How many things are not as they should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScheduleCounts {
    overdue: [u64; DUE.len()],
    unmet: [u64; OBJECTIVES.len()],
    unknown: [u64; OBJECTIVES.len()],
}

impl ScheduleCounts {
    /// Counts one channel.
    pub fn add(&mut self, shown: &ChannelSchedules) {
        for due in shown.due.iter().filter(|due| due.state == DueState::Overdue) {
            let what = if due.name.as_str() == "drill" { "drill" } else { "snapshot" };
            count(&DUE, &mut self.overdue, what);
        }
        for objective in &shown.objectives {
            let counts = match objective.state {
                ObjectiveState::Met => continue,
                ObjectiveState::Unmet => &mut self.unmet,
                ObjectiveState::Unknown => &mut self.unknown,
            };
            count(&OBJECTIVES, counts, objective.what.as_str());
        }
    }
}

fn count(kinds: &[&str], counts: &mut [u64], what: &str) {
    for (_, count) in kinds.iter().zip(counts).filter(|(kind, _)| **kind == what) {
        *count += 1;
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct What {
    what: &'static str,
}

/// What is overdue or not reached in any channel.
#[derive(Debug, Default)]
pub struct ScheduleMetrics {
    overdue: Family<What, Gauge>,
    unmet: Family<What, Gauge>,
    unknown: Family<What, Gauge>,
}

impl ScheduleMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let overdue = metrics.overdue.clone();
        registry.register(
            "overdue",
            "Scheduled snapshots and drills that are late or never happened",
            overdue,
        );
        let unmet = metrics.unmet.clone();
        registry.register("objective_unmet", "Objectives of channels that are not reached", unmet);
        let unknown = metrics.unknown.clone();
        registry.register("objective_unknown", "Objectives of channels that nothing has measured", unknown);
        metrics
    }

    /// Notes how all channels stand.
    pub fn stand(&self, counts: &ScheduleCounts) {
        set(&self.overdue, &DUE, &counts.overdue);
        set(&self.unmet, &OBJECTIVES, &counts.unmet);
        set(&self.unknown, &OBJECTIVES, &counts.unknown);
    }
}

fn set(family: &Family<What, Gauge>, kinds: &[&'static str], counts: &[u64]) {
    for (what, count) in kinds.iter().copied().zip(counts) {
        family.get_or_create(&What { what }).set(i64::try_from(*count).unwrap_or(i64::MAX));
    }
}

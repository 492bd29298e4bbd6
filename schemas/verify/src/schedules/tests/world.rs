//! What the tests of schedules log, and what they ask.

use holdfast_formats::manifest::{
    Body, Consistency, DataAsOf, Manifest, Objectives, SnapshotBody, SnapshotSource,
};
use holdfast_formats::number::Seconds;
use holdfast_formats::policy::{ChannelRule, Policy, Schedule};
use holdfast_formats::statement::{Achieved, Artifact, Rollback, RollbackPhase, RollbackTimes, Trigger};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ChannelSchedules, DueState, ObjectiveKind, ObjectiveState};

use super::super::Schedules;
use crate::known_good::tests::world::{PROD, World, ana, of, policy};

pub(super) const HOUR: u64 = 3600;
pub(super) const DAY: u64 = 24 * HOUR;
pub(super) const DB: &str = "shop/db";

pub(super) fn s(seconds: u64) -> Seconds {
    Seconds::new(seconds).unwrap()
}

pub(super) fn every(name: &str, seconds: u64) -> Schedule {
    Schedule { name: of(name), every_s: s(seconds) }
}

pub(super) fn goals(rpo: Option<u64>, rto: Option<u64>, window: Option<u64>) -> Objectives {
    Objectives { rpo_s: rpo.map(s), rto_s: rto.map(s), rollback_window_s: window.map(s) }
}

/// Daily snapshots, a drill a month, an hour of data lost and an hour until all is back.
pub(super) fn strict(rule: &mut ChannelRule) {
    rule.schedules = Some(vec![every(DB, DAY), every("drill", 30 * DAY)]);
    rule.objectives = Some(goals(Some(2 * DAY), Some(HOUR), None));
}

pub(super) fn world(change: impl FnOnce(&mut ChannelRule)) -> World {
    let mut policy: Policy = policy();
    change(&mut policy.channels[0]);
    World::with(policy)
}

impl World {
    /// A snapshot whose data is so old, read back as good.
    pub(super) fn snapshot(&mut self, reference: &str, age_s: u64) -> Artifact {
        self.snapshot_of(reference, Timestamp::from_ms(self.now.as_ms() - age_s * 1000))
    }

    /// A snapshot that has what was written until then, as it says.
    pub(super) fn snapshot_of(&mut self, reference: &str, until: Timestamp) -> Artifact {
        let source =
            SnapshotSource { system_id: of("db"), engine: of("files"), version: of("1"), dataset: of("all") };
        let body = SnapshotBody {
            source,
            data_as_of: DataAsOf { not_before: until, not_after: until.plus_ms(1000), position: None },
            consistency: Consistency::Crash,
            schema_state: None,
            parent: None,
            derived_from: None,
            tool: of("by hand"),
            catalog: None,
        };
        self.manifest(reference, Body::Snapshot(Box::new(body)), |_: &mut Manifest| ())
    }

    /// The end of a drill or rollback away from an artifact.
    pub(super) fn rollback(
        &mut self,
        id: &str,
        drill: bool,
        phase: RollbackPhase,
        from: &Artifact,
        rto: Option<u64>,
    ) -> LeafIndex {
        let times = RollbackTimes {
            detected: None,
            decided: None,
            started: None,
            restored: None,
            verified: None,
            ended: None,
        };
        let trigger = Trigger {
            signal: of("a drill"),
            source: of("a test"),
            threshold: None,
            observed: None,
            rule: None,
        };
        let rollback = Rollback {
            rollback_id: of(id),
            drill,
            phase,
            channel: of(PROD),
            from: from.clone(),
            to: None,
            plan_digest: None,
            trigger,
            calendar_window: None,
            owner: of("ana"),
            lead: None,
            approvals: None,
            scope: None,
            irreversible_accepted: None,
            safety_snapshot: None,
            steps: None,
            times,
            downtime_s: None,
            achieved: rto.map(|rto| Achieved { rpo_s: s(0), rto_s: s(rto) }),
            inconsistencies: None,
            checks: None,
            reason: of("monthly"),
            cause: None,
            near_miss: None,
            actions: None,
        };
        self.say(rollback, &[&ana()])
    }

    pub(super) fn shown(&self) -> ChannelSchedules {
        let in_force = self.newest_policy();
        let schedules = Schedules { facts: &self.ledger, in_force: &in_force, now: self.now };
        schedules.of(&of(PROD)).unwrap().unwrap()
    }

    pub(super) fn objective(&self, what: ObjectiveKind) -> (ObjectiveState, Option<u64>) {
        let shown = self.shown();
        let found = shown.objectives.iter().find(|objective| objective.what == what).unwrap();
        (found.state, found.measured_s.map(Seconds::get))
    }

    pub(super) fn due(&self, name: &str) -> (DueState, Option<u64>) {
        let shown = self.shown();
        let found = shown.due.iter().find(|due| due.name.as_str() == name).unwrap();
        (found.state, found.late_s.map(Seconds::get))
    }
}

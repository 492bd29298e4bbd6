//! What should be reached, and what is: the age of data, the time that going back took, the rollback window.

use std::collections::BTreeSet;

use holdfast_formats::manifest::Kind;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::Seconds;
use holdfast_formats::policy::ChannelRule;
use holdfast_formats::statement::RollbackPhase;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ObjectiveKind, ObjectiveState, ObjectiveView};

use super::goals::goals;
use super::{Schedules, Subject, subject};
use crate::facts::FactsError;
use crate::known_good::ChosenLine;

/// Of so many newest snapshots of a name that with the newest data counts: an older state may be imported later.
const COMPARED: usize = 16;

/// What was found of one objective.
#[derive(Default)]
struct Measured {
    seconds: Option<Seconds>,
    entry: Option<LeafIndex>,
    name: Option<ArtifactName>,
    failed: Option<LeafIndex>,
}

impl Schedules<'_> {
    /// Every objective of a channel whose lines answer this.
    pub(super) fn objectives(
        &self,
        channel: &ChannelName,
        rule: &ChannelRule,
        answered: &[&ChosenLine],
    ) -> Result<Vec<ObjectiveView>, FactsError> {
        let releases = answered.iter().filter_map(|line| line.artifact.recovery.objectives.as_ref());
        let mut shown = Vec::new();
        for (what, goal_s) in goals(rule, &releases) {
            let measured = match what {
                ObjectiveKind::Rpo => self.data_age(channel, rule, answered)?,
                ObjectiveKind::Rto => self.time_back(channel)?,
                ObjectiveKind::RollbackWindow => {
                    Measured { seconds: Some(rule.rollback_window_s), ..Measured::default() }
                }
            };
            let Measured { seconds, entry, name, failed } = measured;
            let state = standing(what, goal_s, seconds);
            shown.push(ObjectiveView { what, goal_s, state, measured_s: seconds, entry, name, failed });
        }
        Ok(shown)
    }

    /// How old the newest good data are; where there are several lines of snapshots, of the worst of them.
    fn data_age(
        &self,
        channel: &ChannelName,
        rule: &ChannelRule,
        answered: &[&ChosenLine],
    ) -> Result<Measured, FactsError> {
        let mut worst: Option<(Timestamp, LeafIndex, ArtifactName)> = None;
        for name in snapshot_names(rule, answered) {
            let good = self.good_snapshots(channel, &name, COMPARED)?;
            let dated = good.iter().filter_map(|fact| Some((fact.recovery.data_until?, fact.index)));
            let Some((until, index)) = dated.max() else {
                return Ok(Measured { name: Some(name), ..Measured::default() });
            };
            if worst.as_ref().is_none_or(|(oldest, ..)| until < *oldest) {
                worst = Some((until, index, name));
            }
        }
        let Some((until, index, name)) = worst else { return Ok(Measured::default()) };
        let age = Seconds::new(self.now.ms_since(until).div_ceil(1000)).ok();
        Ok(Measured { seconds: age, entry: Some(index), name: Some(name), failed: None })
    }

    /// How long going back took when it was done last, as a drill or in earnest.
    fn time_back(&self, channel: &ChannelName) -> Result<Measured, FactsError> {
        let drill = self.facts.newest_in_phase(channel, true, RollbackPhase::Succeeded)?;
        let real = self.facts.newest_in_phase(channel, false, RollbackPhase::Succeeded)?;
        let newest = drill.into_iter().chain(real).max_by_key(|fact| fact.index);
        let failed = self.failed_drill(channel, newest.as_ref())?;
        let (seconds, entry) = newest.map_or((None, None), |fact| (fact.took, Some(fact.index)));
        Ok(Measured { seconds, entry, name: None, failed })
    }
}

/// The snapshots that a channel lives by: those that are scheduled, known-good by themselves, or part of what is.
fn snapshot_names(rule: &ChannelRule, answered: &[&ChosenLine]) -> BTreeSet<ArtifactName> {
    let scheduled = rule.schedules.iter().flatten().filter_map(|schedule| match subject(schedule) {
        Some(Subject::Snapshot(name)) => Some(name),
        Some(Subject::Drill) | None => None,
    });
    let parts = answered.iter().flat_map(|line| std::iter::once(&line.artifact).chain(&line.components));
    let known_good = parts.filter(|fact| fact.kind == Kind::Snapshot);
    scheduled.chain(known_good.map(|fact| fact.artifact.r#ref.name().clone())).collect()
}

/// How it stands with an objective of which so much is reached.
pub(super) fn standing(what: ObjectiveKind, goal: Seconds, measured: Option<Seconds>) -> ObjectiveState {
    let Some(measured) = measured else { return ObjectiveState::Unknown };
    let is_met = match what {
        ObjectiveKind::Rpo | ObjectiveKind::Rto => measured <= goal,
        ObjectiveKind::RollbackWindow => measured >= goal,
    };
    if is_met { ObjectiveState::Met } else { ObjectiveState::Unmet }
}

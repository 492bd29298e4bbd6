//! What must happen regularly: when it did last, and whether that is too long ago.

use holdfast_formats::name::ChannelName;
use holdfast_formats::number::Seconds;
use holdfast_formats::policy::Schedule;
use holdfast_formats::statement::RollbackPhase;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{DueState, DueView};

use super::{Schedules, Subject, subject};
use crate::facts::{FactsError, RollbackFact};

impl Schedules<'_> {
    /// One thing that must happen regularly in a channel.
    pub(super) fn due(
        &self,
        channel: &ChannelName,
        schedule: &Schedule,
    ) -> Result<Option<DueView>, FactsError> {
        let (last, failed) = match subject(schedule) {
            Some(Subject::Snapshot(name)) => {
                let newest = self.good_snapshots(channel, &name, 1)?.pop();
                (newest.map(|fact| (fact.index, fact.time)), None)
            }
            Some(Subject::Drill) => {
                let succeeded = self.facts.newest_in_phase(channel, true, RollbackPhase::Succeeded)?;
                let failed = self.failed_drill(channel, succeeded.as_ref())?;
                (succeeded.map(|fact| (fact.index, fact.time)), failed)
            }
            None => return Ok(None),
        };
        let (state, late_s) = standing(schedule.every_s, last.map(|(_, time)| time), self.now);
        Ok(Some(DueView {
            name: schedule.name.clone(),
            every_s: schedule.every_s,
            state,
            last: last.map(|(_, time)| time),
            entry: last.map(|(index, _)| index),
            late_s,
            failed,
        }))
    }

    /// The newest drill of a channel that failed, unless something worked since.
    pub(super) fn failed_drill(
        &self,
        channel: &ChannelName,
        worked: Option<&RollbackFact>,
    ) -> Result<Option<LeafIndex>, FactsError> {
        let failed = self.facts.newest_in_phase(channel, true, RollbackPhase::Failed)?;
        Ok(failed.map(|fact| fact.index).filter(|failed| worked.is_none_or(|worked| worked.index < *failed)))
    }
}

/// How something stands that happened last then, and how long it is overdue. What never happened is overdue.
pub(super) fn standing(
    every: Seconds,
    last: Option<Timestamp>,
    now: Timestamp,
) -> (DueState, Option<Seconds>) {
    let Some(last) = last else { return (DueState::Overdue, None) };
    let until = last.plus_ms(every.as_ms());
    if now <= until {
        return (DueState::Kept, None);
    }
    (DueState::Overdue, Seconds::new(now.ms_since(until) / 1000).ok())
}

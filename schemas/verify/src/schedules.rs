//! How a channel stands with what its policy wants to happen regularly, and with what it should reach: asked by the registry
//! for status, metrics and known-good, and by auditors.
//!
//! Everything follows from earlier entries and from the time of the question. Schedules go by when something was logged,
//! RPO by how old its data are. A channel exists once something was pinned or deployed there, or when a rule names exactly
//! it; what never happened in a channel that exists is overdue from the first moment on.

mod due;
mod goals;
mod objectives;
mod shown;
mod snapshots;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::policy::{ChannelRule, Schedule};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{ChannelSchedules, DueState, KnownGoodQuery, ObjectiveState};

pub(crate) use shown::{Expected, check};
pub use shown::{hide, scheduled_names};
pub use words::{concerns, warnings};

use crate::facts::{Facts, FactsError, PolicyFact};
use crate::known_good::{ChooseError, ChosenLine, choose};

/// What a schedule calls drills.
const DRILL: &str = "drill";

/// What a schedule is about; `None` for what is neither, which no policy has.
pub(crate) enum Subject {
    /// Snapshots of a name.
    Snapshot(ArtifactName),
    /// Drills of the channel.
    Drill,
}

/// What a schedule is about; `None` for a name that is neither an artifact's nor `drill`.
pub(crate) fn subject(schedule: &Schedule) -> Option<Subject> {
    if schedule.name.as_str() == DRILL {
        return Some(Subject::Drill);
    }
    schedule.name.as_str().parse().ok().map(Subject::Snapshot)
}

/// The state of the log in which channels are asked about.
#[derive(Clone, Copy)]
pub struct Schedules<'a> {
    /// What was logged.
    pub facts: &'a dyn Facts,
    /// The policy in force.
    pub in_force: &'a PolicyFact,
    /// The time of the question: that by which lookups judge expiry.
    pub now: Timestamp,
}

impl Schedules<'_> {
    /// How a channel stands; `None` where no rule covers it.
    ///
    /// The cost is that of a lookup, and some questions for each schedule; it does not grow with the log.
    pub fn of(&self, channel: &ChannelName) -> Result<Option<ChannelSchedules>, FactsError> {
        let Some(rule) = self.in_force.policy.channel(channel) else { return Ok(None) };
        let lines = self.lines(channel, rule)?;
        self.with(channel, &lines.iter().collect::<Vec<_>>())
    }

    /// The same where it is known what the lines of the channel answer.
    pub fn with(
        &self,
        channel: &ChannelName,
        answered: &[&ChosenLine],
    ) -> Result<Option<ChannelSchedules>, FactsError> {
        let Some(rule) = self.in_force.policy.channel(channel) else { return Ok(None) };
        let mut due = Vec::new();
        for schedule in rule.schedules.iter().flatten() {
            due.extend(self.due(channel, schedule)?);
        }
        let objectives = self.objectives(channel, rule, answered)?;
        let (channel, size, time) = (channel.clone(), self.facts.size()?, self.now);
        Ok(Some(ChannelSchedules { channel, size, time, due, objectives }))
    }

    /// The channels behind one that exist under this policy, sorted; at most `limit`.
    pub fn channels(
        &self,
        after: Option<&ChannelName>,
        limit: usize,
    ) -> Result<Vec<ChannelName>, FactsError> {
        let named =
            self.in_force.policy.channels.iter().filter_map(|rule| rule.pattern.as_str().parse().ok());
        let mut channels: BTreeSet<ChannelName> =
            named.filter(|channel| after.is_none_or(|after| channel > after)).collect();
        channels.extend(self.facts.channels_used(after, limit)?);
        Ok(channels.into_iter().take(limit).collect())
    }

    /// What each line of a channel answers; those are left out that answer nothing.
    fn lines(&self, channel: &ChannelName, rule: &ChannelRule) -> Result<Vec<ChosenLine>, FactsError> {
        let names = match (&rule.follows, &rule.members) {
            (Some(line), _) => vec![line.clone()],
            (None, Some(members)) => members.clone(),
            (None, None) => self.facts.lines(channel)?,
        };
        let mut lines = Vec::new();
        for name in names {
            match choose(self.facts, channel, &question(name), self.now) {
                Ok(choice) => lines.extend(choice.lines),
                Err(ChooseError::Facts(error)) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(lines)
    }
}

fn question(line: ArtifactName) -> KnownGoodQuery {
    KnownGoodQuery { component: Some(line), ..KnownGoodQuery::EVERYTHING }
}

/// Whether nothing is overdue and every objective is known to be met, as far as it is shown.
pub fn is_as_it_should_be(shown: &ChannelSchedules) -> bool {
    shown.due.iter().all(|due| due.state != DueState::Overdue)
        && shown.objectives.iter().all(|objective| objective.state == ObjectiveState::Met)
}

//! What is shown of a channel's schedules: what a reader may not know is left out, and what a client can check is checked.
//!
//! A client knows the policy and the releases that were answered, so nothing that should happen or be reached can be left
//! out or softened. When it happened last is the registry's word; an audit compares it with the log.

use std::collections::BTreeSet;

use holdfast_formats::manifest::Objectives;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::policy::{ChannelRule, Policy};
use holdfast_formats::text::Reason;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::TreeSize;
use holdfast_formats::wire::v1::{
    ChannelSchedules, DueState, DueView, ObjectiveKind, ObjectiveState, ObjectiveView,
};

use super::goals::goals;
use super::{Subject, due, objectives, subject, warnings};

/// The artifacts that the schedules of a channel name.
pub fn scheduled_names(policy: &Policy, shown: &ChannelSchedules) -> BTreeSet<ArtifactName> {
    policy.channel(&shown.channel).map(names).unwrap_or_default()
}

fn names(rule: &ChannelRule) -> BTreeSet<ArtifactName> {
    let subjects = rule.schedules.iter().flatten().filter_map(subject);
    let name = |subject| match subject {
        Subject::Snapshot(name) => Some(name),
        Subject::Drill => None,
    };
    subjects.filter_map(name).collect()
}

/// Leaves out what follows from artifacts that a reader may not read.
pub fn hide(shown: &mut ChannelSchedules, may_read: &dyn Fn(&ArtifactName) -> bool) {
    let mut is_hidden = false;
    for due in &mut shown.due {
        if due.name.as_str().parse().is_ok_and(|name| !may_read(&name)) {
            is_hidden = true;
            *due = DueView {
                state: DueState::Hidden,
                last: None,
                entry: None,
                late_s: None,
                failed: None,
                ..due.clone()
            };
        }
    }
    for objective in shown.objectives.iter_mut().filter(|objective| objective.what == ObjectiveKind::Rpo) {
        if is_hidden || objective.name.as_ref().is_some_and(|name| !may_read(name)) {
            let state = ObjectiveState::Unknown;
            *objective =
                ObjectiveView { state, measured_s: None, entry: None, name: None, ..objective.clone() };
        }
    }
}

/// What a client knows of a channel that it was told about.
pub(crate) struct Expected<'a> {
    /// The channel.
    pub(crate) channel: &'a ChannelName,
    /// Its rule.
    pub(crate) rule: &'a ChannelRule,
    /// The size of the log.
    pub(crate) size: TreeSize,
    /// The time of the answer.
    pub(crate) time: Timestamp,
    /// What the releases that were answered say of going back.
    pub(crate) releases: Vec<&'a Objectives>,
}

/// The warnings that follow from what is shown; an error when it cannot be true.
pub(crate) fn check(
    shown: Option<&ChannelSchedules>,
    expected: &Expected<'_>,
) -> Result<Vec<Reason>, &'static str> {
    let rule = expected.rule;
    let mut schedules = rule.schedules.iter().flatten().filter(|schedule| subject(schedule).is_some());
    let wanted = goals(rule, &expected.releases.iter().copied());
    let Some(shown) = shown else {
        let is_asked = !wanted.is_empty() || schedules.next().is_some();
        let unsaid =
            "the registry does not say whether what is due was done, nor what is reached of the objectives";
        let unsaid = unsaid.parse().expect("it is short and has no NUL");
        return Ok(if is_asked { vec![unsaid] } else { Vec::new() });
    };
    if (&shown.channel, shown.size, shown.time) != (expected.channel, expected.size, expected.time) {
        return Err("it is about another channel or another state");
    }
    let told = shown.due.iter().map(|due| (&due.name, due.every_s));
    if !told.eq(schedules.map(|schedule| (&schedule.name, schedule.every_s))) {
        return Err("its schedules are not those of the policy");
    }
    let told = shown.objectives.iter().map(|objective| (objective.what, objective.goal_s));
    if !told.eq(wanted) {
        return Err("its objectives are not those of the policy and of what is known-good");
    }
    if !shown.due.iter().all(|due| is_possible(due, shown)) {
        return Err("what it says of a schedule contradicts itself");
    }
    if !shown.objectives.iter().all(|objective| is_consistent(objective, rule)) {
        return Err("what it says of an objective contradicts itself");
    }
    Ok(warnings(shown))
}

fn is_possible(due: &DueView, shown: &ChannelSchedules) -> bool {
    if due.state == DueState::Hidden {
        return due.last.is_none() && due.late_s.is_none();
    }
    due.last.is_some() == due.entry.is_some()
        && (due.state, due.late_s) == due::standing(due.every_s, due.last, shown.time)
}

fn is_consistent(objective: &ObjectiveView, rule: &ChannelRule) -> bool {
    let is_true = objective.what != ObjectiveKind::RollbackWindow
        || objective.measured_s == Some(rule.rollback_window_s);
    is_true && objective.state == objectives::standing(objective.what, objective.goal_s, objective.measured_s)
}

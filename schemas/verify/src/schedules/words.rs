//! What is said of a channel where not everything is as it should be. Registry and client word it alike.

use holdfast_formats::number::Seconds;
use holdfast_formats::text::Reason;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{
    ChannelSchedules, DueState, DueView, ObjectiveKind, ObjectiveState, ObjectiveView,
};

use super::DRILL;

/// The most that one answer warns about.
const WARNINGS_MAX: usize = 16;
const UNITS: [(u64, char); 4] = [(24 * 3600, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];

/// What a reader of known-good should know: everything that is overdue, and every objective that is not met.
pub fn warnings(shown: &ChannelSchedules) -> Vec<Reason> {
    let due = shown.due.iter().filter(|due| due.state == DueState::Overdue).map(overdue);
    let unmet = shown.objectives.iter().filter(|objective| objective.state == ObjectiveState::Unmet);
    let texts =
        due.map(|text| format!("overdue: {text}")).chain(unmet.map(|o| format!("unmet: {}", goal(o))));
    texts.take(WARNINGS_MAX).map(|text| reason(&text)).collect()
}

/// Everything about a channel that is not known to be as it should be: a word for which kind it is, and what.
pub fn concerns(shown: &ChannelSchedules) -> Vec<(&'static str, String)> {
    let due = shown.due.iter().filter(|due| due.state == DueState::Overdue);
    let objectives = shown.objectives.iter().filter(|objective| objective.state != ObjectiveState::Met);
    let due = due.map(|due| (DueState::Overdue.as_str(), overdue(due)));
    due.chain(objectives.map(|objective| (objective.state.as_str(), goal(objective)))).collect()
}

/// Such as `snapshot of shop/db, last 2026-11-20T03:00:00.000Z, every 1d, 3h late`.
fn overdue(due: &DueView) -> String {
    let what =
        if due.name.as_str() == DRILL { DRILL.to_owned() } else { format!("snapshot of {}", due.name) };
    let last = due.last.map_or_else(|| "never made".to_owned(), |last| format!("last {last}"));
    let late = due.late_s.map(|late| format!(", {} late", length(late))).unwrap_or_default();
    format!("{what}, {last}, every {}{late}{}", length(due.every_s), failed(due.failed))
}

/// Such as `RPO 1h: the newest good data of shop/db are 3h 20m old (entry 17)`.
fn goal(objective: &ObjectiveView) -> String {
    let ObjectiveView { what, measured_s, entry, name, .. } = objective;
    let entry = entry.map(|entry| format!(" (entry {entry})")).unwrap_or_default();
    let found = match (what, measured_s, name) {
        (ObjectiveKind::Rpo, Some(age), Some(name)) => {
            format!("the newest good data of {name} are {} old{entry}", length(*age))
        }
        (ObjectiveKind::Rpo, Some(age), None) => {
            format!("the newest good data are {} old{entry}", length(*age))
        }
        (ObjectiveKind::Rpo, None, Some(name)) => format!("there is no good snapshot of {name}"),
        (ObjectiveKind::Rpo, None, None) => "no snapshots that may be read belong to the channel".to_owned(),
        (ObjectiveKind::Rto, Some(took), _) => format!("going back took {}{entry}", length(*took)),
        (ObjectiveKind::Rto, None, _) => "no drill and no rollback measured it yet".to_owned(),
        (ObjectiveKind::RollbackWindow, Some(window), _) => {
            format!("policy keeps former answers for {}", length(*window))
        }
        (ObjectiveKind::RollbackWindow, None, _) => "policy says nothing".to_owned(),
    };
    let label = match what {
        ObjectiveKind::Rpo => "RPO",
        ObjectiveKind::Rto => "RTO",
        ObjectiveKind::RollbackWindow => "rollback window",
    };
    format!("{label} {}: {found}{}", length(objective.goal_s), failed(objective.failed))
}

fn failed(drill: Option<LeafIndex>) -> String {
    drill.map(|entry| format!("; the drill of entry {entry} failed")).unwrap_or_default()
}

/// A length of time in its two largest units: `3h 20m`.
fn length(seconds: Seconds) -> String {
    let seconds = seconds.get();
    let Some(at) = UNITS.iter().position(|(unit, _)| seconds >= *unit) else { return "0s".to_owned() };
    let mut left = seconds;
    let mut parts = Vec::new();
    for (unit, letter) in UNITS.iter().skip(at).take(2) {
        if left >= *unit {
            parts.push(format!("{}{letter}", left / unit));
        }
        left %= unit;
    }
    parts.join(" ")
}

fn reason(text: &str) -> Reason {
    text.parse().expect("a name, numbers and a time have fewer than 2,048 bytes and no NUL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_two_units_at_most() {
        let shown = |seconds| length(Seconds::new(seconds).unwrap());
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3600, "1h"),
            (12_000, "3h 20m"),
            (3605, "1h"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(shown(seconds), text);
        }
    }
}

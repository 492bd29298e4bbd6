//! What a channel should reach: what policy says, and what policy leaves open by the releases that are known-good there.

use holdfast_formats::manifest::Objectives;
use holdfast_formats::number::Seconds;
use holdfast_formats::policy::ChannelRule;
use holdfast_formats::wire::v1::ObjectiveKind;

/// One goal each of what policy or a release names; the strictest of several releases'.
pub(crate) fn goals<'a>(
    rule: &ChannelRule,
    releases: &(impl Iterator<Item = &'a Objectives> + Clone),
) -> Vec<(ObjectiveKind, Seconds)> {
    let own = rule.objectives.as_ref();
    let goal = |what: ObjectiveKind| {
        let said = own.and_then(|own| of(own, what));
        let by_release = releases.clone().filter_map(|release| of(release, what));
        let strictest = match what {
            ObjectiveKind::Rpo | ObjectiveKind::Rto => by_release.min(),
            ObjectiveKind::RollbackWindow => by_release.max(),
        };
        said.or(strictest).map(|goal_s| (what, goal_s))
    };
    ObjectiveKind::ALL.iter().filter_map(|what| goal(*what)).collect()
}

const fn of(objectives: &Objectives, what: ObjectiveKind) -> Option<Seconds> {
    match what {
        ObjectiveKind::Rpo => objectives.rpo_s,
        ObjectiveKind::Rto => objectives.rto_s,
        ObjectiveKind::RollbackWindow => objectives.rollback_window_s,
    }
}

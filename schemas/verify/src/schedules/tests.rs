//! Schedules and objectives on a log in memory.

mod model;
mod world;

use holdfast_formats::manifest::ReleaseBody;
use holdfast_formats::policy::ChannelRule;
use holdfast_formats::statement::{Predicate, Rollback, RollbackPhase, RollbackTimes, Statement};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{ChannelSchedules, DueState, KnownGood, ObjectiveKind, ObjectiveState};

use super::*;
use crate::known_good::AnswerError;
use crate::known_good::tests::answers::{Client, EVERYTHING};
use crate::known_good::tests::world::{PROD, ana, component, deploy, of};
use world::{DAY, DB, HOUR, every, goals, s, strict, world};

#[test]
fn what_never_happened_is_overdue_and_what_was_never_measured_unknown() {
    let world = world(strict);
    assert_eq!(world.due(DB), (DueState::Overdue, None));
    assert_eq!(world.due("drill"), (DueState::Overdue, None));
    assert_eq!(world.objective(ObjectiveKind::Rpo), (ObjectiveState::Unknown, None));
    assert_eq!(world.objective(ObjectiveKind::Rto), (ObjectiveState::Unknown, None));
    let said = concerns(&world.shown());
    let words: Vec<String> = said.into_iter().map(|(kind, what)| format!("{kind}: {what}")).collect();
    assert_eq!(
        words,
        [
            "overdue: snapshot of shop/db, never made, every 1d",
            "overdue: drill, never made, every 30d",
            "unknown: RPO 2d: there is no good snapshot of shop/db",
            "unknown: RTO 1h: no drill and no rollback measured it yet",
        ]
    );
    assert_eq!(warnings(&world.shown()).len(), 2, "what is not known is no warning");
}

#[test]
fn a_snapshot_counts_from_its_entry_for_schedules_and_from_its_data_for_rpo() {
    let mut world = world(strict);
    world.snapshot("shop/db@1", HOUR);
    assert_eq!(world.due(DB), (DueState::Kept, None));
    assert_eq!(world.objective(ObjectiveKind::Rpo), (ObjectiveState::Met, Some(HOUR)));
    world.later(DAY * 1000);
    assert_eq!(world.due(DB), (DueState::Kept, None), "a day is over at its end");
    world.later(1);
    assert_eq!(world.due(DB), (DueState::Overdue, Some(0)));
    world.later(3 * HOUR * 1000);
    assert_eq!(world.due(DB), (DueState::Overdue, Some(3 * HOUR)));
    assert_eq!(world.objective(ObjectiveKind::Rpo), (ObjectiveState::Met, Some(DAY + 4 * HOUR + 1)));
    // An older state that is imported later was made just now, and brings no newer data.
    world.snapshot("shop/db@0", 100 * DAY);
    assert_eq!(world.due(DB), (DueState::Kept, None));
    assert_eq!(world.objective(ObjectiveKind::Rpo).1, Some(DAY + 4 * HOUR + 1));
    world.later(DAY * 1000);
    assert_eq!(world.objective(ObjectiveKind::Rpo).0, ObjectiveState::Unmet);
    let text =
        warnings(&world.shown()).into_iter().map(|text| text.to_string()).collect::<Vec<_>>().join("; ");
    assert!(
        text.contains("unmet: RPO 2d: the newest good data of shop/db are 2d 4h old (entry 1)"),
        "{text}"
    );
}

#[test]
fn data_is_never_newer_than_its_snapshot() {
    let mut world = world(strict);
    let boast = world.now.plus_ms(400 * DAY * 1000);
    world.snapshot_of("shop/db@1", boast);
    world.later(3 * DAY * 1000);
    assert_eq!(world.objective(ObjectiveKind::Rpo), (ObjectiveState::Unmet, Some(3 * DAY)));
}

#[test]
fn a_drill_that_failed_does_not_count_and_is_named() {
    let mut world = world(strict);
    let web = world.build("shop/web@1");
    let failed = world.rollback("d-1", true, RollbackPhase::Failed, &web, None);
    let shown = world.shown();
    assert_eq!((shown.due[1].state, shown.due[1].failed), (DueState::Overdue, Some(failed)));
    assert!(warnings(&shown)[1].to_string().ends_with("; the drill of entry 3 failed"), "{shown:?}");
    let slow = world.rollback("d-2", true, RollbackPhase::Succeeded, &web, Some(2 * HOUR));
    let shown = world.shown();
    assert_eq!((shown.due[1].state, shown.due[1].entry), (DueState::Kept, Some(slow)));
    assert_eq!(shown.due[1].failed, None, "one that worked came after it");
    assert_eq!(world.objective(ObjectiveKind::Rto), (ObjectiveState::Unmet, Some(2 * HOUR)));
    // Going back in earnest shows how long it takes, and is no drill.
    world.later(31 * DAY * 1000);
    let web = world.build("shop/web@2");
    world.rollback("r-1", false, RollbackPhase::Succeeded, &web, Some(HOUR));
    assert_eq!(world.objective(ObjectiveKind::Rto), (ObjectiveState::Met, Some(HOUR)));
    assert_eq!(world.due("drill"), (DueState::Overdue, Some(DAY)));
    world.rollback("d-3", true, RollbackPhase::Aborted, &web, None);
    assert_eq!(world.due("drill"), (DueState::Overdue, Some(DAY)));
}

#[test]
fn the_times_of_a_rollback_say_how_long_it_took_where_it_does_not_sum_up() {
    let at = |minutes: u64| Some(Timestamp::from_ms(minutes * 60_000));
    let times = |detected, started, restored, verified| RollbackTimes {
        detected,
        decided: None,
        started,
        restored,
        verified,
        ended: None,
    };
    let mut world = world(strict);
    let web = world.build("shop/web@1");
    for (n, (times, took)) in [
        (times(None, at(10), at(15), at(20)), Some(600)),
        (times(at(5), at(10), at(15), None), Some(600)),
        (times(None, None, at(15), at(20)), None),
        (times(None, at(10), None, None), None),
    ]
    .into_iter()
    .enumerate()
    {
        let index = world.rollback(&format!("r-{n}"), false, RollbackPhase::Started, &web, None);
        let payload = world.leaves[usize::try_from(index.get()).unwrap()].payload.clone();
        let said = Statement::parse(&payload).unwrap();
        let Predicate::Rollback(started) = said.predicate else { panic!() };
        world.say(Rollback { phase: RollbackPhase::Succeeded, times, ..*started }, &[&ana()]);
        assert_eq!(world.objective(ObjectiveKind::Rto).1, took, "{n}");
    }
}

#[test]
fn the_worst_of_several_snapshots_counts_and_a_release_brings_its_own() {
    let mut world = world(|rule| rule.schedules = Some(vec![every(DB, DAY)]));
    let files = world.snapshot("shop/files@1", 5 * HOUR);
    let web = world.build("shop/web@1");
    let parts = vec![component("web", 1, &web), component("files", 1, &files)];
    let objectives = Some(goals(Some(4 * HOUR), Some(HOUR), Some(DAY)));
    let body =
        ReleaseBody { base: None, components: parts, objectives, runbook: None, acceptance: Vec::new() };
    let release = world.release_of("shop/release@1", body);
    assert!(world.shown().objectives.is_empty(), "no release is known-good yet");
    world.pin(&release);
    assert_eq!(world.objective(ObjectiveKind::Rpo), (ObjectiveState::Unknown, None));
    world.snapshot("shop/db@1", HOUR);
    let shown = world.shown();
    assert_eq!(shown.objectives[0].name, Some(of("shop/files")));
    assert_eq!(world.objective(ObjectiveKind::Rpo), (ObjectiveState::Unmet, Some(5 * HOUR)));
    world.snapshot("shop/files@2", 0);
    assert_eq!(world.objective(ObjectiveKind::Rpo), (ObjectiveState::Met, Some(HOUR)));
    assert_eq!(world.objective(ObjectiveKind::RollbackWindow).0, ObjectiveState::Met);
    // What policy says goes before what a release says, each by itself.
    world.change_policy(&[&ana()], |policy| {
        policy.channels[0].objectives = Some(goals(Some(60), None, Some(4000 * DAY)));
    });
    assert_eq!(world.objective(ObjectiveKind::Rpo).0, ObjectiveState::Unmet);
    assert_eq!(world.objective(ObjectiveKind::RollbackWindow).0, ObjectiveState::Unmet);
    assert_eq!(world.objective(ObjectiveKind::Rto).0, ObjectiveState::Unknown);
}

#[test]
fn a_channel_exists_where_something_was_pinned_or_a_rule_names_it() {
    let mut world = world(|_| ());
    let channels = |world: &crate::known_good::tests::world::World, after: Option<&str>| {
        let in_force = world.newest_policy();
        let schedules = Schedules { facts: &world.ledger, in_force: &in_force, now: world.now };
        let after = after.map(of);
        let found = schedules.channels(after.as_ref(), 9).unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(channels(&world, None).is_empty(), "a pattern makes no channels");
    let web = world.build("shop/web@1");
    world.pin(&web);
    world.say(deploy("shop/staging", &web, world.now), &[&ana()]);
    world.change_policy(&[&ana()], |policy| {
        let named = ChannelRule { pattern: of("shop/dr"), ..policy.channels[0].clone() };
        policy.channels.insert(0, named);
    });
    assert_eq!(channels(&world, None), ["shop/dr", PROD, "shop/staging"]);
    assert_eq!(channels(&world, Some(PROD)), ["shop/staging"]);
}

type Lie = fn(&mut ChannelSchedules);

#[test]
fn a_client_warns_of_what_is_overdue_and_believes_no_softened_answer() {
    let mut world = world(strict);
    let web = world.build("shop/web@1");
    world.pin(&web);
    world.snapshot("shop/db@1", HOUR);
    world.later(3 * DAY * 1000);
    let client = Client::of(&world);
    let answer = world.answer(&EVERYTHING);
    let warned = client.verify(&answer, &EVERYTHING, world.now).unwrap().warnings;
    assert_eq!(warned, warnings(answer.schedules.as_ref().unwrap()));
    assert_eq!(warned.len(), 3, "{warned:?}");
    let lies: [(&str, Lie); 9] = [
        ("left out", |told| drop(told.due.remove(0))),
        ("in time", |told| told.due[0].state = DueState::Kept),
        ("less often", |told| told.due[0].every_s = s(400 * DAY)),
        ("less late", |told| told.due[0].late_s = Some(s(1))),
        ("without an entry", |told| told.due[0].entry = None),
        ("another goal", |told| told.objectives[0].goal_s = s(400 * DAY)),
        ("met", |told| told.objectives[0].state = ObjectiveState::Met),
        ("none", |told| told.objectives.clear()),
        ("another time", |told| told.time = Timestamp::from_ms(told.time.as_ms() - 1000)),
    ];
    for (what, lie) in lies {
        let mut told: KnownGood = answer.clone();
        lie(told.schedules.as_mut().unwrap());
        let refused = client.verify(&told, &EVERYTHING, world.now).unwrap_err();
        assert!(matches!(refused, AnswerError::Schedules { .. }), "{what}: {refused}");
    }
    let silent = KnownGood { schedules: None, ..answer };
    let warned = client.verify(&silent, &EVERYTHING, world.now).unwrap().warnings;
    assert!(warned.len() == 1 && warned[0].to_string().contains("does not say"), "{warned:?}");
}

#[test]
fn what_a_reader_may_not_read_is_left_out() {
    let mut world = world(strict);
    world.snapshot("shop/db@1", HOUR);
    let mut shown = world.shown();
    hide(&mut shown, &|_| true);
    assert_eq!(shown, world.shown());
    hide(&mut shown, &|name| name.as_str() != DB);
    assert_eq!((shown.due[0].state, shown.due[0].last, shown.due[0].entry), (DueState::Hidden, None, None));
    assert_eq!((shown.objectives[0].measured_s, &shown.objectives[0].name), (None, &None));
    assert_eq!(shown.due[1], world.shown().due[1]);
}

//! `deploy`: what a frozen channel and a denied artifact refuse, and what they do not.

use holdfast_formats::policy::{CalendarRule, CalendarWord};
use holdfast_formats::statement::{Cohort, DenyScope, Deploy, DeployPhase, Direction, Freeze};

use super::world::{DAY_MS, HOUR_MS, World, ana, bob, deny, deploy, of, other_digests, policy, unpublished};
use crate::refusal::{Refusal, RefusalKind};

/// Every phase and direction but the one that a freeze or deny refuses.
fn harmless(forward: &Deploy) -> Vec<Deploy> {
    let mut all = Vec::new();
    for phase in DeployPhase::ALL {
        for direction in Direction::ALL {
            let ended = (*phase != DeployPhase::Started).then_some(forward.started);
            all.push(Deploy { phase: *phase, direction: *direction, ended, ..forward.clone() });
        }
    }
    all.retain(|d| d.phase != DeployPhase::Started || d.direction != Direction::Forward);
    all
}

#[test]
fn a_freeze_refuses_only_the_start_of_a_forward_deploy() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1.0.0");
    let forward = deploy("shop/prod", &artifact, DeployPhase::Started, world.now);
    world.say(forward.clone(), &[&ana()]).unwrap();
    let until = Some(world.now.plus_ms(DAY_MS));
    let freeze = Freeze { channel: of("shop/prod"), reason: of("end of year"), until };
    let index = world.say(freeze, &[&ana()]).unwrap();
    let refusal = world.say(forward.clone(), &[&ana()]).unwrap_err();
    let reason = of("end of year");
    assert_eq!(refusal, Refusal::Frozen { channel: of("shop/prod"), freeze: index, until, reason });
    for good in harmless(&forward) {
        world.say(good, &[&ana()]).unwrap();
    }
    world.say(deploy("shop/staging", &artifact, DeployPhase::Started, world.now), &[&ana()]).unwrap();
    world.later(DAY_MS);
    world.say(forward, &[&ana()]).unwrap();
}

#[test]
fn the_calendar_freezes_like_a_freeze_and_its_first_word_counts() {
    let mut policy = policy();
    let day = |n: u64| World::empty().now.plus_ms(n * DAY_MS);
    let entry = |from, until, rule| CalendarRule { from: day(from), until: day(until), rule };
    let calendar = vec![entry(2, 3, CalendarWord::Allow), entry(1, 4, CalendarWord::Freeze)];
    policy.channels.iter_mut().for_each(|rule| rule.calendar = Some(calendar.clone()));
    let mut world = World::with(policy);
    let artifact = world.published("shop/web@1.0.0");
    for (today, taken) in [(0, true), (1, false), (2, true), (3, false), (4, true)] {
        world.now = day(today);
        let forward = deploy("shop/prod", &artifact, DeployPhase::Started, world.now);
        let answer = world.say(forward, &[&ana()]);
        assert_eq!(answer.is_ok(), taken, "day {today}: {answer:?}");
    }
}

#[test]
fn a_denied_artifact_is_not_deployed_forward_where_the_deny_reaches() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1.0.0");
    let index = world.say(deny(&artifact, DenyScope::Channel, Some("shop/prod")), &[&ana()]).unwrap();
    let forward = deploy("shop/prod", &artifact, DeployPhase::Started, world.now);
    let refusal = world.say(forward.clone(), &[&ana()]).unwrap_err();
    let reason = of("it loses orders");
    assert_eq!(refusal, Refusal::Denied { artifact: artifact.r#ref.clone(), deny: index, reason });
    for good in harmless(&forward) {
        world.say(good, &[&ana()]).unwrap();
    }
    world.say(deploy("shop/staging", &artifact, DeployPhase::Started, world.now), &[&ana()]).unwrap();
}

#[test]
fn a_release_with_a_denied_component_is_not_deployed_forward() {
    let mut world = World::solo();
    let web = world.published("shop/web@1.0.0");
    let release = world.release("shop/release@1.0.0", std::slice::from_ref(&web));
    let digests = release.manifest.digests;
    world.say(release, &[&ana()]).unwrap();
    world.say(deny(&web, DenyScope::Everywhere, None), &[&ana()]).unwrap();
    let release = holdfast_formats::statement::Artifact { r#ref: of("shop/release@1.0.0"), digests };
    let forward = deploy("shop/prod", &release, DeployPhase::Started, world.now);
    assert_eq!(world.say(forward, &[&ana()]).unwrap_err().kind(), RefusalKind::Denied);
}

#[test]
fn a_deploy_that_contradicts_itself_or_the_log_is_refused() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1.0.0");
    let now = world.now;
    let good = deploy("shop/prod", &artifact, DeployPhase::Succeeded, now);
    let cohort = Some(Cohort { name: of("canary"), weight_bp: 10_001 });
    let malformed = [
        Deploy { attempt: 0, ..good.clone() },
        Deploy { phase: DeployPhase::Started, ..good.clone() },
        Deploy { started: now.plus_ms(HOUR_MS), ..good.clone() },
        Deploy { cohort, ..good.clone() },
    ];
    for wrong in malformed {
        assert_eq!(world.say(wrong, &[&ana()]).unwrap_err().kind(), RefusalKind::Malformed);
    }
    let absent = Deploy { artifact: unpublished("shop/web@9"), ..good.clone() };
    assert_eq!(world.say(absent, &[&ana()]).unwrap_err().kind(), RefusalKind::NotFound);
    let swapped = Deploy { artifact: other_digests(&artifact), ..good.clone() };
    assert!(matches!(world.say(swapped, &[&ana()]), Err(Refusal::DigestsDiffer { .. })));
    assert_eq!(world.say(good, &[&bob()]).unwrap_err().kind(), RefusalKind::RoleMissing);
}

#[test]
fn a_deploy_names_a_pin_of_its_artifact_in_its_channel_and_what_was_published() {
    let mut world = World::solo();
    let (one, two) = (world.scrubbed("shop/web@1"), world.scrubbed("shop/web@2"));
    let pinned = world.pin("shop/prod", &one, &[&ana()]).unwrap();
    let elsewhere = world.pin("shop/staging", &one, &[&ana()]).unwrap();
    let of_two = world.pin("shop/prod", &two, &[&ana()]).unwrap();
    let back = Deploy {
        direction: Direction::Rollback,
        pin: Some(pinned),
        replaces: Some(two.clone()),
        ..deploy("shop/prod", &one, DeployPhase::Succeeded, world.now)
    };
    let what = "pin of this artifact in this channel";
    for index in [elsewhere, of_two, world.next(), of("0")] {
        let wrong = Deploy { pin: Some(index), ..back.clone() };
        assert_eq!(world.say(wrong, &[&ana()]), Err(Refusal::EntryNotFound { what, index }));
    }
    let absent = Deploy { replaces: Some(unpublished("shop/web@9")), ..back.clone() };
    assert_eq!(world.say(absent, &[&ana()]).unwrap_err().kind(), RefusalKind::NotFound);
    let swapped = Deploy { replaces: Some(other_digests(&two)), ..back.clone() };
    assert!(matches!(world.say(swapped, &[&ana()]), Err(Refusal::DigestsDiffer { .. })));
    world.say(back, &[&ana()]).unwrap();
}

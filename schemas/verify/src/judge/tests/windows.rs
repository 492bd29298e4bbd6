//! `hold`, `unhold`, `extend`, `delete`: what they take, and what keeps an artifact from being deleted.

use holdfast_formats::number::Seconds;
use holdfast_formats::policy::{Policy, Role, Window};
use holdfast_formats::statement::{
    Artifact, Delete, DenyScope, EntryIndex, Extend, Hold, ScrubOutcome, Unhold, WindowMode,
};
use holdfast_formats::tree::LeafIndex;

use super::world::{HOUR_MS, World, ana, bob, deny, of};
use crate::refusal::{Refusal, RefusalKind};

const DAY_MS: u64 = 24 * HOUR_MS;

/// A log whose builds are kept for so many days.
pub(super) fn keeping(days: u64, mode: WindowMode) -> World {
    let mut policy = super::world::policy();
    let window = Window { keep_s: Seconds::new(days * DAY_MS / 1000).unwrap(), mode };
    for rule in &mut policy.namespaces {
        rule.windows = [(of("build"), window.clone())].into_iter().collect();
    }
    World::with(policy)
}

pub(super) fn delete(artifact: &Artifact, bypass: bool) -> Delete {
    Delete { artifact: artifact.clone(), bypass, reason: of("it is not needed") }
}

pub(super) fn hold(artifact: &Artifact) -> Hold {
    Hold { artifact: artifact.clone(), case: of("case 7"), reason: of("a court asked") }
}

fn unhold(hold: LeafIndex) -> Unhold {
    Unhold { hold: EntryIndex { index: hold }, reason: of("the case is closed") }
}

fn extend(world: &World, artifact: &Artifact, days: u64) -> Extend {
    let until = world.now.plus_ms(days * DAY_MS);
    Extend { artifact: artifact.clone(), until, reason: of("an audit comes") }
}

fn why_kept(refusal: Result<LeafIndex, Refusal>) -> String {
    match refusal {
        Err(Refusal::Kept { kept, .. }) => kept,
        other => panic!("not kept: {other:?}"),
    }
}

/// Bob has no role but this one.
fn let_bob_be(policy: &mut Policy, role: Role) {
    let mut rules = policy.roles.iter_mut();
    rules.find(|rule| rule.role == role).unwrap().principals.push(of("bob"));
}

#[test]
fn what_has_no_window_is_deleted_and_its_name_stays_taken() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1");
    let ended = world.say(delete(&artifact, false), &[&ana()]).unwrap();
    let gone = |refusal: Result<LeafIndex, Refusal>| match refusal {
        Err(Refusal::ArtifactEnded { by, .. }) => assert_eq!(by, ended),
        other => panic!("{other:?}"),
    };
    let (same, other) = (world.build("shop/web@1", "shop/web@1"), world.build("shop/web@1", "other"));
    let (pin, extend) = (world.next_pin("shop/prod", &artifact), extend(&world, &artifact, 9));
    let release = world.release("shop/all@1", std::slice::from_ref(&artifact));
    gone(world.say(delete(&artifact, false), &[&ana()]));
    gone(world.say(same, &[&ana()]));
    gone(world.say(other, &[&ana()]));
    gone(world.say(pin, &[&ana()]));
    gone(world.say(extend, &[&ana()]));
    gone(world.say(hold(&artifact), &[&ana()]));
    gone(world.say(release, &[&ana()]));
    // Records are about what was, and a deny is about digests.
    world.say(deny(&artifact, DenyScope::Namespace, None), &[&ana()]).unwrap();
    let attest = world.attest(&artifact, "https://slsa.dev/provenance/v1");
    world.say(attest, &[&ana()]).unwrap();
    let again = world.build("shop/web@2", "shop/web@1");
    world.say(again, &[&ana()]).expect("the same bytes under another name are an ordinary publish");
}

#[test]
fn a_compliance_window_ends_by_its_date_alone_and_a_governance_one_by_bypass_too() {
    let mut world = keeping(7, WindowMode::Compliance);
    let artifact = world.published("shop/web@1");
    for bypass in [false, true] {
        let kept = why_kept(world.say(delete(&artifact, bypass), &[&ana()]));
        assert!(kept.contains("compliance window of its class build"), "{kept}");
    }
    world.later(7 * DAY_MS - 1);
    why_kept(world.say(delete(&artifact, true), &[&ana()]));
    world.later(1);
    world.say(delete(&artifact, false), &[&ana()]).unwrap();

    let mut world = keeping(7, WindowMode::Governance);
    let artifact = world.published("shop/web@1");
    why_kept(world.say(delete(&artifact, false), &[&ana()]));
    world.say(delete(&artifact, true), &[&ana()]).unwrap();
}

#[test]
fn a_bypass_takes_a_holder_beside_the_publisher() {
    let mut world = keeping(7, WindowMode::Governance);
    world.amend(|policy| let_bob_be(policy, Role::Publisher));
    let artifact = world.published("shop/web@1");
    let refusal = world.say(delete(&artifact, true), &[&bob()]).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::RoleMissing);
    world.say(delete(&artifact, true), &[&ana(), &bob()]).unwrap();
}

#[test]
fn a_policy_that_says_less_shortens_no_window() {
    let mut world = keeping(7, WindowMode::Compliance);
    let artifact = world.published("shop/web@1");
    world.amend(|policy| {
        for rule in &mut policy.namespaces {
            rule.windows = holdfast_formats::StrictMap::empty();
        }
    });
    why_kept(world.say(delete(&artifact, true), &[&ana()]));
    let later = world.published("shop/web@2");
    world.say(delete(&later, false), &[&ana()]).expect("what comes later has the policy of its time");
}

#[test]
fn windows_only_grow_and_no_further_than_policy_lets_anybody_ask() {
    let mut world = keeping(7, WindowMode::Compliance);
    let artifact = world.published("shop/web@1");
    let shorter = extend(&world, &artifact, 6);
    assert!(matches!(world.say(shorter, &[&ana()]), Err(Refusal::KeepNotLonger { .. })));
    let longest = 3650;
    let too_long = extend(&world, &artifact, longest + 1);
    assert!(matches!(world.say(too_long, &[&ana()]), Err(Refusal::KeepTooLong { .. })));
    let longer = extend(&world, &artifact, longest);
    world.say(longer, &[&ana()]).unwrap();
    let back = extend(&world, &artifact, 8);
    assert!(matches!(world.say(back, &[&ana()]), Err(Refusal::KeepNotLonger { .. })));
    world.later(8 * DAY_MS);
    let kept = why_kept(world.say(delete(&artifact, true), &[&ana()]));
    assert!(kept.contains("extended"), "{kept}");
}

#[test]
fn a_holder_or_a_publisher_extends_and_nobody_else() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1");
    let longer = |world: &World, days| extend(world, &artifact, days);
    let by_nobody = longer(&world, 1);
    assert_eq!(world.say(by_nobody, &[&bob()]).unwrap_err().kind(), RefusalKind::RoleMissing);
    world.amend(|policy| let_bob_be(policy, Role::Holder));
    let by_holder = longer(&world, 1);
    world.say(by_holder, &[&bob()]).unwrap();
    world.amend(|policy| {
        for rule in &mut policy.roles {
            rule.principals.retain(|id| id.as_str() != "bob");
        }
        let_bob_be(policy, Role::Publisher);
    });
    let by_publisher = longer(&world, 2);
    world.say(by_publisher, &[&bob()]).unwrap();
}

#[test]
fn a_hold_stands_whatever_the_window_says_until_the_quorum_ends_it() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1");
    let (first, second) =
        (world.say(hold(&artifact), &[&ana()]).unwrap(), world.say(hold(&artifact), &[&ana()]).unwrap());
    world.later(100 * 365 * DAY_MS);
    let fresh = world.published("shop/web@2");
    for (index, left) in [(first, first), (second, second)] {
        let kept = why_kept(world.say(delete(&artifact, false), &[&ana()]));
        assert!(kept.contains(&format!("hold of entry {left}")), "{kept}");
        world.amend(|policy| {
            let rule = policy.roles.iter_mut().find(|rule| rule.role == Role::Holder).unwrap();
            rule.principals = vec![of("ana"), of("bob")];
            rule.threshold = 2;
        });
        let alone = world.say(unhold(index), &[&ana()]).unwrap_err();
        assert_eq!(alone.kind(), RefusalKind::ThresholdNotMet);
        world.say(unhold(index), &[&ana(), &bob()]).unwrap();
    }
    assert!(matches!(world.say(unhold(first), &[&ana(), &bob()]), Err(Refusal::AlreadyEnded { .. })));
    world.say(delete(&artifact, false), &[&ana()]).unwrap();
    let by_one = world.say(hold(&fresh), &[&bob()]);
    by_one.expect("one holder is enough to hold, whatever the quorum");
}

#[test]
fn a_live_release_keeps_its_components_and_its_end_frees_them() {
    let mut world = World::solo();
    let part = world.published("shop/web@1");
    let publish = world.release("shop/all@1", std::slice::from_ref(&part));
    let release = Artifact { r#ref: of("shop/all@1"), digests: publish.manifest.digests };
    world.say(publish, &[&ana()]).unwrap();
    let kept = why_kept(world.say(delete(&part, true), &[&ana()]));
    assert!(kept.contains("a component of a release"), "{kept}");
    world.say(delete(&release, false), &[&ana()]).unwrap();
    world.say(delete(&part, false), &[&ana()]).unwrap();
}

#[test]
fn a_pin_keeps_its_artifact_and_after_it_the_rollback_window_does() {
    let mut world = World::solo();
    world.amend(|policy| {
        for rule in &mut policy.channels {
            rule.keep_pins = of_count(1);
            rule.rollback_window_s = Seconds::new(30 * DAY_MS / 1000).unwrap();
        }
    });
    let (one, two) = (world.scrubbed("shop/web@1"), world.scrubbed("shop/web@2"));
    world.pin("shop/prod", &one, &[&ana()]).unwrap();
    let kept = why_kept(world.say(delete(&one, true), &[&ana()]));
    assert!(kept.contains("the answer of a channel"), "{kept}");
    world.later(DAY_MS);
    world.pin("shop/prod", &two, &[&ana()]).unwrap();
    world.later(30 * DAY_MS - 1);
    let kept = why_kept(world.say(delete(&one, true), &[&ana()]));
    assert!(kept.contains("the rollback window of a channel"), "{kept}");
    world.later(1);
    // The registry does not speak first after so long a silence.
    world.published("shop/cron@1");
    world.scrub(&[&two], ScrubOutcome::Bad);
    let kept = why_kept(world.say(delete(&one, true), &[&ana()]));
    assert!(
        kept.contains("the answer of a channel"),
        "while the newer pin is not intact, the older one answers: {kept}"
    );
}

fn of_count(count: u64) -> holdfast_formats::number::Count {
    holdfast_formats::number::Count::new(count).unwrap()
}

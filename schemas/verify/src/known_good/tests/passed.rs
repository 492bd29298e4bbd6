//! Newer pins that are passed over: each reason is accepted with its evidence, and refused without.

use holdfast_formats::digest::NamedDigest;
use holdfast_formats::statement::{Artifact, DenyScope, EntryIndex, Lift, ScrubOutcome};
use holdfast_formats::wire::v1::{Excluded, KnownGood, KnownGoodQuery, PassReason};

use super::answers::{Client, EVERYTHING};
use super::world::{PROD, World, ana, component, deny, of};
use crate::known_good::{AnswerError, KnownGoodAnswer};

/// Two pinned builds.
fn two() -> (World, Artifact, Artifact) {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    world.pin(&one);
    let two = world.build("shop/web@2.0.0");
    world.pin(&two);
    (world, one, two)
}

fn check(world: &World, answer: &KnownGood, query: &KnownGoodQuery) -> Result<KnownGoodAnswer, AnswerError> {
    Client::of(world).verify(answer, query, world.now)
}

fn only_reason(answer: &KnownGoodAnswer) -> PassReason {
    answer.lines[0].passed_over[0].reason
}

#[test]
fn a_denied_pin_is_passed_over_with_the_deny() {
    let (mut world, one, two) = two();
    let index = world.deny(&two);
    let answer = check(&world, &world.answer(&EVERYTHING), &EVERYTHING).unwrap();
    assert_eq!(answer.lines[0].artifact, one);
    assert_eq!(answer.lines[0].passed_over[0].ended_by, Some(index));
    let mut bare = world.answer(&EVERYTHING);
    bare.lines[0].passed_over[0].ended_by = None;
    assert!(matches!(check(&world, &bare, &EVERYTHING), Err(AnswerError::PassedOver { .. })));
}

#[test]
fn a_release_with_a_denied_component_is_passed_over_with_the_deny_and_its_publication() {
    let mut world = World::solo();
    let good = world.build("shop/web@1");
    let old = world.release("shop/release@1", vec![component("web", 1, &good)]);
    world.pin(&old);
    let bad = world.build("shop/web@2");
    let new = world.release("shop/release@2", vec![component("web", 1, &bad)]);
    world.pin(&new);
    world.deny(&bad);
    let honest = world.answer(&EVERYTHING);
    let answer = check(&world, &honest, &EVERYTHING).unwrap();
    assert_eq!((only_reason(&answer), &answer.lines[0].artifact), (PassReason::Denied, &old));
    let mut unseen = honest;
    unseen.artifacts.retain(|held| held.artifact != new);
    assert!(matches!(check(&world, &unseen, &EVERYTHING), Err(AnswerError::PassedOver { .. })));
}

#[test]
fn a_deny_of_something_else_or_of_another_channel_ends_nothing() {
    let (mut world, _, two) = two();
    let other = world.build("shop/other@1");
    let of_other = world.deny(&other);
    let mut elsewhere = deny(&two);
    elsewhere.scope = DenyScope::Channel;
    elsewhere.channel = Some(of("shop/staging"));
    let elsewhere = world.say(elsewhere, &[&ana()]);
    world.deny(&two);
    for index in [of_other, elsewhere] {
        let mut answer = world.answer(&EVERYTHING);
        answer.lines[0].passed_over[0].ended_by = Some(world.proven(index));
        assert!(matches!(check(&world, &answer, &EVERYTHING), Err(AnswerError::PassedOver { .. })));
    }
}

#[test]
fn a_pin_that_is_not_intact_is_passed_over_with_the_scrub() {
    let (mut world, one, two) = two();
    let index = world.scrub(&two, ScrubOutcome::Bad);
    let answer = check(&world, &world.answer(&EVERYTHING), &EVERYTHING).unwrap();
    assert_eq!((only_reason(&answer), &answer.lines[0].artifact), (PassReason::ScrubFailed, &one));
    assert_eq!(answer.lines[0].passed_over[0].ended_by, Some(index));
    let good = world.scrub(&one, ScrubOutcome::Good);
    let mut lie = world.answer(&EVERYTHING);
    lie.lines[0].passed_over[0].ended_by = Some(world.proven(good));
    assert!(matches!(check(&world, &lie, &EVERYTHING), Err(AnswerError::PassedOver { .. })));
}

#[test]
fn an_expired_pin_is_passed_over_and_an_unexpired_one_is_not() {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    world.pin(&one);
    let two = world.build("shop/web@2.0.0");
    let mut pin = world.next_pin(PROD, &two);
    pin.expires = Some(world.now.plus_ms(60_000));
    world.say(pin, &[&ana()]);
    world.later(60_000);
    let expired = world.answer(&EVERYTHING);
    let answer = check(&world, &expired, &EVERYTHING).unwrap();
    assert_eq!((only_reason(&answer), &answer.lines[0].artifact), (PassReason::Expired, &one));
    let mut early = world.clone();
    early.now = of("2026-11-21T08:00:30.000Z");
    let mut lie = expired;
    lie.head =
        crate::channel_head::sign_head(&early.head(&world.choose(&EVERYTHING)), &super::world::head_key());
    assert!(matches!(check(&early, &lie, &EVERYTHING), Err(AnswerError::PassedOver { .. })));
}

#[test]
fn expiry_by_policy_is_judged_by_the_policy_at_the_pins_place() {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    world.pin(&one);
    world.change_policy(&[&ana()], |policy| {
        policy.channels[0].pin_expires_s = Some(holdfast_formats::number::Seconds::new(60).unwrap());
    });
    let two = world.build("shop/web@2.0.0");
    world.pin(&two);
    world.later(61_000);
    let answer = check(&world, &world.answer(&EVERYTHING), &EVERYTHING).unwrap();
    assert_eq!(answer.lines[0].artifact, one);
    assert_eq!(answer.lines[0].expires, None);
}

#[test]
fn the_query_passes_over_what_it_excludes_what_is_too_new_and_what_it_steps_back_over() {
    let (mut world, one, two) = two();
    let at = world.now;
    world.later(1000);
    let three = world.build("shop/web@3.0.0");
    world.pin(&three);
    let cases = [
        (
            KnownGoodQuery {
                not: Some(Excluded::Digest(NamedDigest::Sha256(three.digests.sha256))),
                ..EVERYTHING
            },
            &two,
        ),
        (KnownGoodQuery { at: Some(at), ..EVERYTHING }, &two),
        (KnownGoodQuery { back: Some(1), ..EVERYTHING }, &two),
        (KnownGoodQuery { back: Some(2), ..EVERYTHING }, &one),
        (KnownGoodQuery { back: Some(1), at: Some(at), ..EVERYTHING }, &one),
    ];
    for (query, expected) in cases {
        let answer = world.answer(&query);
        assert_eq!(check(&world, &answer, &query).unwrap().lines[0].artifact, *expected, "{query:?}");
        assert!(check(&world, &answer, &EVERYTHING).is_err(), "nobody asked for {query:?}");
        assert!(check(&world, &world.answer(&EVERYTHING), &query).is_err(), "{query:?} was asked");
    }
}

#[test]
fn t16_evidence_from_before_the_pin_ends_nothing() {
    let (mut world, one, two) = two();
    let lifted = world.deny(&two);
    let lift = Lift { deny: EntryIndex { index: lifted }, reason: of("found to be harmless") };
    world.say(lift, &[&ana()]);
    let repaired = world.scrub(&two, ScrubOutcome::Missing);
    world.scrub(&two, ScrubOutcome::Good);
    world.pin(&two);
    assert_eq!(check(&world, &world.answer(&EVERYTHING), &EVERYTHING).unwrap().lines[0].artifact, two);
    // What an honest registry says once the newest two are denied, but with the old reasons for them.
    let mut later = world.clone();
    later.deny(&two);
    let honest = later.answer(&EVERYTHING);
    assert_eq!(check(&later, &honest, &EVERYTHING).unwrap().lines[0].artifact, one);
    for (reason, index) in [(PassReason::Denied, lifted), (PassReason::ScrubFailed, repaired)] {
        let mut lie = honest.clone();
        lie.lines[0].passed_over[0].reason = reason;
        lie.lines[0].passed_over[0].ended_by = Some(later.proven(index));
        let error = check(&later, &lie, &EVERYTHING).unwrap_err();
        assert!(matches!(error, AnswerError::PassedOver { .. }), "{error}");
    }
}

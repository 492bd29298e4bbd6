//! T16 and T17: old states shown again, and heads that are not of now.

use holdfast_formats::channel_head::ChannelHead;
use holdfast_formats::statement::Freeze;
use holdfast_formats::wire::v1::{ExitCode, KnownGood};

use super::answers::{Client, EVERYTHING};
use super::world::{World, ana, head_key};
use crate::channel_head::sign_head;
use crate::consistency::ConsistencyError;
use crate::known_good::{AnswerError, Mode};

const MINUTE_MS: u64 = 60_000;

/// A registry at three moments of growth, a client of the newest, and nothing between them but more entries.
fn grown() -> (World, World, Client) {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    world.pin(&one);
    let old = world.clone();
    let two = world.build("shop/web@2.0.0");
    world.pin(&two);
    let mut client = Client::of(&world);
    client.ask(&world, &EVERYTHING);
    (old, world, client)
}

fn integrity(error: &AnswerError) -> bool {
    error.exit() == ExitCode::Integrity
}

#[test]
fn t16_an_older_checkpoint_is_a_rollback() {
    let (old, _, client) = grown();
    let error = client.verify(&old.answer(&EVERYTHING), &EVERYTHING, old.now).unwrap_err();
    assert!(matches!(error, AnswerError::Consistency(ConsistencyError::Shrunk { .. })), "{error}");
    assert!(integrity(&error));
}

#[test]
fn a_head_that_names_no_or_an_older_or_an_impossible_newest_entry_is_refused() {
    let (_, mut world, client) = grown();
    let query = client.query(&EVERYTHING);
    let deployed = world.deploy(&world.choose(&EVERYTHING).lines[0].artifact.artifact.clone());
    let honest = world.choose(&EVERYTHING);
    let pinned = honest.lines[0].pin.entry.index;
    for newest in [None, Some(pinned), Some(world.next())] {
        let head = ChannelHead { newest_entry: newest, ..world.head(&honest) };
        let lie = KnownGood { head: sign_head(&head, &head_key()), ..world.answer(&query) };
        let error = client.verify(&lie, &query, world.now).unwrap_err();
        assert!(matches!(error, AnswerError::NewestEntry { said, .. } if said == newest), "{error}");
        assert!(integrity(&error));
    }
    // Newer than anything shown is possible: not everything that touches a channel ends an answer.
    let freeze = world.force(
        Freeze { channel: "shop/prod".parse().unwrap(), reason: "a holiday".parse().unwrap(), until: None },
        &[&ana()],
    );
    for newest in [deployed, freeze] {
        let head = ChannelHead { newest_entry: Some(newest), ..world.head(&honest) };
        let answer = KnownGood { head: sign_head(&head, &head_key()), ..world.answer(&query) };
        client.verify(&answer, &query, world.now).unwrap();
    }
}

#[test]
fn t16_an_older_pin_without_the_receipts_of_what_ended_the_newer_is_refused() {
    let (old, world, client) = grown();
    let query = client.query(&EVERYTHING);
    // The newest state and its honest head, but the line's answer of the older state.
    let mut lie = world.answer(&query);
    lie.lines = old.answer(&EVERYTHING).lines;
    lie.lines[0].pin = world.proven(lie.lines[0].pin.index);
    assert!(matches!(client.verify(&lie, &query, world.now), Err(AnswerError::Pin { .. })));
    // The same with a head that the registry signs for it.
    for issued_too in [false, true] {
        let mut head = world.head(&world.choose(&EVERYTHING));
        head.lines[0].answered = Some(holdfast_formats::number::PinNumber::FIRST);
        if issued_too {
            head.lines[0].issued = holdfast_formats::number::PinNumber::FIRST;
        }
        let signed = KnownGood { head: sign_head(&head, &head_key()), ..lie.clone() };
        let error = client.verify(&signed, &query, world.now).unwrap_err();
        match error {
            AnswerError::WentBack { .. } => assert!(issued_too),
            AnswerError::PassedOver { .. } => assert!(!issued_too),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn t16_a_line_that_was_seen_before_must_answer() {
    let mut world = World::solo();
    for name in ["shop/api@1", "shop/web@1"] {
        let artifact = world.build(name);
        world.pin(&artifact);
    }
    let mut client = Client::of(&world);
    client.ask(&world, &EVERYTHING);
    let mut choice = world.choose(&EVERYTHING);
    choice.lines.remove(0);
    let query = client.query(&EVERYTHING);
    let mut lie = world.answer(&query);
    lie.lines.remove(0);
    lie.head = sign_head(&world.head(&choice), &head_key());
    let error = client.verify(&lie, &query, world.now).unwrap_err();
    assert!(matches!(error, AnswerError::OtherLines { .. }), "{error}");
}

#[test]
fn t16_a_kept_answer_with_an_older_pin_than_seen_is_refused_offline_too() {
    let (old, _, client) = grown();
    let error = client.verify_in(&old.answer(&EVERYTHING), &EVERYTHING, old.now, Mode::Offline).unwrap_err();
    assert!(matches!(error, AnswerError::WentBack { .. }), "{error}");
}

#[test]
fn t12_a_rewritten_log_is_refused_at_the_same_size_and_at_a_larger_one() {
    let (mut old, world, client) = grown();
    let other = old.build("shop/web@6.6.6");
    old.pin(&other);
    assert_eq!(old.size(), world.size());
    let query = client.query(&EVERYTHING);
    let error = client.verify(&old.answer(&query), &query, old.now).unwrap_err();
    assert!(matches!(error, AnswerError::Consistency(ConsistencyError::Forked { .. })), "{error}");
    let offline = client.verify_in(&old.answer(&query), &query, old.now, Mode::Offline).unwrap_err();
    assert!(matches!(offline, AnswerError::Consistency(ConsistencyError::Forked { .. })), "{offline}");
    old.build("shop/web@6.6.7");
    let error = client.verify(&old.answer(&query), &query, old.now).unwrap_err();
    assert!(matches!(error, AnswerError::Consistency(_)), "{error}");
}

#[test]
fn a_larger_log_without_proof_that_it_extends_the_seen_one_is_refused() {
    let (_, mut world, client) = grown();
    world.build("shop/api@1");
    let query = client.query(&EVERYTHING);
    let mut answer = world.answer(&query);
    answer.consistency = None;
    let error = client.verify(&answer, &query, world.now).unwrap_err();
    assert!(matches!(error, AnswerError::ConsistencyMissing { .. }), "{error}");
    answer.consistency = Some(world.consistency(holdfast_formats::tree::TreeSize::new(1).unwrap()));
    let error = client.verify(&answer, &query, world.now).unwrap_err();
    assert!(matches!(error, AnswerError::ConsistencyMissing { .. }), "{error}");
}

#[test]
fn t16_a_state_before_a_policy_that_is_known_is_refused() {
    let (_, mut world, mut client) = grown();
    let old = world.clone();
    world.change_policy(&[&ana()], |_| ());
    client.ask(&world, &EVERYTHING);
    client.seen = None;
    let error = client.verify(&old.answer(&client.query(&EVERYTHING)), &EVERYTHING, old.now).unwrap_err();
    assert!(matches!(error, AnswerError::PolicyHidden { .. }), "{error}");
}

#[test]
fn t17_a_frozen_head_is_stale_and_only_offline_accepts_it() {
    let (_, world, client) = grown();
    let answer = world.answer(&client.query(&EVERYTHING));
    client.verify(&answer, &EVERYTHING, world.now.plus_ms(5 * MINUTE_MS)).unwrap();
    let late = world.now.plus_ms(5 * MINUTE_MS + 1);
    let error = client.verify(&answer, &EVERYTHING, late).unwrap_err();
    assert!(matches!(error, AnswerError::Stale { .. }), "{error}");
    assert_eq!(error.exit(), ExitCode::Unreachable);
    client.verify_in(&answer, &EVERYTHING, late, Mode::Offline).unwrap();
}

#[test]
fn t17_a_head_from_the_future_is_refused_in_every_mode() {
    let (_, mut world, client) = grown();
    let now = world.now;
    world.later(5 * MINUTE_MS + 1);
    let answer = world.answer(&client.query(&EVERYTHING));
    for mode in [Mode::Online, Mode::Offline] {
        let error = client.verify_in(&answer, &EVERYTHING, now, mode).unwrap_err();
        assert!(matches!(error, AnswerError::Ahead { .. }), "{error}");
    }
}

#[test]
fn t17_an_old_head_over_a_new_checkpoint_is_refused() {
    let (old, world, client) = grown();
    let query = client.query(&EVERYTHING);
    let mut answer = world.answer(&query);
    answer.head = old.answer(&EVERYTHING).head;
    let error = client.verify(&answer, &query, world.now).unwrap_err();
    assert!(matches!(error, AnswerError::MixedStates { .. }), "{error}");
}

#[test]
fn a_pin_that_expired_since_is_refused_offline() {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    let mut pin = world.next_pin("shop/prod", &one);
    pin.expires = Some(world.now.plus_ms(MINUTE_MS));
    world.say(pin, &[&ana()]);
    let client = Client::of(&world);
    let kept = world.answer(&EVERYTHING);
    client.verify_in(&kept, &EVERYTHING, world.now.plus_ms(MINUTE_MS - 1), Mode::Offline).unwrap();
    let error =
        client.verify_in(&kept, &EVERYTHING, world.now.plus_ms(MINUTE_MS), Mode::Offline).unwrap_err();
    assert!(matches!(error, AnswerError::Expired { .. }), "{error}");
    assert_eq!(error.exit(), ExitCode::Ended);
}

//! Keys that the policy no longer trusts: what they signed stops counting for answers from the entry that it names.

use holdfast_formats::key::SigningKey;
use holdfast_formats::policy::{Distrust, Policy, Principal, PrincipalKind, Role};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::PassReason;

use super::answers::{Client, EVERYTHING};
use super::world::{World, ana, bob, deny, of, policy};
use crate::known_good::AnswerError;

/// Bob publishes and releases beside Ana, each alone.
fn both() -> Policy {
    let mut policy = policy();
    policy.principals.push(Principal {
        id: of("bob"),
        kind: PrincipalKind::Ed25519,
        key: Some(bob().public()),
        issuer: None,
        audience: None,
        claims: None,
    });
    let roles = [Role::Releaser, Role::Publisher];
    for rule in policy.roles.iter_mut().filter(|rule| roles.contains(&rule.role)) {
        rule.principals.push(of("bob"));
    }
    policy
}

fn distrust(world: &mut World, key: &SigningKey, from_entry: LeafIndex) {
    let distrust = Distrust { key: key.public(), from_entry, reason: of("the laptop was stolen") };
    world.change_policy(&[&ana()], |policy| policy.distrust.push(distrust));
}

#[test]
fn a_pin_by_a_key_distrusted_from_then_on_is_passed_over() {
    let mut world = World::with(both());
    let one = world.build("shop/web@1");
    world.pin(&one);
    let two = world.build("shop/web@2");
    let stolen = world.pin_by(&two, &[&bob()]);
    let client = Client::of(&world);
    let before = world.answer(&EVERYTHING);
    distrust(&mut world, &bob(), stolen);
    let answer = client.verify(&world.answer(&EVERYTHING), &EVERYTHING, world.now).unwrap();
    assert_eq!(answer.lines[0].artifact, one);
    assert_eq!(answer.lines[0].passed_over[0].reason, PassReason::Distrusted);
    // What was kept from before is judged by the newest policy that the client knows.
    let wiser = Client { policies: answer.policies, ..client };
    let error =
        wiser.verify_in(&before, &EVERYTHING, world.now, crate::known_good::Mode::Offline).unwrap_err();
    assert!(matches!(error, AnswerError::Pin { .. }), "{error}");
}

#[test]
fn a_pin_from_before_the_distrust_and_one_that_others_signed_too_still_count() {
    let mut world = World::with(both());
    let one = world.build("shop/web@1");
    let early = world.pin_by(&one, &[&bob()]);
    distrust(&mut world, &bob(), early.checked_add(1).unwrap());
    assert_eq!(world.choose(&EVERYTHING).lines[0].artifact.artifact, one);
    let mut world = World::with(both());
    let one = world.build("shop/web@1");
    let shared = world.pin_by(&one, &[&bob(), &ana()]);
    distrust(&mut world, &bob(), shared);
    let answer = Client::of(&world).ask(&world, &EVERYTHING);
    assert_eq!(answer.lines[0].artifact, one);
}

#[test]
fn nobody_is_passed_over_as_distrusted_whom_the_policy_trusts() {
    let mut world = World::with(both());
    for version in ["shop/web@1", "shop/web@2"] {
        let artifact = world.build(version);
        world.pin(&artifact);
    }
    let two = world.choose(&EVERYTHING).lines[0].artifact.artifact.clone();
    let index = world.deny(&two);
    let mut lie = world.answer(&EVERYTHING);
    lie.lines[0].passed_over[0].reason = PassReason::Distrusted;
    for ended_by in [Some(world.proven(index)), Some(world.proven(of("0"))), None] {
        lie.lines[0].passed_over[0].ended_by = ended_by;
        let error = Client::of(&world).verify(&lie, &EVERYTHING, world.now).unwrap_err();
        assert!(matches!(error, AnswerError::PassedOver { .. }), "{error}");
    }
}

#[test]
fn a_deny_by_a_distrusted_key_ends_nothing() {
    let mut world = World::with(both());
    let one = world.build("shop/web@1");
    world.pin(&one);
    let two = world.build("shop/web@2");
    world.pin(&two);
    let index = world.say(deny(&two), &[&bob()]);
    let client = Client::of(&world);
    let denied = world.answer(&EVERYTHING);
    assert_eq!(client.verify(&denied, &EVERYTHING, world.now).unwrap().lines[0].artifact, one);
    distrust(&mut world, &bob(), index);
    let answer = client.verify(&world.answer(&EVERYTHING), &EVERYTHING, world.now).unwrap();
    assert_eq!(answer.lines[0].artifact, two);
}

//! T30: too few keys, keys without the role, keys that changed in between.

use holdfast_formats::checkpoint::{Checkpoint, sign_checkpoint};
use holdfast_formats::key::SigningKey;
use holdfast_formats::policy::{Policy, Principal, PrincipalKind, Role};

use super::answers::{Client, EVERYTHING};
use super::lies::{evidence, refusal, with_pin};
use super::world::{PROD, World, ana, bob, deny, of, policy, registry_key};
use crate::entitlement::EntitlementError;
use crate::known_good::{AnswerError, EvidenceError};
use crate::logged::LoggedError;

/// Ana and Bob release together; Bob may do nothing else.
fn team() -> Policy {
    let mut policy = policy();
    policy.principals.push(Principal {
        id: of("bob"),
        kind: PrincipalKind::Ed25519,
        key: Some(bob().public()),
        issuer: None,
        audience: None,
        claims: None,
    });
    for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Releaser) {
        rule.principals.push(of("bob"));
        rule.threshold = 2;
    }
    policy
}

#[test]
fn t30_a_pin_with_fewer_keys_than_the_threshold_is_refused() {
    let mut world = World::with(team());
    let one = world.build("shop/web@1");
    world.pin_by(&one, &[&ana(), &bob()]);
    Client::of(&world).ask(&world, &EVERYTHING);
    let two = world.build("shop/web@2");
    let alone = world.force(world.next_pin(PROD, &two), &[&ana()]);
    let lie = with_pin(&world, alone, 2, &two);
    let error = evidence(refusal(&world, &lie));
    let EvidenceError::Entitlement(EntitlementError::Threshold { have: 1, need: 2, .. }) = error else {
        panic!("{error}")
    };
}

#[test]
fn t30_a_pin_by_a_key_without_the_role_or_unknown_to_the_policy_is_refused() {
    let mut world = World::solo();
    let one = world.build("shop/web@1");
    world.pin(&one);
    let two = world.build("shop/web@2");
    let by_registry = world.force(world.next_pin(PROD, &two), &[&registry_key()]);
    let by_stranger = world.force(world.next_pin(PROD, &two), &[&bob()]);
    let error = evidence(refusal(&world, &with_pin(&world, by_registry, 2, &two)));
    assert!(matches!(error, EvidenceError::Entitlement(EntitlementError::NoRole { .. })), "{error}");
    let error = evidence(refusal(&world, &with_pin(&world, by_stranger, 2, &two)));
    assert!(matches!(error, EvidenceError::Logged(LoggedError::KeyUnknown(_))), "{error}");
}

#[test]
fn t30_a_deny_by_somebody_who_may_not_ends_nothing() {
    let mut world = World::with(team());
    let one = world.build("shop/web@1");
    world.pin_by(&one, &[&ana(), &bob()]);
    let two = world.build("shop/web@2");
    world.pin_by(&two, &[&ana(), &bob()]);
    let forged = world.force(deny(&two), &[&registry_key()]);
    world.say(deny(&two), &[&bob()]);
    let mut lie = world.answer(&EVERYTHING);
    Client::of(&world).verify(&lie, &EVERYTHING, world.now).unwrap();
    lie.lines[0].passed_over[0].ended_by = Some(world.proven(forged));
    let error = evidence(refusal(&world, &lie));
    assert!(matches!(error, EvidenceError::Entitlement(EntitlementError::NoRole { .. })), "{error}");
}

#[test]
fn t30_rotated_keys_are_judged_by_the_policy_at_each_entrys_place() {
    let mut world = World::solo();
    let one = world.build("shop/web@1");
    world.pin(&one);
    let mut client = Client::of(&world);
    client.ask(&world, &EVERYTHING);
    // Releases go from Ana to Bob, and checkpoints to another key.
    let next_log_key = SigningKey::from_seed([20; 32]);
    world.change_policy(&[&ana()], |policy| {
        policy.principals.push(team().principals[1].clone());
        for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Releaser) {
            rule.principals = vec![of("bob")];
        }
        policy.log_keys = vec![next_log_key.public()];
    });
    let query = client.query(&EVERYTHING);
    let mut answer = world.answer(&query);
    let old_key = client.verify(&answer, &query, world.now).unwrap_err();
    assert!(matches!(old_key, AnswerError::Checkpoint(_)), "{old_key}");
    let sign = |world: &World| {
        let checkpoint = Checkpoint::new(of("registry.example/log"), world.size(), world.root());
        sign_checkpoint(&checkpoint.unwrap(), &next_log_key)
    };
    answer.checkpoint = sign(&world);
    let accepted = client.verify(&answer, &query, world.now).unwrap();
    assert_eq!(accepted.lines[0].artifact, one, "Ana's pin was made while it was hers to make");
    let two = world.build("shop/web@2");
    let late = world.force(world.next_pin(PROD, &two), &[&ana()]);
    let mut lie = with_pin(&world, late, 2, &two);
    lie.checkpoint = sign(&world);
    let error = evidence(refusal(&world, &lie));
    assert!(matches!(error, EvidenceError::Entitlement(EntitlementError::NoRole { .. })), "{error}");
}

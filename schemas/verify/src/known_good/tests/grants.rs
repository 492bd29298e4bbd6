//! Ephemeral keys: what a grant's key signed is answered and believed, and every lie about the grant is refused.

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::key::SigningKey;
use holdfast_formats::policy::{Distrust, Principal, PrincipalKind, Role, RoleRule};
use holdfast_formats::statement::{Action, Artifact, EntryIndex, Grant, Revoke};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{KnownGood, PassReason};

use super::answers::{Client, EVERYTHING};
use super::lies::{evidence, refusal, with_pin};
use super::world::{PROD, World, ana, bob, of, policy, registry_key};
use crate::entitlement::EntitlementError;
use crate::known_good::{AnswerError, EvidenceError};
use crate::logged::LoggedError;

const HOUR_MS: u64 = 3_600_000;

fn key() -> SigningKey {
    SigningKey::from_seed([50; 32])
}

/// A grant to publish and release in the shop, for an hour.
fn grant(world: &World) -> Grant {
    Grant {
        token_sha256: Sha256Digest::of(b"token"),
        subject: of("ci"),
        actions: vec![Action::Publish, Action::Release, Action::Deploy],
        names: vec![of("shop/*")],
        channels: vec![of("shop/*")],
        quotas: None,
        expires: Some(world.now.plus_ms(HOUR_MS)),
        key: Some(key().public()),
        oidc: None,
    }
}

/// One artifact that Ana pinned, and a second that nobody has pinned yet.
fn shop() -> (World, Artifact) {
    let mut world = World::solo();
    let one = world.build("shop/web@1");
    world.pin(&one);
    let two = world.build("shop/web@2");
    (world, two)
}

/// The answer with a pin that the ephemeral key made and the rule book never saw, shown with this grant.
fn lie(world: &mut World, artifact: &Artifact, grant: LeafIndex, revoke: Option<LeafIndex>) -> KnownGood {
    let pin = world.force(world.next_pin(PROD, artifact), &[&key()]);
    let shown = world.shown_grant(grant, revoke);
    KnownGood { grants: vec![shown], ..with_pin(world, pin, 2, artifact) }
}

fn entitlement(error: AnswerError) -> EntitlementError {
    match evidence(error) {
        EvidenceError::Entitlement(error) => error,
        EvidenceError::Logged(error) => error.into(),
        other => panic!("{other}"),
    }
}

/// What is said against the grant of the key.
fn rule(error: AnswerError) -> &'static str {
    match entitlement(error) {
        EntitlementError::Grant { rule, .. } => rule,
        other => panic!("{other}"),
    }
}

#[test]
fn what_an_ephemeral_key_published_deployed_and_pinned_is_believed() {
    let mut world = World::solo();
    let granted = world.say(grant(&world), &[&ana()]);
    let two = world.build_by("shop/web@2", &key());
    world.pin_by(&two, &[&key()]);
    world.deploy_by(&two, &key());
    let answer = Client::of(&world).ask(&world, &EVERYTHING);
    assert_eq!(answer.lines[0].artifact, two);
    assert_eq!(answer.lines[0].current, Some(two));
    let signer = &answer.lines[0].signers[0];
    assert_eq!((signer.principal.clone(), signer.subject.clone()), (None, Some(of("ci"))));
    assert_eq!(world.answer(&EVERYTHING).grants.len(), 1);
    // It stays true after the token has ended.
    world.later(2 * HOUR_MS);
    world.say(Revoke { grant: EntryIndex { index: granted }, reason: of("done") }, &[&ana()]);
    assert!(world.answer(&EVERYTHING).grants[0].revoke.is_some());
    Client::of(&world).ask(&world, &EVERYTHING);
}

#[test]
fn an_answer_without_the_grant_or_with_a_grant_of_another_key_is_refused() {
    let (mut world, two) = shop();
    let own = world.say(grant(&world), &[&ana()]);
    let mut other = grant(&world);
    other.token_sha256 = Sha256Digest::of(b"another");
    other.key = Some(SigningKey::from_seed([51; 32]).public());
    let other = world.say(other, &[&ana()]);
    world.pin_by(&two, &[&key()]);
    let honest = world.answer(&EVERYTHING);
    Client::of(&world).verify(&honest, &EVERYTHING, world.now).unwrap();
    let hidden = KnownGood { grants: Vec::new(), ..honest.clone() };
    let swapped = KnownGood { grants: vec![world.shown_grant(other, None)], ..honest.clone() };
    for lie in [hidden, swapped] {
        let error = entitlement(refusal(&world, &lie));
        assert!(matches!(error, EntitlementError::Logged(LoggedError::KeyUnknown(_))), "{error}");
    }
    let twice = vec![world.shown_grant(own, None), world.shown_grant(own, None)];
    let error = evidence(refusal(&world, &KnownGood { grants: twice, ..honest.clone() }));
    assert!(matches!(error, EvidenceError::Grant(_)), "{error}");
    let mut moved = honest;
    moved.grants[0].grant.index = other;
    let error = evidence(refusal(&world, &moved));
    assert!(matches!(error, EvidenceError::Inclusion(_)), "{error}");
}

#[test]
fn a_grant_that_administrators_never_gave_is_refused() {
    let (mut world, two) = shop();
    let forged = grant(&world);
    for (signer, named) in [(bob(), false), (registry_key(), true)] {
        let mut world = world.clone();
        let forged = world.force(forged.clone(), &[&signer]);
        let error = entitlement(refusal(&world.clone(), &lie(&mut world, &two, forged, None)));
        match error {
            EntitlementError::NoRole { role: Role::Administrator } => assert!(named),
            EntitlementError::Logged(LoggedError::KeyUnknown(_)) => assert!(!named),
            other => panic!("{other}"),
        }
    }
    let mut self_made = grant(&world);
    self_made.actions.push(Action::Administer);
    let first = world.say(self_made, &[&ana()]);
    let mut second = grant(&world);
    second.key = Some(SigningKey::from_seed([51; 32]).public());
    let second = world.force(second, &[&key()]);
    let mut answer = world.answer(&EVERYTHING);
    answer.grants = vec![world.shown_grant(first, None), world.shown_grant(second, None)];
    let error = entitlement(refusal(&world, &answer));
    assert!(matches!(error, EntitlementError::Logged(LoggedError::KeyUnknown(_))), "{error}");
}

#[test]
fn an_administrator_of_less_does_not_give_more() {
    let mut policy = policy();
    let key = Some(bob().public());
    let (kind, none) = (PrincipalKind::Ed25519, None);
    policy.principals.push(Principal {
        id: of("bob"),
        kind,
        key,
        issuer: none,
        audience: None,
        claims: None,
    });
    policy.roles.push(RoleRule {
        role: Role::Administrator,
        principals: vec![of("bob")],
        names: vec![of("shop/api")],
        channels: vec![of("shop/*")],
        threshold: 1,
    });
    let mut world = World::with(policy);
    let one = world.build("shop/web@1");
    world.pin(&one);
    let two = world.build("shop/web@2");
    let wide = world.force(grant(&world), &[&bob()]);
    let error = entitlement(refusal(&world.clone(), &lie(&mut world, &two, wide, None)));
    assert!(matches!(error, EntitlementError::NoRole { role: Role::Administrator }), "{error}");
}

#[test]
fn a_grant_for_something_else_is_refused() {
    let (world, two) = shop();
    let mut other_name = grant(&world);
    other_name.names = vec![of("shop/api")];
    let mut other_channel = grant(&world);
    other_channel.channels = vec![of("shop/staging")];
    for wrong in [other_name, other_channel] {
        let mut world = world.clone();
        let granted = world.say(wrong, &[&ana()]);
        let error = entitlement(refusal(&world.clone(), &lie(&mut world, &two, granted, None)));
        assert!(matches!(error, EntitlementError::NoRole { role: Role::Releaser }), "{error}");
    }
    let mut world = world;
    let mut publishes = grant(&world);
    publishes.actions = vec![Action::Publish];
    let granted = world.say(publishes, &[&ana()]);
    let error = refusal(&world.clone(), &lie(&mut world, &two, granted, None));
    assert_eq!(rule(error), "does not let it sign such a statement");
}

#[test]
fn a_grant_that_came_later_or_had_expired_is_refused() {
    let (mut world, two) = shop();
    let early = world.clone();
    let pin = world.force(world.next_pin(PROD, &two), &[&key()]);
    let late = world.say(grant(&world), &[&ana()]);
    let grants = vec![world.shown_grant(late, None)];
    let lie_later = KnownGood { grants, ..with_pin(&world, pin, 2, &two) };
    assert_eq!(rule(refusal(&world, &lie_later)), "is later than what the key signed");
    let mut world = early;
    let granted = world.say(grant(&world), &[&ana()]);
    world.later(HOUR_MS);
    let lie = lie(&mut world, &two, granted, None);
    assert_eq!(rule(refusal(&world, &lie)), "had expired when the key signed");
}

#[test]
fn a_revoke_that_is_shown_ends_the_grant_and_one_of_another_grant_is_refused() {
    let (mut world, two) = shop();
    let granted = world.say(grant(&world), &[&ana()]);
    let mut other = grant(&world);
    other.token_sha256 = Sha256Digest::of(b"another");
    other.key = None;
    let other = world.say(other, &[&ana()]);
    let revoke = |index| Revoke { grant: EntryIndex { index }, reason: of("it leaked") };
    let other_revoked = world.say(revoke(other), &[&ana()]);
    let forged = world.force(revoke(granted), &[&registry_key()]);
    let revoked = world.say(revoke(granted), &[&ana()]);
    let mut lie = lie(&mut world, &two, granted, Some(revoked));
    assert_eq!(rule(refusal(&world, &lie)), "had been revoked when the key signed");
    lie.grants[0].revoke = Some(world.proven(other_revoked));
    let error = evidence(refusal(&world, &lie));
    assert!(matches!(error, EvidenceError::Grant(_)), "{error}");
    lie.grants[0].revoke = Some(world.proven(forged));
    let error = entitlement(refusal(&world, &lie));
    assert!(matches!(error, EntitlementError::NoRole { role: Role::Administrator }), "{error}");
}

#[test]
fn two_ephemeral_keys_count_as_one_for_a_client_too() {
    let (mut world, two) = shop();
    world.change_policy(&[&ana()], |policy| {
        let key = Some(bob().public());
        let kind = PrincipalKind::Ed25519;
        policy.principals.push(Principal {
            id: of("bob"),
            kind,
            key,
            issuer: None,
            audience: None,
            claims: None,
        });
        for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Releaser) {
            rule.principals.push(of("bob"));
            rule.threshold = 2;
        }
    });
    let first = world.say(grant(&world), &[&ana()]);
    let mut second = grant(&world);
    let other_key = SigningKey::from_seed([51; 32]);
    second.token_sha256 = Sha256Digest::of(b"another");
    second.key = Some(other_key.public());
    let second = world.say(second, &[&ana()]);
    let pin = world.force(world.next_pin(PROD, &two), &[&key(), &other_key]);
    let grants = vec![world.shown_grant(first, None), world.shown_grant(second, None)];
    let lie = KnownGood { grants, ..with_pin(&world, pin, 2, &two) };
    let error = entitlement(refusal(&world, &lie));
    assert!(matches!(error, EntitlementError::Threshold { have: 1, need: 2, .. }), "{error}");
    world.pin_by(&two, &[&key(), &bob()]);
    Client::of(&world).ask(&world, &EVERYTHING);
}

#[test]
fn an_ephemeral_key_falls_with_who_granted_it() {
    let mut policy = policy();
    let carol = SigningKey::from_seed([60; 32]);
    policy.principals.push(Principal {
        id: of("carol"),
        kind: PrincipalKind::Ed25519,
        key: Some(carol.public()),
        issuer: None,
        audience: None,
        claims: None,
    });
    for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Administrator) {
        rule.principals.push(of("carol"));
    }
    let mut world = World::with(policy);
    let one = world.build("shop/web@1");
    world.pin(&one);
    let two = world.build("shop/web@2");
    let stolen = world.say(grant(&world), &[&carol]);
    world.pin_by(&two, &[&key()]);
    let before = world.answer(&EVERYTHING);
    let distrust = Distrust { key: carol.public(), from_entry: stolen, reason: of("the laptop was stolen") };
    world.change_policy(&[&ana()], |policy| policy.distrust.push(distrust));
    let answer = Client::of(&world).ask(&world, &EVERYTHING);
    assert_eq!(answer.lines[0].artifact, one);
    assert_eq!(answer.lines[0].passed_over[0].reason, PassReason::Distrusted);
    // A client that knows the newer policy does not take the older answer for good.
    let wiser = Client { policies: answer.policies, ..Client::of(&world) };
    let error =
        wiser.verify_in(&before, &EVERYTHING, world.now, crate::known_good::Mode::Offline).unwrap_err();
    assert!(matches!(error, AnswerError::Pin { .. }), "{error}");
    // And the key signs nothing more.
    let three = world.build("shop/web@3");
    let pin = world.force(world.next_pin(PROD, &three), &[&key()]);
    let grants = vec![world.shown_grant(stolen, None)];
    let lie = KnownGood { grants, ..with_pin(&world, pin, 3, &three) };
    assert_eq!(rule(refusal(&world, &lie)), "was given by or to somebody whom the policy did not let then");
}

//! `deny`, `lift`, `freeze`, `thaw`.

use holdfast_formats::policy::Role;
use holdfast_formats::statement::{DenyScope, EntryIndex, Freeze, Lift, Thaw};
use holdfast_formats::tree::LeafIndex;

use super::world::{World, ana, bob, cleo, deny, of, policy, unpublished};
use crate::denial::denied;
use crate::facts::Facts as _;
use crate::refusal::{Refusal, RefusalKind};

fn lift(index: LeafIndex) -> Lift {
    Lift { deny: EntryIndex { index }, reason: of("found to be harmless") }
}

fn thaw(index: LeafIndex) -> Thaw {
    Thaw { freeze: EntryIndex { index }, reason: of("it is over") }
}

fn freeze(channel: &str) -> Freeze {
    Freeze { channel: of(channel), reason: of("audit"), until: None }
}

#[test]
fn a_deny_needs_no_published_artifact_and_stands_until_it_is_lifted() {
    let mut world = World::solo();
    let artifact = unpublished("shop/web@1.0.0");
    let index = world.say(deny(&artifact, DenyScope::Namespace, None), &[&ana()]).unwrap();
    let stands = |world: &World, channel: &str| {
        denied(&world.ledger, &policy(), &artifact, &of(channel)).unwrap().map(|deny| deny.index)
    };
    assert_eq!(stands(&world, "shop/prod"), Some(index));
    assert_eq!(stands(&world, "bank/prod"), None);
    let by = world.say(lift(index), &[&ana()]).unwrap();
    assert_eq!(stands(&world, "shop/prod"), None);
    assert_eq!(world.say(lift(index), &[&ana()]), Err(Refusal::AlreadyEnded { what: "deny", index, by }));
}

#[test]
fn a_deny_by_a_distrusted_key_alone_no_longer_stands() {
    let mut world = World::solo();
    world.amend(|next| {
        for role in next.roles.iter_mut().filter(|role| role.role == Role::Releaser) {
            role.principals.push(of("bob"));
        }
    });
    let [one, two] = [world.scrubbed("shop/web@1"), world.scrubbed("shop/api@1")];
    world.say(deny(&one, DenyScope::Everywhere, None), &[&bob()]).unwrap();
    world.say(deny(&two, DenyScope::Everywhere, None), &[&bob(), &ana()]).unwrap();
    world.distrust(&bob());
    world.pin("shop/prod", &one, &[&ana()]).unwrap();
    assert_eq!(world.pin("shop/prod", &two, &[&ana()]).unwrap_err().kind(), RefusalKind::Denied);
}

#[test]
fn a_deny_names_a_channel_exactly_when_its_scope_is_one() {
    let mut world = World::solo();
    let artifact = unpublished("shop/web@1.0.0");
    let wrong = [
        (DenyScope::Channel, None),
        (DenyScope::Namespace, Some("shop/prod")),
        (DenyScope::Everywhere, Some("shop/prod")),
    ];
    for (scope, channel) in wrong {
        let refusal = world.say(deny(&artifact, scope, channel), &[&ana()]).unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Malformed);
    }
}

#[test]
fn t24_a_deny_everywhere_does_not_touch_the_same_digests_of_another_namespace() {
    let mut world = World::solo();
    let ours = unpublished("shop/web@1.0.0");
    let theirs = unpublished("bank/web@1.0.0");
    world.say(deny(&ours, DenyScope::Everywhere, None), &[&ana()]).unwrap();
    let stands = |artifact| denied(&world.ledger, &policy(), artifact, &of("bank/prod")).unwrap().is_some();
    assert!(stands(&ours));
    assert!(!stands(&theirs));
}

/// Bob and Cleo release the shop in pairs, Bob to production and staging, and each alone may stop things.
fn pairs() -> World {
    let mut policy = policy();
    for rule in &mut policy.roles {
        if rule.role == Role::Releaser {
            rule.principals = vec![of("bob"), of("cleo")];
            rule.names = vec![of("shop/*")];
            rule.channels = vec![of("shop/*")];
            rule.threshold = 2;
        }
    }
    World::with(policy)
}

#[test]
fn one_releaser_denies_and_freezes_and_the_pin_threshold_lifts_and_thaws() {
    let mut world = pairs();
    let artifact = unpublished("shop/web@1.0.0");
    let denied = world.say(deny(&artifact, DenyScope::Everywhere, None), &[&bob()]).unwrap();
    let frozen = world.say(freeze("shop/prod"), &[&cleo()]).unwrap();
    assert_eq!(world.say(lift(denied), &[&bob()]).unwrap_err().kind(), RefusalKind::ThresholdNotMet);
    assert_eq!(world.say(thaw(frozen), &[&bob()]).unwrap_err().kind(), RefusalKind::ThresholdNotMet);
    world.say(lift(denied), &[&bob(), &cleo()]).unwrap();
    world.say(thaw(frozen), &[&cleo(), &bob()]).unwrap();
}

#[test]
fn a_releaser_stops_nothing_outside_its_names_and_channels() {
    let mut world = pairs();
    let role_missing =
        |answer: Result<LeafIndex, Refusal>| answer.unwrap_err().kind() == RefusalKind::RoleMissing;
    let theirs = unpublished("bank/web@1.0.0");
    assert!(role_missing(world.say(deny(&theirs, DenyScope::Everywhere, None), &[&bob()])));
    let ours = unpublished("shop/web@1.0.0");
    assert!(role_missing(world.say(deny(&ours, DenyScope::Channel, Some("bank/prod")), &[&bob()])));
    assert!(role_missing(world.say(freeze("bank/prod"), &[&bob()])));
    assert!(role_missing(world.say(freeze("shop/prod"), &[&ana()])));
}

#[test]
fn t24_the_index_of_a_foreign_entry_tells_nothing_of_what_stands_there() {
    let mut policy = policy();
    let mut rule = policy.roles.iter().find(|rule| rule.role == Role::Releaser).unwrap().clone();
    rule.principals = vec![of("bob")];
    (rule.names, rule.channels) = (vec![of("shop/*")], vec![of("shop/*")]);
    policy.roles.push(rule);
    let mut world = World::with(policy);
    let theirs = unpublished("bank/web@1.0.0");
    let denied = world.say(deny(&theirs, DenyScope::Everywhere, None), &[&ana()]).unwrap();
    let frozen = world.say(freeze("bank/prod"), &[&ana()]).unwrap();
    for index in [denied, frozen, world.next()] {
        let (no_deny, no_freeze) = (
            Refusal::EntryNotFound { what: "deny", index },
            Refusal::EntryNotFound { what: "freeze", index },
        );
        assert_eq!(world.say(lift(index), &[&bob()]), Err(no_deny));
        assert_eq!(world.say(thaw(index), &[&bob()]), Err(no_freeze));
    }
}

#[test]
fn a_releaser_of_one_channel_does_not_lift_what_is_denied_in_all() {
    let mut policy = policy();
    for rule in &mut policy.roles {
        rule.channels = vec![of("shop/staging")];
    }
    let mut world = World::with(policy);
    let artifact = unpublished("shop/web@1.0.0");
    let index = world.say(deny(&artifact, DenyScope::Namespace, None), &[&ana()]).unwrap();
    assert_eq!(world.say(lift(index), &[&ana()]).unwrap_err().kind(), RefusalKind::RoleMissing);
}

#[test]
fn an_end_names_an_entry_of_its_own_kind() {
    let mut world = World::solo();
    let frozen = world.say(freeze("shop/prod"), &[&ana()]).unwrap();
    assert_eq!(
        world.say(lift(frozen), &[&ana()]),
        Err(Refusal::EntryNotFound { what: "deny", index: frozen })
    );
    let none = world.next();
    assert_eq!(world.say(thaw(none), &[&ana()]), Err(Refusal::EntryNotFound { what: "freeze", index: none }));
    let by = world.say(thaw(frozen), &[&ana()]).unwrap();
    assert_eq!(
        world.say(thaw(frozen), &[&ana()]),
        Err(Refusal::AlreadyEnded { what: "freeze", index: frozen, by })
    );
    assert_eq!(world.ledger.freezes(&of("shop/prod")).unwrap(), []);
}

#[test]
fn a_freeze_ends_in_the_future() {
    let mut world = World::solo();
    let mut past = freeze("shop/prod");
    past.until = Some(world.now);
    assert!(matches!(world.say(past, &[&ana()]), Err(Refusal::NotInTheFuture { .. })));
}

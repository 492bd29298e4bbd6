//! `grant` and `revoke`.

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::key::{PublicKey, SigningKey};
use holdfast_formats::policy::{Policy, Principal, PrincipalKind, Role, RoleRule};
use holdfast_formats::statement::{Action, EntryIndex, Grant, GrantOidc, Revoke};
use holdfast_formats::tree::LeafIndex;

use super::world::{HOUR_MS, World, ana, bob, log_key, of, policy, registry_key};
use crate::refusal::{Refusal, RefusalKind};

/// A grant of the shop.
pub(super) fn grant(token: &str, actions: &[Action], key: Option<PublicKey>) -> Grant {
    Grant {
        token_sha256: Sha256Digest::of(token.as_bytes()),
        subject: of("ci"),
        actions: actions.to_vec(),
        names: vec![of("shop/*")],
        channels: vec![of("shop/*")],
        quotas: None,
        expires: None,
        key,
        oidc: None,
    }
}

fn revoke(index: LeafIndex) -> Revoke {
    Revoke { grant: EntryIndex { index }, reason: of("it leaked") }
}

fn ephemeral(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// A policy in which Bob administers the shop and nothing else.
fn bob_administers() -> Policy {
    let mut policy = policy();
    policy.roles.push(RoleRule {
        role: Role::Administrator,
        principals: vec![of("bob")],
        names: vec![of("shop/*")],
        channels: vec![of("shop/prod")],
        threshold: 1,
    });
    policy
}

#[test]
fn nobody_grants_more_than_their_own_rule_covers() {
    let mut world = World::with(bob_administers());
    let mut good = grant("a", &[Action::Read], None);
    good.channels = vec![of("shop/prod")];
    let mut wide_channel = good.clone();
    wide_channel.channels = vec![of("shop/*")];
    let mut wide_name = good.clone();
    wide_name.names.push(of("*"));
    for (wrong, pattern) in [(wide_channel, "shop/*"), (wide_name, "*")] {
        assert_eq!(world.say(wrong, &[&bob()]), Err(Refusal::GrantTooWide { pattern: of(pattern) }));
    }
    world.say(good, &[&bob()]).unwrap();
}

#[test]
fn nobody_revokes_what_they_could_not_grant() {
    let mut world = World::with(bob_administers());
    let index = world.say(grant("a", &[Action::Read], None), &[&ana()]).unwrap();
    let hidden = Refusal::EntryNotFound { what: "grant", index };
    assert_eq!(world.say(revoke(index), &[&bob()]), Err(hidden), "t24: its index tells him nothing");
    let by = world.say(revoke(index), &[&ana()]).unwrap();
    assert_eq!(world.say(revoke(index), &[&ana()]), Err(Refusal::AlreadyEnded { what: "grant", index, by }));
    let none = world.next();
    assert_eq!(
        world.say(revoke(none), &[&ana()]),
        Err(Refusal::EntryNotFound { what: "grant", index: none })
    );
}

#[test]
fn a_grant_says_what_it_allows_and_ends_in_the_future() {
    let mut world = World::solo();
    let good = grant("a", &[Action::Read], None);
    let malformed = [
        Grant { actions: Vec::new(), ..good.clone() },
        Grant { names: Vec::new(), ..good.clone() },
        Grant { channels: vec![of("shop/*"); 65], ..good.clone() },
    ];
    for wrong in malformed {
        assert_eq!(world.say(wrong, &[&ana()]).unwrap_err().kind(), RefusalKind::Malformed);
    }
    let past = Grant { expires: Some(world.now), ..good };
    assert!(matches!(world.say(past, &[&ana()]), Err(Refusal::NotInTheFuture { .. })));
}

#[test]
fn a_token_and_an_ephemeral_key_belong_to_one_grant() {
    let mut world = World::solo();
    let key = ephemeral(50).public();
    let first = world.say(grant("a", &[Action::Read], Some(key.clone())), &[&ana()]).unwrap();
    world.say(revoke(first), &[&ana()]).unwrap();
    let in_use = [
        grant("a", &[Action::Read], None),
        grant("b", &[Action::Read], Some(key)),
        grant("b", &[Action::Read], Some(bob().public())),
        grant("b", &[Action::Read], Some(log_key().public())),
    ];
    for wrong in in_use {
        assert!(matches!(world.say(wrong, &[&ana()]), Err(Refusal::InUse { .. })));
    }
}

#[test]
fn t35_an_ephemeral_key_signs_what_its_grant_covers_while_it_is_valid() {
    let mut world = World::solo();
    let key = ephemeral(50);
    let mut given = grant("a", &[Action::Publish], Some(key.public()));
    given.expires = Some(world.now.plus_ms(2 * HOUR_MS));
    let index = world.say(given, &[&ana()]).unwrap();
    let inside = world.build("shop/web@1", "1");
    world.say(inside, &[&key]).unwrap();
    let outside = world.build("bank/web@1", "2");
    assert_eq!(world.say(outside, &[&key]).unwrap_err().kind(), RefusalKind::RoleMissing);
    let artifact = world.scrubbed("shop/web@2");
    assert_eq!(world.pin("shop/prod", &artifact, &[&key]).unwrap_err().kind(), RefusalKind::RoleMissing);
    world.later(2 * HOUR_MS);
    let late = world.build("shop/web@3", "3");
    assert_eq!(
        world.say(late.clone(), &[&key]).unwrap_err().kind(),
        RefusalKind::SignatureMissing,
        "it expired"
    );
    let second = ephemeral(51);
    let index_2 = world.say(grant("b", &[Action::Publish], Some(second.public())), &[&ana()]).unwrap();
    world.say(revoke(index_2), &[&ana()]).unwrap();
    assert_eq!(
        world.say(late, &[&second]).unwrap_err().kind(),
        RefusalKind::SignatureMissing,
        "it was revoked"
    );
    assert!(index < index_2);
}

#[test]
fn t30_ephemeral_keys_never_make_a_quorum_or_a_grant() {
    let mut policy = policy();
    for role in policy.roles.iter_mut().filter(|role| role.role == Role::Releaser) {
        role.principals = vec![of("ana"), of("bob")];
        role.threshold = 2;
    }
    let mut world = World::with(policy);
    let (one, two) = (ephemeral(50), ephemeral(51));
    let all = [Action::Release, Action::Administer];
    world.say(grant("a", &all, Some(one.public())), &[&ana()]).unwrap();
    world.say(grant("b", &all, Some(two.public())), &[&ana()]).unwrap();
    let artifact = world.scrubbed("shop/web@1");
    let refusal = world.pin("shop/prod", &artifact, &[&one, &two]).unwrap_err();
    assert!(matches!(refusal, Refusal::ThresholdNotMet { have: 1, need: 2, .. }), "{refusal}");
    world.pin("shop/prod", &artifact, &[&one, &bob()]).unwrap();
    let more = world.say(grant("c", &[Action::Read], None), &[&one]).unwrap_err();
    assert_eq!(more.kind(), RefusalKind::RoleMissing);
}

/// A policy in which builds of one issuer may publish in the shop, and are said to administer it.
fn with_issuer() -> Policy {
    let mut policy = policy();
    policy.principals.push(Principal {
        id: of("builds"),
        kind: PrincipalKind::Oidc,
        key: None,
        issuer: Some(of("https://issuer.example")),
        audience: None,
        claims: None,
    });
    for role in [Role::Publisher, Role::Administrator] {
        policy.roles.push(RoleRule {
            role,
            principals: vec![of("builds")],
            names: vec![of("shop/*")],
            channels: vec![of("shop/*")],
            threshold: 1,
        });
    }
    policy
}

#[test]
fn the_registry_grants_an_outside_identity_only_what_policy_lets_it_have() {
    let mut world = World::with(with_issuer());
    let claims_sha256 = Sha256Digest::of(b"claims");
    let oidc = |issuer: &str| Some(GrantOidc { issuer: of(issuer), subject: of("repo"), claims_sha256 });
    let mut good = grant("a", &[Action::Read, Action::Publish], Some(ephemeral(50).public()));
    good.oidc = oidc("https://issuer.example");
    good.subject = of("builds");
    good.expires = Some(world.now.plus_ms(HOUR_MS));
    let wrong = [
        Grant { subject: of("ana"), ..good.clone() },
        Grant { expires: Some(world.now.plus_ms(HOUR_MS + 60_000)), ..good.clone() },
        Grant { oidc: oidc("https://other.example"), ..good.clone() },
        Grant { actions: vec![Action::Release], ..good.clone() },
        Grant { actions: vec![Action::Administer], ..good.clone() },
        Grant { names: vec![of("*")], ..good.clone() },
        Grant { expires: None, ..good.clone() },
    ];
    for wrong in wrong {
        assert!(matches!(world.say(wrong, &[&registry_key()]), Err(Refusal::OidcNotAllowed { .. })));
    }
    assert!(matches!(world.say(good.clone(), &[&bob()]), Err(Refusal::RegistryOnly { .. })));
    let own = Grant { oidc: None, ..good.clone() };
    assert_eq!(world.say(own, &[&registry_key()]).unwrap_err().kind(), RefusalKind::RoleMissing);
    let replayed = Grant { token_sha256: Sha256Digest::of(b"b"), key: None, ..good.clone() };
    world.say(good, &[&registry_key()]).unwrap();
    let refused = world.say(replayed, &[&registry_key()]);
    assert_eq!(refused, Err(Refusal::InUse { what: "ID token" }), "t16: one ID token makes one grant");
}

#[test]
fn t35_a_grant_of_an_outside_identity_ends_with_its_principal() {
    let mut world = World::with(with_issuer());
    let key = ephemeral(50);
    let claims_sha256 = Sha256Digest::of(b"claims");
    let mut given = grant("a", &[Action::Publish], Some(key.public()));
    given.oidc = Some(GrantOidc { issuer: of("https://issuer.example"), subject: of("repo"), claims_sha256 });
    (given.subject, given.expires) = (of("builds"), Some(world.now.plus_ms(HOUR_MS)));
    world.say(given, &[&registry_key()]).unwrap();
    let first = world.build("shop/web@1", "1");
    world.say(first, &[&key]).unwrap();
    world.amend(|next| {
        next.roles.retain(|rule| !rule.principals.contains(&of("builds")));
        next.principals.retain(|principal| principal.id != of("builds"));
    });
    let second = world.build("shop/web@2", "2");
    assert_eq!(world.say(second, &[&key]).unwrap_err().kind(), RefusalKind::SignatureMissing);
}

#[test]
fn the_registry_publishes_for_a_grant_where_the_namespace_allows_it() {
    let mut policy = policy();
    let mut open = policy.namespaces.clone();
    for rule in &mut open {
        rule.name = of("shop");
        rule.registry_publishes = true;
    }
    policy.namespaces.splice(0..0, open);
    let mut world = World::with(policy);
    let mut wide = grant("a", &[Action::Publish], None);
    wide.names = vec![of("*")];
    let wide = world.say(wide, &[&ana()]).unwrap();
    let reads = world.say(grant("b", &[Action::Read], None), &[&ana()]).unwrap();
    let mut say = |artifact: &str, via| {
        let mut publish = world.build(artifact, artifact);
        publish.via_grant = via;
        world.say(publish, &[&registry_key()])
    };
    say("shop/web@1", Some(wide)).unwrap();
    assert_eq!(say("shop/web@2", Some(reads)).unwrap_err().kind(), RefusalKind::RoleMissing);
    assert_eq!(say("shop/web@2", None).unwrap_err().kind(), RefusalKind::RoleMissing);
    assert_eq!(say("bank/web@2", Some(wide)).unwrap_err().kind(), RefusalKind::RoleMissing);
    assert_eq!(
        say("shop/web@2", Some(LeafIndex::new(0).unwrap())).unwrap_err().kind(),
        RefusalKind::NotFound
    );
    world.say(revoke(wide), &[&ana()]).unwrap();
    let mut late = world.build("shop/web@2", "2");
    late.via_grant = Some(wide);
    assert_eq!(world.say(late, &[&registry_key()]).unwrap_err().kind(), RefusalKind::RoleMissing);
}

use holdfast_formats::key::SigningKey;
use holdfast_formats::policy::{Principal, PrincipalKind};
use holdfast_formats::statement::{Attest, Freeze};

use super::*;
use crate::known_good::tests::world::{PROD, World, ana, bob, of, policy};
use crate::subject::statement;

fn cleo() -> SigningKey {
    SigningKey::from_seed([77; 32])
}

/// Ana, Bob and Cleo release, two of them together, and are the root, two of three.
fn team() -> Policy {
    let mut policy = policy();
    for (id, key) in [("bob", bob()), ("cleo", cleo())] {
        let key = Some(key.public());
        let (issuer, audience, claims) = (None, None, None);
        policy.principals.push(Principal {
            id: of(id),
            kind: PrincipalKind::Ed25519,
            key,
            issuer,
            audience,
            claims,
        });
    }
    for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Releaser) {
        rule.principals.extend([of("bob"), of("cleo")]);
        rule.threshold = 2;
    }
    policy
}

fn names(of: &[Signatory]) -> Vec<String> {
    of.iter().map(ToString::to_string).collect()
}

fn said(predicate: impl Into<Predicate>) -> Statement {
    let header = holdfast_formats::statement::Header {
        log: policy().origin,
        id: holdfast_formats::id::RandomId::from_bytes([1; 16]),
        issued_at: holdfast_formats::time::Timestamp::from_ms(1),
        not_after: holdfast_formats::time::Timestamp::from_ms(2),
        context: None,
        annotations: None,
    };
    statement(header, predicate)
}

#[test]
fn a_pin_of_two_tells_who_signed_and_who_could() {
    let mut world = World::with(team());
    let artifact = world.build("shop/web@1");
    let pin = said(world.next_pin(PROD, &artifact));
    let [approval] = approvals(&pin, &team(), &[bob().public().id()]).try_into().unwrap();
    assert_eq!((approval.need, approval.missing()), (2, 1));
    assert_eq!(approval.capacity, Capacity::Role(Role::Releaser));
    assert_eq!(names(&approval.signed), ["bob"]);
    assert_eq!(approval.open.len(), 2);
    assert!(names(&approval.open).contains(&"cleo".to_owned()));
}

#[test]
fn a_freeze_takes_one_and_nobody_can_sign_where_no_rule_is() {
    let freeze = said(Freeze { channel: of(PROD), reason: of("why"), until: None });
    let [one] = approvals(&freeze, &team(), &[]).try_into().unwrap();
    assert_eq!((one.need, one.missing(), one.open.len()), (1, 1, 3));
    let mut nobody = team();
    nobody.roles.clear();
    let [none] = approvals(&freeze, &nobody, &[ana().public().id()]).try_into().unwrap();
    assert_eq!((none.missing(), none.signed.len() + none.open.len()), (1, 0));
}

#[test]
fn a_policy_takes_the_root_keys_of_both_and_a_distrusted_key_is_none() {
    let mut new = team();
    new.root.keys = vec![bob().public(), cleo().public()];
    new.root.threshold = 2;
    let change = said(new);
    let [current, coming] = approvals(&change, &team(), &[ana().public().id()]).try_into().unwrap();
    assert_eq!((current.capacity, current.missing()), (Capacity::CurrentRoot, 0));
    assert_eq!((coming.capacity, coming.missing()), (Capacity::NewRoot, 2));
    assert_eq!(names(&coming.open), ["bob", "cleo"]);
    let mut distrusting = team();
    let (key, from_entry, reason) = (bob().public(), of("0"), of("stolen"));
    distrusting.distrust.push(holdfast_formats::policy::Distrust { key, from_entry, reason });
    let [_, coming] = approvals(&change, &distrusting, &[bob().public().id()]).try_into().unwrap();
    assert_eq!((coming.missing(), names(&coming.open)), (2, vec!["cleo".to_owned()]));
}

#[test]
fn what_stands_without_a_signer_is_told_from_what_falls() {
    let mut world = World::with(team());
    let artifact = world.build("shop/web@1");
    let pin = said(world.next_pin(PROD, &artifact));
    let [a, b, c] = [ana(), bob(), cleo()].map(|key| key.public().id());
    assert!(still_stands(&pin, &team(), &[a, b]) && !still_stands(&pin, &team(), &[c]));
    let attest = Attest {
        envelope: holdfast_formats::statement::AttestedEnvelope {
            digests: artifact.digests,
            size: holdfast_formats::number::ByteSize::of(b"1"),
            predicate_type: of("https://example.com/t"),
        },
        subjects: Vec::new(),
    };
    assert!(!still_stands(&said(attest), &team(), &[]));
}

//! What a lying registry could show beside the log: entries that somebody signed who may not say such things.

use holdfast_formats::policy::{Principal, PrincipalKind};
use holdfast_formats::statement::{
    Attest, AttestedEnvelope, EntryIndex, Freeze, Lift, RollbackPhase, Tag, TagTarget, Thaw,
};

use super::*;
use crate::judge::tests::upkeep::rollback;
use crate::known_good::tests::world::{PROD, World, ana, bob, of, policy};

/// Ana does everything. Bob deploys, and nothing else.
fn team() -> Policy {
    let mut policy = policy();
    let key = Some(bob().public());
    let (issuer, audience, claims) = (None, None, None);
    policy.principals.push(Principal {
        id: of("bob"),
        kind: PrincipalKind::Ed25519,
        key,
        issuer,
        audience,
        claims,
    });
    for rule in policy.roles.iter_mut().filter(|rule| rule.role == Role::Deployer) {
        rule.principals.push(of("bob"));
    }
    policy
}

fn check_said(
    world: &mut World,
    predicate: impl Into<Predicate>,
    by: &holdfast_formats::key::SigningKey,
) -> Result<(), EntitlementError> {
    let index = world.force(predicate, &[by]);
    let proven = |index| LoggedStatement::of_proven(&world.proven(index)).unwrap();
    let first = proven(of("0"));
    let chain = PolicyChain::from_trust(&world.trust(), &[first]).unwrap();
    check_unproven(&proven(index), &[], &chain)
}

#[test]
fn t18_an_entry_by_somebody_without_the_role_is_not_believed_whatever_it_says() {
    let mut world = World::with(team());
    let artifact = world.build("shop/web@1");
    let said: [Predicate; 6] = [
        Freeze { channel: of(PROD), reason: of("why"), until: None }.into(),
        Thaw { freeze: EntryIndex { index: of("1") }, reason: of("why") }.into(),
        Lift { deny: EntryIndex { index: of("1") }, reason: of("why") }.into(),
        Tag { name: of("shop/web"), tag: of("latest"), target: TagTarget { digests: artifact.digests } }
            .into(),
        Attest {
            envelope: AttestedEnvelope {
                digests: artifact.digests,
                size: holdfast_formats::number::ByteSize::of(b"1"),
                predicate_type: of("https://example.com/t"),
            },
            subjects: Vec::new(),
        }
        .into(),
        rollback("r1", RollbackPhase::Detected, PROD, false, &artifact).into(),
    ];
    for predicate in said {
        let kind = predicate.kind();
        let lie = check_said(&mut world, predicate.clone(), &bob());
        assert!(matches!(lie, Err(EntitlementError::NoRole { .. })), "{kind}: {lie:?}");
        let honest = check_said(&mut world, predicate, &ana());
        assert!(honest.is_ok(), "{kind}: {honest:?}");
    }
}

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::key::SigningKey;

use super::*;
use crate::known_good::tests::world::{World, ana, bob, of};

/// The policies of a log, oldest first.
fn policies(world: &World) -> Vec<LoggedStatement> {
    let indices = (0..world.leaves.len()).map(|at| LeafIndex::new(at as u64).unwrap());
    let logged = indices.map(|index| LoggedStatement::of_proven(&world.proven(index)).unwrap());
    logged.filter(|logged| number_of(logged).is_some()).collect()
}

/// A chain of three: Ana alone, then both with one of them enough, then both with both needed.
fn three() -> World {
    let mut world = World::solo();
    world.build("shop/web@1");
    world.change_policy(&[&ana()], |policy| policy.root.keys.push(bob().public()));
    world.change_policy(&[&ana(), &bob()], |policy| policy.root.threshold = 2);
    world
}

/// Logs a policy that the rule book would refuse.
fn forced(world: &mut World, by: &[&SigningKey], change: impl FnOnce(&mut Policy)) -> LoggedStatement {
    let fact = world.newest_policy();
    let mut policy = fact.policy.as_ref().clone();
    policy.number = policy.number.next().unwrap();
    policy.predecessor = Some(fact.entry);
    change(&mut policy);
    let index = world.force(policy, by);
    LoggedStatement::of_proven(&world.proven(index)).unwrap()
}

#[test]
fn a_chain_is_followed_from_its_beginning_and_from_its_middle() {
    let world = three();
    let all = policies(&world);
    let whole = PolicyChain::from_trust(&world.trust(), &all).unwrap();
    assert_eq!(whole.iter().count(), 3);
    let mut trust = world.trust();
    trust.policy = holdfast_formats::trust::TrustedPolicy {
        number: PolicyNumber::new(2).unwrap(),
        sha256: all[1].payload_sha256(),
    };
    assert_eq!(PolicyChain::from_trust(&trust, &all).unwrap(), whole, "the first is named by the second");
    let tail = PolicyChain::from_trust(&trust, &all[1..]).unwrap();
    assert_eq!(tail.in_force_at(of("1")), None, "what judged that entry is not known");
    assert_eq!(tail.newest(), whole.newest());
}

#[test]
fn t16_a_chain_without_the_trusted_policy_or_with_another_in_its_place_is_refused() {
    let world = three();
    let all = policies(&world);
    let error = PolicyChain::from_trust(&world.trust(), &all[1..]).unwrap_err();
    assert!(matches!(error, ChainError::AnchorMissing(_)), "{error}");
    let mut trust = world.trust();
    trust.policy.sha256 = Sha256Digest::of(b"another");
    let error = PolicyChain::from_trust(&trust, &all).unwrap_err();
    assert!(matches!(error, ChainError::AnchorDiffers(_)), "{error}");
}

#[test]
fn t30_a_policy_needs_the_threshold_of_the_old_and_of_the_new_root_keys() {
    let mut world = three();
    let chain = PolicyChain::from_trust(&world.trust(), &policies(&world)).unwrap();
    let cases: [(&[&SigningKey], u64); 3] = [(&[&ana()], 3), (&[&bob()], 3), (&[&ana(), &bob()], 4)];
    for (by, of_policy) in cases {
        let stranger = SigningKey::from_seed([30; 32]).public();
        let link = forced(&mut world.clone(), by, |policy| {
            policy.root.keys = vec![ana().public(), bob().public(), stranger];
            policy.root.threshold = 3;
        });
        match chain.extended(&[link]).unwrap_err() {
            ChainError::Threshold { of, .. } => assert_eq!(of.get(), of_policy),
            other => panic!("{other}"),
        }
    }
    let open = forced(&mut world, &[&ana()], |policy| policy.root.threshold = 0);
    assert!(matches!(chain.extended(&[open]), Err(ChainError::Threshold { .. })));
}

#[test]
fn a_policy_that_skips_a_number_or_names_another_predecessor_is_refused() {
    let world = three();
    let all = policies(&world);
    let chain = PolicyChain::from_trust(&world.trust(), &all).unwrap();
    let both: &[&SigningKey] = &[&ana(), &bob()];
    let skipping = forced(&mut world.clone(), both, |policy| policy.number = policy.number.next().unwrap());
    let elsewhere = forced(&mut world.clone(), both, |policy| policy.predecessor = Some(all[0].entry()));
    let orphan = forced(&mut world.clone(), both, |policy| policy.predecessor = None);
    for link in [skipping, elsewhere, orphan, all[2].clone()] {
        assert!(matches!(chain.extended(&[link]), Err(ChainError::Broken { .. })));
    }
    let mut gap = all;
    gap.remove(1);
    assert!(matches!(PolicyChain::from_trust(&world.trust(), &gap), Err(ChainError::Broken { .. })));
}

#[test]
fn t18_a_policy_of_another_log_and_an_entry_that_is_no_policy_are_refused() {
    let mut world = three();
    let chain = PolicyChain::from_trust(&world.trust(), &policies(&world)).unwrap();
    let other = forced(&mut world, &[&ana(), &bob()], |policy| policy.origin = of("twin.example/log"));
    assert!(matches!(chain.extended(&[other]), Err(ChainError::OtherLog { .. })));
    let publish = LoggedStatement::of_proven(&world.proven(of("1"))).unwrap();
    assert!(matches!(chain.extended(&[publish]), Err(ChainError::NotAPolicy(_))));
}

#[test]
fn t21_a_policy_with_a_signature_that_does_not_verify_is_refused() {
    let mut world = three();
    let chain = PolicyChain::from_trust(&world.trust(), &policies(&world)).unwrap();
    let link = forced(&mut world, &[&ana(), &bob()], |_| ());
    chain.extended(std::slice::from_ref(&link)).unwrap();
    let leaf = world.leaves.last_mut().unwrap();
    let text = String::from_utf8(leaf.bytes.clone()).unwrap();
    let at = text.find("\"sig\":\"").unwrap() + 7;
    let swapped = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    let broken = format!("{}{swapped}{}", &text[..at], &text[at + 1..]);
    let broken = LoggedStatement::read(link.index(), broken.as_bytes(), None).unwrap();
    let error = chain.extended(&[broken]).unwrap_err();
    assert!(matches!(error, ChainError::Entry { source: LoggedError::Signature(_), .. }), "{error}");
}

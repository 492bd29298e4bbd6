use holdfast_formats::checkpoint::sign_checkpoint;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::key::SigningKey;
use holdfast_formats::statement::{Action, EntryIndex, Grant, Revoke, ScrubOutcome};

use super::*;
use crate::known_good::tests::answers::Client;
use crate::known_good::tests::world::{PROD, World, ana, bob, head_key, of, registry_key, scrub};

/// A log with a published build, and the receipt of its publication.
fn logged() -> (World, PolicyChain, Receipt) {
    let mut world = World::solo();
    world.build("shop/web@1");
    let policies = Client::of(&world).policies;
    let receipt = world.receipt(of("1"));
    (world, policies, receipt)
}

#[test]
fn a_receipt_shows_what_was_logged_and_by_whom() {
    let (_, policies, receipt) = logged();
    let (checkpoint, verified) = verify_receipt(&receipt, &policies).unwrap();
    assert!(checkpoint.size().contains(receipt.index));
    assert_eq!(verified.get().index(), of("1"));
    assert_eq!(verified.get().signers(), [ana().public().id()]);
}

#[test]
fn a_receipt_for_another_place_or_another_entry_is_refused() {
    let (world, policies, receipt) = logged();
    let mut moved = receipt.clone();
    moved.index = of("2");
    assert!(matches!(verify_receipt(&moved, &policies), Err(ReceiptError::OtherIndex { .. })));
    let mut swapped = receipt.clone();
    swapped.entry = world.receipt(of("2")).entry;
    assert!(matches!(verify_receipt(&swapped, &policies), Err(ReceiptError::Inclusion(_))));
    let mut attached = receipt;
    attached.payload = Some(attached.entry.clone());
    assert!(matches!(verify_receipt(&attached, &policies), Err(ReceiptError::Entry(LoggedError::Payload))));
}

#[test]
fn a_receipt_whose_checkpoint_is_not_signed_by_a_log_key_of_this_log_is_refused() {
    let (world, policies, receipt) = logged();
    let renamed = receipt.proof.replace("registry.example/log", "other.example/log");
    let proof: TlogProof = receipt.proof.parse().unwrap();
    let checkpoint = Checkpoint::new(of("registry.example/log"), world.size(), world.root()).unwrap();
    let by_head_key = sign_checkpoint(&checkpoint, &head_key());
    let forged = TlogProof::new(proof.index(), proof.hashes().to_vec(), by_head_key).unwrap().to_string();
    for proof in [renamed, forged] {
        let lie = Receipt { proof, ..receipt.clone() };
        assert!(matches!(verify_receipt(&lie, &policies), Err(ReceiptError::Checkpoint(_))));
    }
}

#[test]
fn t30_a_receipt_of_a_statement_that_its_signer_may_not_make_is_refused() {
    let (mut world, policies, _) = logged();
    let artifact = world.build("shop/web@2");
    let honest = world.force(scrub(&artifact, ScrubOutcome::Good, world.now), &[&registry_key()]);
    verify_receipt(&world.receipt(honest), &policies).unwrap();
    let forged = world.force(scrub(&artifact, ScrubOutcome::Good, world.now), &[&ana()]);
    let error = verify_receipt(&world.receipt(forged), &policies).unwrap_err();
    assert!(matches!(error, ReceiptError::Entitlement(EntitlementError::RegistryOnly(_))), "{error}");
}

#[test]
fn policies_are_followed_by_their_receipts_and_each_must_be_in_the_log() {
    let (mut world, _, _) = logged();
    let second = world.change_policy(&[&ana()], |_| ());
    let receipts = [world.receipt(of("0")), world.receipt(second)];
    let chain = verify_policies(&world.trust(), &receipts).unwrap();
    assert_eq!(chain.newest().policy.number.get(), 2);
    assert_eq!(chain.in_force_at(second).unwrap().policy.number.get(), 1);
    assert_eq!(chain.in_force_of(world.size()).unwrap().policy.number.get(), 2);
    let [first, mut elsewhere] = receipts;
    elsewhere.index = of("2");
    elsewhere.proof = elsewhere.proof.replacen(&format!("index {second}"), "index 2", 1);
    let error = verify_policies(&world.trust(), &[first, elsewhere]).unwrap_err();
    assert!(matches!(error, ReceiptError::Inclusion(_)), "{error}");
}

fn grant(token: &[u8], key: Option<&SigningKey>) -> Grant {
    Grant {
        token_sha256: Sha256Digest::of(token),
        subject: of("ci"),
        actions: vec![Action::Release],
        names: vec![of("shop/*")],
        channels: vec![of("shop/*")],
        quotas: None,
        expires: None,
        key: key.map(SigningKey::public),
        oidc: None,
    }
}

#[test]
fn a_receipt_of_what_an_ephemeral_key_signed_needs_its_grant() {
    let (mut world, policies, _) = logged();
    let key = SigningKey::from_seed([50; 32]);
    let granted = world.say(grant(b"token", Some(&key)), &[&ana()]);
    let other = world.say(grant(b"other", Some(&SigningKey::from_seed([51; 32]))), &[&ana()]);
    let forged = world.force(grant(b"forged", Some(&key)), &[&bob()]);
    let artifact = world.build("shop/web@2");
    let pin = world.pin_by(&artifact, &[&key]);
    let receipt = world.receipt(pin);
    verify_receipt(&receipt, &policies).unwrap();
    for grant in [None, Some(other), Some(forged), Some(pin)] {
        let grant = grant.map(|index| world.shown_grant(index, None));
        let error = verify_receipt(&Receipt { grant, ..receipt.clone() }, &policies).unwrap_err();
        assert!(matches!(error, ReceiptError::Entitlement(_) | ReceiptError::Grant { .. }), "{error}");
    }
    let revoke = Revoke { grant: EntryIndex { index: granted }, reason: of("it leaked") };
    let revoked = world.say(revoke, &[&ana()]);
    let late = world.force(world.next_pin(PROD, &artifact), &[&key]);
    let grant = Some(world.shown_grant(granted, Some(revoked)));
    let error = verify_receipt(&Receipt { grant, ..world.receipt(late) }, &policies).unwrap_err();
    assert!(matches!(error, ReceiptError::Entitlement(EntitlementError::Grant { .. })), "{error}");
}

#[test]
fn a_list_of_grants_is_believed_entry_by_entry() {
    let (mut world, policies, _) = logged();
    let first = world.say(grant(b"first", None), &[&ana()]);
    let second = world.say(grant(b"second", None), &[&ana()]);
    let revoke = |index| Revoke { grant: EntryIndex { index }, reason: of("it leaked") };
    let revoked = world.say(revoke(first), &[&ana()]);
    let forged = world.force(grant(b"forged", None), &[&bob()]);
    let forged_end = world.force(revoke(second), &[&registry_key()]);
    let list = |world: &World, shown: Vec<ShownGrant>| {
        verify_grants(&GrantList { checkpoint: world.checkpoint(), grants: shown, next: None }, &policies)
    };
    let honest = vec![world.shown_grant(first, Some(revoked)), world.shown_grant(second, None)];
    let (_, believed) = list(&world, honest).unwrap();
    let ends: Vec<_> = believed.iter().map(|fact| fact.get().revoked).collect();
    assert_eq!(ends, [Some(revoked), None]);
    for lie in [
        world.shown_grant(forged, None),
        world.shown_grant(second, Some(revoked)),
        world.shown_grant(second, Some(forged_end)),
        world.shown_grant(revoked, None),
    ] {
        assert!(matches!(list(&world, vec![lie]), Err(ReceiptError::Grant { .. })));
    }
    let mut moved = world.shown_grant(first, None);
    moved.grant.index = second;
    assert!(matches!(list(&world, vec![moved]), Err(ReceiptError::Grant { .. })));
}

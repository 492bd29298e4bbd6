use holdfast_formats::digest::Digests;
use holdfast_formats::envelope::{Base64Bytes, Envelope, EnvelopeSignature, PAYLOAD_TYPE};
use holdfast_formats::key::SigningKey;
use holdfast_formats::origin::Origin;

use super::*;
use crate::policy_template::{RegistryKeys, solo_policy};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn keys() -> KnownKeys {
    let origin: Origin = "registry.example/log".parse().unwrap();
    let registry = RegistryKeys { log: key(1).public(), head: key(2).public(), registry: key(3).public() };
    KnownKeys::of_policy(&solo_policy(origin, registry, key(10).public(), "ana".parse().unwrap()))
}

fn check(payload: &[u8], signatures: &[EnvelopeSignature]) -> Result<Vec<CanonicalSignature>, Refusal> {
    verify_envelope(PAYLOAD_TYPE, payload, signatures, &keys())
}

#[test]
fn one_signature_a_known_key_is_kept_sorted_by_key_id() {
    let envelope = Envelope::sign(b"x".to_vec(), &key(10))
        .signed_also_by(&key(3))
        .signed_also_by(&key(10))
        .signed_also_by(&key(77));
    let kept: Vec<KeyId> = check(b"x", &envelope.signatures).unwrap().iter().map(|s| s.keyid).collect();
    let mut known = vec![key(10).public().id(), key(3).public().id()];
    known.sort();
    assert_eq!(kept, known);
}

#[test]
fn keys_that_sign_checkpoints_and_heads_sign_no_statements() {
    let envelope = Envelope::sign(b"x".to_vec(), &key(1)).signed_also_by(&key(2));
    assert_eq!(check(b"x", &envelope.signatures), Ok(Vec::new()));
}

#[test]
fn t21_a_known_key_whose_signature_fails_is_refused_and_not_left_out() {
    let mut envelope = Envelope::sign(b"x".to_vec(), &key(10));
    for signature in &mut envelope.signatures {
        signature.sig.0[63] ^= 1;
    }
    assert_eq!(check(b"x", &envelope.signatures), Err(Refusal::SignatureBad { key: key(10).public().id() }));
}

#[test]
fn t22_a_signature_over_another_payload_type_is_refused() {
    let other = "application/json";
    let sig = key(10).sign(&pre_authentication_encoding(other, b"x")).to_vec();
    let signature =
        EnvelopeSignature { keyid: Some(key(10).public().id().to_string()), sig: Base64Bytes(sig) };
    assert!(verify_envelope(other, b"x", std::slice::from_ref(&signature), &keys()).is_ok());
    assert!(matches!(check(b"x", &[signature]), Err(Refusal::SignatureBad { .. })));
}

#[test]
fn a_signature_without_a_hint_finds_its_key() {
    for hint in [None, Some("release signer".to_owned())] {
        let mut envelope = Envelope::sign(b"x".to_vec(), &key(10));
        for signature in &mut envelope.signatures {
            signature.keyid.clone_from(&hint);
        }
        let kept = check(b"x", &envelope.signatures).unwrap();
        assert_eq!(kept.iter().map(|s| s.keyid).collect::<Vec<_>>(), [key(10).public().id()]);
    }
}

#[test]
fn a_hint_that_names_another_known_key_is_refused() {
    let mut envelope = Envelope::sign(b"x".to_vec(), &key(10));
    for signature in &mut envelope.signatures {
        signature.keyid = Some(key(3).public().id().to_string());
    }
    assert!(matches!(check(b"x", &envelope.signatures), Err(Refusal::SignatureBad { .. })));
}

#[test]
fn t27_signatures_without_hints_cost_a_bounded_number_of_trials() {
    let junk = EnvelopeSignature { keyid: None, sig: Base64Bytes(vec![0; 64]) };
    let many = vec![junk; TRIALS_MAX];
    assert!(matches!(check(b"x", &many), Err(Refusal::SignatureUnnamed { .. })));
}

#[test]
fn a_signature_of_another_size_is_refused() {
    let short = EnvelopeSignature { keyid: None, sig: Base64Bytes(vec![0; 63]) };
    assert_eq!(check(b"x", &[short]), Err(Refusal::SignatureSize { size: 63 }));
}

#[test]
fn a_logged_signature_by_an_unknown_key_or_over_other_bytes_is_refused() {
    let message = pre_authentication_encoding(PAYLOAD_TYPE, b"x");
    let by = |seed: u8| CanonicalSignature { keyid: key(seed).public().id(), sig: key(seed).sign(&message) };
    let nothing = VerifiedAhead::nothing();
    assert_eq!(verify_entry(PAYLOAD_TYPE, b"x", &[by(10)], &keys(), &nothing), Ok(()));
    let unknown = verify_entry(PAYLOAD_TYPE, b"x", &[by(77)], &keys(), &nothing);
    assert_eq!(unknown, Err(Refusal::SignatureUnknown { key: key(77).public().id() }));
    let other = Digests::of(b"y").sha256.to_string();
    let wrong = verify_entry(PAYLOAD_TYPE, other.as_bytes(), &[by(10)], &keys(), &nothing);
    assert_eq!(wrong, Err(Refusal::SignatureBad { key: key(10).public().id() }));
}

#[test]
fn what_was_verified_ahead_counts_only_for_keys_that_are_known_at_the_place() {
    let message = pre_authentication_encoding(PAYLOAD_TYPE, b"x");
    let by = |seed: u8| CanonicalSignature { keyid: key(seed).public().id(), sig: key(seed).sign(&message) };
    let forged = CanonicalSignature { sig: key(11).sign(&message), ..by(10) };
    let ahead = |signature: &CanonicalSignature| {
        verify_ahead(PAYLOAD_TYPE, b"x", std::slice::from_ref(signature), &keys())
    };
    let judge = |signature: CanonicalSignature, known: &KnownKeys| {
        let ahead = ahead(&signature);
        verify_entry(PAYLOAD_TYPE, b"x", &[signature], known, &ahead)
    };
    assert_eq!(judge(by(10), &keys()), Ok(()));
    let id = key(10).public().id();
    assert_eq!(judge(forged, &keys()), Err(Refusal::SignatureBad { key: id }));
    // It verified, but the policy in force at its place does not name the key any more.
    assert_eq!(judge(by(10), &KnownKeys::none()), Err(Refusal::SignatureUnknown { key: id }));
    // A key that only a grant made known was not at hand, and is verified now.
    let mut later = keys();
    later.insert(key(77).public());
    assert!(ahead(&by(77)).is_missing(&by(77)));
    assert_eq!(judge(by(77), &later), Ok(()));
    let wrong = CanonicalSignature { sig: key(10).sign(&message), ..by(77) };
    assert_eq!(judge(wrong, &later), Err(Refusal::SignatureBad { key: key(77).public().id() }));
}

//! T21: keys and signatures of Ed25519 that a lenient verifier takes. The vectors are not made here: see their README.

use holdfast_formats::envelope::{PAYLOAD_TYPE, pre_authentication_encoding};
use holdfast_formats::key::PublicKey;
use serde::Deserialize;

use super::case::Expect;
use super::golden::folder;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyCase {
    key: String,
    expect: Expect,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureCase {
    name: String,
    key: String,
    message: String,
    signature: String,
    expect: Expect,
    why: String,
}

fn load<T: for<'de> Deserialize<'de>>(file: &str) -> Vec<T> {
    let bytes = std::fs::read(folder("vectors/signatures").join(file)).expect("the vectors are checked in");
    serde_json::from_slice(&bytes).expect("the vectors are JSON")
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).expect("vectors are written in hexadecimal")
}

fn key(text: &str) -> Option<PublicKey> {
    PublicKey::from_bytes(&hex(text).try_into().expect("a key has 32 bytes")).ok()
}

#[test]
fn t21_small_order_and_non_canonical_keys_are_refused() {
    let cases: Vec<KeyCase> = load("keys.json");
    assert!(cases.len() > 50);
    for case in cases {
        assert_eq!(key(&case.key).is_some(), case.expect == Expect::Accept, "{}: {}", case.key, case.why);
    }
}

#[test]
fn t21_signatures_that_a_lenient_verifier_takes_are_refused() {
    let cases: Vec<SignatureCase> = load("signatures.json");
    assert!(cases.len() > 30);
    for case in cases {
        let signature = hex(&case.signature).try_into().expect("a signature has 64 bytes");
        let verified = key(&case.key).is_some_and(|key| key.verify(&hex(&case.message), &signature).is_ok());
        assert_eq!(verified, case.expect == Expect::Accept, "{}: {}", case.name, case.why);
    }
}

#[test]
fn t21_a_signature_over_a_bare_payload_is_none_over_its_envelope() {
    let signer = super::keys::signer();
    let bare = signer.sign(b"payload");
    assert!(signer.public().verify(&pre_authentication_encoding(PAYLOAD_TYPE, b"payload"), &bare).is_err());
}

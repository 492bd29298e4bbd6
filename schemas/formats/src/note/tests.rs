//! Signed notes against the known answer, the golden vectors and every rule about who must have signed.

use proptest::prelude::*;

use super::*;
use crate::origin::Origin;
use crate::tree::vectors;

const VERIFIER_KEY: &str = "registry.example/log+952bc5e7+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

fn key_of(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

fn known(name_text: &str, kind: SignatureType, key: &SigningKey) -> NoteKey {
    NoteKey::new(name(name_text), kind, key.public())
}

fn signature_lines(note: &str) -> &str {
    note.rsplit_once("\n\n").unwrap().1
}

#[test]
fn the_known_seed_has_the_known_verifier_key() {
    let origin: Origin = "registry.example/log".parse().unwrap();
    let key = NoteKey::of_log(&origin, SigningKey::from_seed(vectors::known_seed()).public());
    assert_eq!(key.to_string(), VERIFIER_KEY);
    assert_eq!(VERIFIER_KEY.parse::<NoteKey>().unwrap(), key);
    assert_eq!(key.id().to_string(), "952bc5e7");
}

#[test]
fn golden_notes_are_accepted_and_rejected() {
    let keys = [VERIFIER_KEY.parse().unwrap()];
    for case in vectors::cases("note") {
        let read = Note::parse(&case.bytes).and_then(|note| note.verify(&keys));
        assert_eq!(read.is_ok(), case.accept, "{}: {}, {read:?}", case.file, case.why);
    }
}

#[test]
fn golden_verifier_keys_are_accepted_and_rejected() {
    for case in vectors::cases("verifier-keys") {
        for line in String::from_utf8(case.bytes).unwrap().lines() {
            let read = line.parse::<NoteKey>();
            assert_eq!(read.is_ok(), case.accept, "{line:?}");
            assert!(read.is_err() || read.unwrap().to_string() == line);
        }
    }
}

#[test]
fn a_known_key_whose_signature_fails_rejects_the_note_although_another_holds() {
    let (good, bad) = (key_of(1), key_of(2));
    let note = sign("text\n", &name("good"), &good).unwrap();
    let false_line = sign("other text\n", &name("bad"), &bad).unwrap();
    let both = Note::parse(format!("{note}{}", signature_lines(&false_line)).as_bytes()).unwrap();
    let keys = [known("good", SignatureType::Ed25519, &good), known("bad", SignatureType::Ed25519, &bad)];
    assert!(matches!(both.verify(&keys), Err(NoteError::BadSignature { .. })));
    assert_eq!(both.verify(&keys[..1]).unwrap().signers().len(), 1);
}

#[test]
fn while_a_key_rotates_the_old_and_the_new_one_are_both_accepted() {
    let (old, new) = (key_of(1), key_of(2));
    let keys = [&old, &new].map(|key| known("log", SignatureType::Ed25519, key));
    for key in [&old, &new] {
        let note = sign("text\n", &name("log"), key).unwrap();
        let verified = Note::parse(note.as_bytes()).unwrap().verify(&keys).unwrap();
        assert_eq!(verified.signers()[0].key().key(), &key.public());
        assert_eq!(verified.text(), "text\n");
    }
}

#[test]
fn the_same_key_given_twice_counts_once() {
    let key = key_of(1);
    let note = sign("text\n", &name("log"), &key).unwrap();
    let doubled = format!("{note}{}", signature_lines(&note));
    let keys = [known("log", SignatureType::Ed25519, &key), known("log", SignatureType::Ed25519, &key)];
    assert_eq!(Note::parse(doubled.as_bytes()).unwrap().verify(&keys).unwrap().signers().len(), 1);
}

#[test]
fn a_cosignature_carries_the_time_that_was_signed() {
    let witness = key_of(3);
    let line = cosignature_line("text\n", &name("witness"), 1_795_248_000, &witness).unwrap();
    let keys = [known("witness", SignatureType::Cosignature, &witness)];
    let verified = Note::parse(format!("text\n\n{line}").as_bytes()).unwrap().verify(&keys).unwrap();
    assert_eq!(verified.signers()[0].cosigned_at_s(), Some(1_795_248_000));
}

#[test]
fn t22_a_signature_is_not_accepted_as_another_type() {
    let key = key_of(3);
    let line = cosignature_line("text\n", &name("key"), 7, &key).unwrap();
    let as_text = sign("cosignature/v1\ntime 7\ntext\n", &name("key"), &key).unwrap();
    let cosigned = Note::parse(format!("text\n\n{line}").as_bytes()).unwrap();
    let signed = Note::parse(as_text.as_bytes()).unwrap();
    assert!(cosigned.verify(&[known("key", SignatureType::Ed25519, &key)]).is_err());
    assert!(signed.verify(&[known("key", SignatureType::Cosignature, &key)]).is_err());
}

#[test]
fn text_that_no_reader_would_accept_is_not_signed() {
    for text in ["", "open line", "tab\t\n", "return\r\n", "nul\0\n", "escape\u{1b}[2J\n"] {
        assert!(sign(text, &name("log"), &key_of(1)).is_err(), "{text:?}");
        assert!(cosignature_line(text, &name("log"), 7, &key_of(1)).is_err(), "{text:?}");
    }
}

#[test]
fn a_note_over_the_size_limit_is_refused_unread() {
    let bytes = vec![b'a'; NOTE_BYTES_MAX + 1];
    assert!(matches!(Note::parse(&bytes), Err(NoteError::TooLong { length }) if length == bytes.len()));
}

#[test]
fn a_hundred_signatures_are_read_and_one_more_is_refused() {
    let note = sign("text\n", &name("log"), &key_of(1)).unwrap();
    let lines = signature_lines(&note);
    let full = format!("text\n\n{}", lines.repeat(NOTE_SIGNATURES_MAX));
    assert_eq!(Note::parse(full.as_bytes()).unwrap().signatures().len(), NOTE_SIGNATURES_MAX);
    assert!(matches!(Note::parse(format!("{full}{lines}").as_bytes()), Err(NoteError::TooManySignatures)));
}

proptest! {
    #[test]
    fn every_signable_text_survives_its_note(text in "[ -~\u{a0}-\u{2fff}\n]{0,200}") {
        let (text, key) = (format!("{text}\n"), key_of(1));
        let note = sign(&text, &name("log"), &key).unwrap();
        let verified = Note::parse(note.as_bytes()).unwrap().verify(&[known("log", SignatureType::Ed25519, &key)]).unwrap();
        prop_assert_eq!(verified.text(), text);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[\u{2014} \na-z+=]{0,80}") {
        let _ = Note::parse(&bytes);
        let _ = Note::parse(text.as_bytes());
        let _ = text.parse::<NoteKey>();
    }
}

//! Checkpoints against the known answer, the golden vectors and the rule that their log must have signed them.

use super::*;
use crate::tree::vectors;

const ROOT_OF_7: &str = "kTlgHMHKirKnoMLBNMBIRfKxulSag9bIRc/NpDnMWF0=";
const KNOWN_SIGNATURE: &str =
    "lSvF5xAml56LMEFKwMTMuYFTvHJPM4sVbGPnTpWztPUHQXHLrBW13GoH+EDOJc+G81LiDM2Kqf800o1ICwWbrTT2qA0=";

fn origin() -> Origin {
    "registry.example/log".parse().unwrap()
}

fn log_key() -> SigningKey {
    SigningKey::from_seed(vectors::known_seed())
}

/// The witness of the golden vectors: seed 100, 101, … 131.
fn witness() -> NoteKey {
    let key = SigningKey::from_seed(vectors::known_seed().map(|byte| byte + 100)).public();
    NoteKey::new("witness.example".parse().unwrap(), SignatureType::Cosignature, key)
}

fn size_7() -> Checkpoint {
    Checkpoint::new(origin(), TreeSize::new(7).unwrap(), ROOT_OF_7.parse().unwrap()).unwrap()
}

#[test]
fn the_checkpoint_of_size_7_has_the_known_signature() {
    let signed = sign_checkpoint(&size_7(), &log_key());
    let expected =
        format!("registry.example/log\n7\n{ROOT_OF_7}\n\n\u{2014} registry.example/log {KNOWN_SIGNATURE}\n");
    assert_eq!(signed, expected);
    assert_eq!(
        Checkpoint::from_signed(signed.as_bytes(), &origin(), &[log_key().public()]).unwrap(),
        size_7()
    );
}

#[test]
fn golden_checkpoints_are_accepted_and_rejected() {
    for case in vectors::cases("checkpoint") {
        let read = Checkpoint::from_signed(&case.bytes, &origin(), &[log_key().public()]);
        assert_eq!(read.is_ok(), case.accept, "{}: {}, {read:?}", case.file, case.why);
    }
}

#[test]
fn what_another_implementation_signed_is_what_we_sign() {
    let plain = |file: &str| {
        !["extension", "rotation", "signatures", "cosigned"].iter().any(|word| file.contains(word))
    };
    let cases: Vec<_> =
        vectors::cases("checkpoint").into_iter().filter(|c| c.accept && plain(&c.file)).collect();
    assert!(cases.len() >= 6);
    for case in cases {
        let read = Checkpoint::from_signed(&case.bytes, &origin(), &[log_key().public()]).unwrap();
        assert_eq!(sign_checkpoint(&read, &log_key()).as_bytes(), case.bytes, "{}", case.file);
    }
}

#[test]
fn a_cosignature_alone_does_not_make_a_checkpoint() {
    let known = [NoteKey::of_log(&origin(), log_key().public()), witness()];
    let read = |file: &str| {
        let bytes = std::fs::read(vectors::folder().join(file)).unwrap();
        Note::parse(&bytes).unwrap().verify(&known).unwrap()
    };
    let both = read("accept/checkpoint-cosigned.note");
    assert_eq!(both.signers().len(), 2);
    assert_eq!(both.signers()[1].cosigned_at_s(), Some(1_795_248_000));
    assert_eq!(Checkpoint::from_verified(&both).unwrap(), size_7());
    let witness_only = Checkpoint::from_verified(&read("reject/checkpoint-witness-only.note"));
    assert!(matches!(witness_only, Err(CheckpointError::NotSignedByLog { .. })));
}

#[test]
fn a_log_that_signs_with_another_logs_name_in_the_body_is_refused() {
    let other = Checkpoint::new("other.example".parse().unwrap(), size_7().size(), size_7().root()).unwrap();
    let as_log = note::sign(&other.body(), &KeyName::of_log(&origin()), &log_key()).unwrap();
    let known = [NoteKey::of_log(&origin(), log_key().public())];
    let verified = Note::parse(as_log.as_bytes()).unwrap().verify(&known).unwrap();
    assert!(matches!(Checkpoint::from_verified(&verified), Err(CheckpointError::NotSignedByLog { .. })));
}

#[test]
fn a_checkpoint_of_another_log_names_both_logs() {
    let signed = sign_checkpoint(&size_7(), &log_key());
    let read =
        Checkpoint::from_signed(signed.as_bytes(), &"elsewhere".parse().unwrap(), &[log_key().public()]);
    let message = read.unwrap_err().to_string();
    assert!(message.contains("registry.example/log") && message.contains("elsewhere"), "{message}");
}

#[test]
fn any_key_of_the_log_suffices_while_it_rotates() {
    let new = SigningKey::from_seed([9; 32]);
    let keys = [log_key().public(), new.public()];
    for key in [log_key(), new] {
        let signed = sign_checkpoint(&size_7(), &key);
        assert_eq!(Checkpoint::from_signed(signed.as_bytes(), &origin(), &keys).unwrap(), size_7());
    }
}

#[test]
fn an_extension_line_is_dropped_and_never_written() {
    let body = format!("{}some extension\n", size_7().body());
    assert_eq!(Checkpoint::from_body(&body).unwrap().body(), size_7().body());
}

#[test]
fn only_the_empty_root_fits_a_log_without_entries() {
    assert!(Checkpoint::new(origin(), TreeSize::ZERO, TreeHash::empty()).is_ok());
    assert!(Checkpoint::new(origin(), TreeSize::ZERO, ROOT_OF_7.parse().unwrap()).is_err());
}

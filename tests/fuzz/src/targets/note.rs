//! A signed note with signatures and cosignatures. Whatever verifies was signed by one of the two keys.

use holdfast_formats::key::SigningKey;
use holdfast_formats::note::{KeyName, Note, NoteKey, SignatureType};

pub(crate) fn run(data: &[u8]) {
    let Ok(note) = Note::parse(data) else { return };
    let read = note.unverified_text();
    assert!(data.starts_with(read.as_bytes()) && !note.signatures().is_empty());
    let seed = std::array::from_fn(|at| u8::try_from(at).unwrap_or_default());
    let key = SigningKey::from_seed(seed).public();
    let name: KeyName = "registry.example/log".parse().expect("a name");
    let known = [SignatureType::Ed25519, SignatureType::Cosignature]
        .map(|kind| NoteKey::new(name.clone(), kind, key.clone()));
    if let Ok(verified) = note.verify(&known) {
        assert!(verified.text() == read && !verified.signers().is_empty());
    }
}

//! The text of transparency proofs against the golden vectors and its own inverse.

use proptest::prelude::*;

use super::*;
use crate::tree::vectors;

const CHECKPOINT: &str = "log\n7\nroot\n\n\u{2014} log AAAAAAA=\n";

fn proof(hashes: usize) -> Result<TlogProof, ProofError> {
    TlogProof::new(LeafIndex::new(4).unwrap(), vec![TreeHash::empty(); hashes], CHECKPOINT.to_owned())
}

#[test]
fn golden_proofs_are_accepted_and_rejected() {
    for case in vectors::cases("tlog-proof") {
        let text = String::from_utf8(case.bytes).unwrap();
        let read = text.parse::<TlogProof>();
        assert_eq!(read.is_ok(), case.accept, "{}: {}, {read:?}", case.file, case.why);
        assert!(read.is_err() || read.unwrap().to_string() == text, "{}", case.file);
    }
}

#[test]
fn a_path_of_63_hashes_is_the_longest() {
    let longest = proof(PROOF_HASHES_MAX).unwrap();
    assert_eq!(longest.to_string().parse(), Ok(longest));
    assert_eq!(proof(PROOF_HASHES_MAX + 1), Err(ProofError::TooManyHashes));
}

#[test]
fn a_checkpoint_that_would_be_read_back_otherwise_is_refused() {
    for checkpoint in ["", "\n", "\nlog\n", "log\n7\nroot"] {
        let made = TlogProof::new(LeafIndex::new(0).unwrap(), Vec::new(), checkpoint.to_owned());
        assert_eq!(made, Err(ProofError::NoCheckpoint), "{checkpoint:?}");
    }
}

#[test]
fn a_text_longer_than_any_proof_is_refused_unread() {
    let text = "c2sp.org/tlog-proof@v1\n".repeat(TEXT_BYTES_MAX / 20);
    assert_eq!(text.parse::<TlogProof>(), Err(ProofError::TooLong { length: text.len() }));
}

#[test]
fn a_proof_is_one_string_in_json() {
    let json = serde_json::to_string(&proof(2).unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<TlogProof>(&json).unwrap(), proof(2).unwrap());
}

proptest! {
    #[test]
    fn every_proof_survives_its_text(index in 0..=crate::limits::INTEGER_MAX, hashes in prop::collection::vec(any::<[u8; 32]>(), 0..=63)) {
        let hashes = hashes.into_iter().map(TreeHash::from_bytes).collect();
        let proof = TlogProof::new(LeafIndex::new(index).unwrap(), hashes, CHECKPOINT.to_owned()).unwrap();
        prop_assert_eq!(proof.to_string().parse(), Ok(proof));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(c2sp.org/tlog-proof@v1\n)?(index [0-9]{0,4}\n)?[A-Z=\n]{0,100}") {
        let _ = text.parse::<TlogProof>();
    }
}

//! T12: what two signed checkpoints prove to a third party, and what they do not.

use holdfast_formats::checkpoint::sign_checkpoint;
use holdfast_formats::fork::ForkFormat;
use holdfast_formats::key::SigningKey;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::TreeHash;

use super::*;
use crate::merkle::model::{self, leaves, size};

fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

/// A tree whose leaves from `from` on are others.
fn forked(count: u64, from: usize) -> Vec<TreeHash> {
    let mut leaves = leaves(count);
    for (at, leaf) in leaves.iter_mut().enumerate().skip(from) {
        *leaf = TreeHash::leaf(format!("other-{at}").as_bytes());
    }
    leaves
}

fn signed(leaves: &[TreeHash], key: &SigningKey) -> String {
    let origin = "example/log".parse().unwrap();
    let checkpoint = Checkpoint::new(origin, size(leaves.len() as u64), model::root(leaves)).unwrap();
    sign_checkpoint(&checkpoint, key)
}

fn evidence(first: String, second: String, proof: Option<Vec<TreeHash>>) -> ForkEvidence {
    ForkEvidence {
        format: ForkFormat::V1,
        origin: "example/log".parse().unwrap(),
        log_keys: vec![key().public()],
        found_at: Timestamp::from_ms(1_795_000_000_000),
        first,
        second,
        proof,
    }
}

fn judge(evidence: &ForkEvidence) -> Result<ForkVerdict, ForkError> {
    judge_fork(evidence, &[key().public()])
}

#[test]
fn t12_two_roots_of_one_size_are_a_proof() {
    let pair = evidence(signed(&leaves(9), &key()), signed(&forked(9, 4), &key()), None);
    let verdict = judge(&pair).unwrap();
    assert_eq!(verdict, ForkVerdict::TwoRoots { size: size(9) });
    assert!(verdict.is_proof());
}

#[test]
fn t12_a_proof_that_shows_another_beginning_is_a_proof_of_the_fork_in_either_order() {
    for old in (3..20).filter(|old: &usize| !old.is_power_of_two()) {
        let (seen, shown) = (leaves(old as u64), forked(23, old - 1));
        let proof = model::proof(old, &shown);
        for pair in [
            evidence(signed(&seen, &key()), signed(&shown, &key()), Some(proof.clone())),
            evidence(signed(&shown, &key()), signed(&seen, &key()), Some(proof)),
        ] {
            assert_eq!(
                judge(&pair).unwrap(),
                ForkVerdict::Rewritten { old: size(old as u64), new: size(23) }
            );
        }
    }
}

#[test]
fn t12_without_a_proof_or_with_a_useless_one_two_sizes_are_a_question_and_no_proof() {
    let (seen, shown) = (leaves(7), forked(23, 5));
    let wrong = model::proof(6, &shown);
    let mut damaged = model::proof(7, &shown);
    damaged[0] = TreeHash::leaf(b"junk");
    for proof in [None, Some(vec![]), Some(wrong), Some(damaged)] {
        let verdict = judge(&evidence(signed(&seen, &key()), signed(&shown, &key()), proof)).unwrap();
        assert_eq!(verdict, ForkVerdict::Unexplained { old: size(7), new: size(23) });
        assert!(!verdict.is_proof());
    }
    // From a power of two the path begins with the old root itself and shows none of its own.
    let pair = evidence(
        signed(&leaves(8), &key()),
        signed(&forked(23, 5), &key()),
        Some(model::proof(8, &forked(23, 5))),
    );
    assert!(!judge(&pair).unwrap().is_proof());
}

#[test]
fn t12_nobody_makes_evidence_against_an_honest_log() {
    let (old, new) = (signed(&leaves(7), &key()), signed(&leaves(23), &key()));
    let honest = judge(&evidence(old.clone(), new.clone(), Some(model::proof(7, &leaves(23)))));
    assert!(matches!(honest, Err(ForkError::Extends { .. })));
    assert!(matches!(judge(&evidence(old.clone(), old.clone(), None)), Err(ForkError::Same)));
    let empty = signed(&[], &key());
    assert!(matches!(judge(&evidence(empty, new.clone(), None)), Err(ForkError::Empty)));
    let stranger = signed(&forked(23, 5), &SigningKey::from_seed([66; 32]));
    assert!(matches!(
        judge(&evidence(new, stranger, None)),
        Err(ForkError::Checkpoint { which: "second", .. })
    ));
    let mut proof = model::proof(7, &leaves(23));
    for at in 0..proof.len() {
        let whole = proof[at];
        proof[at] = TreeHash::leaf(b"junk");
        let verdict =
            judge(&evidence(old.clone(), signed(&leaves(23), &key()), Some(proof.clone()))).unwrap();
        assert!(!verdict.is_proof(), "hash {at} changed: {verdict:?}");
        proof[at] = whole;
    }
}

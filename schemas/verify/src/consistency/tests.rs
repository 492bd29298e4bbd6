//! Consistency proofs: every extension is accepted; forks, shrunk logs and altered proofs are refused.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::merkle::model::{self, leaves, place, size};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    old: TreeSize,
    new: TreeSize,
    old_root: TreeHash,
    new_root: TreeHash,
    proof: Vec<TreeHash>,
}

impl Case {
    fn verify(&self) -> Result<(), ConsistencyError> {
        verify_consistency(self.old, self.new, &self.old_root, &self.new_root, &self.proof)
    }
}

#[test]
fn golden_consistency_proofs_are_accepted_and_rejected() {
    for case in model::vectors::<Case>("accept/consistency.json") {
        assert_eq!(case.verify(), Ok(()), "{}", case.why);
    }
    for case in model::vectors::<Case>("reject/consistency.json") {
        assert!(case.verify().is_err(), "{}", case.why);
    }
}

#[test]
fn every_extension_of_every_small_tree_is_accepted() {
    let leaves = leaves(130);
    for new in 0..=130 {
        let new_root = model::root(&leaves[..new]);
        for old in 0..=new {
            let proof = model::proof(old, &leaves[..new]);
            let old_root = model::root(&leaves[..old]);
            let verified =
                verify_consistency(size(old as u64), size(new as u64), &old_root, &new_root, &proof);
            assert_eq!(verified, Ok(()), "{old} to {new}");
        }
    }
}

#[test]
fn t16_a_log_that_went_back_is_refused_whatever_the_proof() {
    let leaves = leaves(7);
    let (small, large) = (model::root(&leaves[..3]), model::root(&leaves));
    let shrunk = Err(ConsistencyError::Shrunk { old: size(7), new: size(3) });
    assert_eq!(verify_consistency(size(7), size(3), &large, &small, &[]), shrunk);
    assert_eq!(verify_consistency(size(7), size(3), &large, &small, &model::proof(3, &leaves)), shrunk);
}

#[test]
fn two_trees_of_one_size_are_a_fork() {
    let (one, other) = (model::root(&leaves(7)), TreeHash::leaf(b"another log"));
    let forked = Err(ConsistencyError::Forked { size: size(7) });
    assert_eq!(verify_consistency(size(7), size(7), &one, &other, &[]), forked);
}

#[test]
fn a_log_with_a_rewritten_past_is_refused_although_its_proof_fits_itself() {
    let honest = leaves(50);
    let mut rewritten = honest.clone();
    rewritten[3] = TreeHash::leaf(b"something else");
    for old in 4..50 {
        let seen = model::root(&honest[..old]);
        let proof = model::proof(old, &rewritten);
        let verified =
            verify_consistency(size(old as u64), size(50), &seen, &model::root(&rewritten), &proof);
        // When the old tree is a subtree of the new one its root starts the climb: then it is the new root that differs.
        let expected = if old.is_power_of_two() {
            ConsistencyError::WrongNewRoot { new: size(50) }
        } else {
            ConsistencyError::WrongOldRoot { old: size(old as u64) }
        };
        assert_eq!(verified, Err(expected), "{old}");
    }
}

#[test]
fn an_old_root_of_no_leaves_must_be_the_empty_one() {
    let root = model::root(&leaves(7));
    let verified = verify_consistency(TreeSize::ZERO, size(7), &root, &root, &[]);
    assert_eq!(verified, Err(ConsistencyError::WrongEmptyRoot));
}

#[test]
fn a_proof_of_another_length_says_how_long_it_must_be() {
    let leaves = leaves(7);
    let (old_root, new_root) = (model::root(&leaves[..3]), model::root(&leaves));
    let proof = model::proof(3, &leaves);
    for cut in 0..proof.len() {
        let verified = verify_consistency(size(3), size(7), &old_root, &new_root, &proof[..cut]);
        assert_eq!(verified, Err(ConsistencyError::WrongLength { expected: proof.len(), actual: cut }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_flipped_bit_anywhere_in_a_proof_is_refused(new in 2..3_000_u64, a: u64, b: usize, bit in 0..256_usize) {
        let leaves = leaves(new);
        let old = 1 + a % (new - 1);
        let mut proof = model::proof(place(old), &leaves);
        let target = b % proof.len();
        let mut bytes = *proof[target].as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        proof[target] = TreeHash::from_bytes(bytes);
        let old_root = model::root(&leaves[..place(old)]);
        prop_assert!(verify_consistency(size(old), size(new), &old_root, &model::root(&leaves), &proof).is_err());
    }

    #[test]
    fn no_numbers_make_the_verifier_panic(old in 1..holdfast_formats::limits::INTEGER_MAX, new in 1..=holdfast_formats::limits::INTEGER_MAX, length in 0..64_usize) {
        let (hash, other) = (TreeHash::empty(), TreeHash::leaf(b"other"));
        prop_assert!(verify_consistency(size(old), size(new), &hash, &other, &vec![hash; length]).is_err());
    }
}

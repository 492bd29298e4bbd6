//! Audit paths: every right one is accepted, every altered one refused.

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::key::SigningKey;
use holdfast_formats::origin::Origin;
use holdfast_formats::proof::TlogProof;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::merkle::model::{self, index, leaves, place, size};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    index: LeafIndex,
    size: TreeSize,
    leaf: TreeHash,
    proof: Vec<TreeHash>,
    root: TreeHash,
}

impl Case {
    fn verify(&self) -> Result<(), InclusionError> {
        verify_inclusion(&self.leaf, self.index, self.size, &self.proof, &self.root)
    }
}

#[test]
fn golden_audit_paths_are_accepted_and_rejected() {
    for case in model::vectors::<Case>("accept/inclusion.json") {
        assert_eq!(case.verify(), Ok(()), "{}", case.why);
    }
    for case in model::vectors::<Case>("reject/inclusion.json") {
        assert!(case.verify().is_err(), "{}", case.why);
    }
}

#[test]
fn golden_receipts_prove_their_entry_under_the_key_of_the_log() {
    let origin: Origin = "registry.example/log".parse().unwrap();
    let seed = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let log_keys = [SigningKey::from_seed(seed).public()];
    for (name, entry) in [("4-of-7", 4), ("0-of-1", 0), ("256-of-257", 256), ("599-of-600", 599)] {
        let text = model::vector(&format!("accept/entry-{name}.tlog-proof"));
        let receipt: TlogProof = std::str::from_utf8(&text).unwrap().parse().unwrap();
        let signed = receipt.checkpoint().as_bytes();
        let checkpoint = Checkpoint::from_signed(signed, &origin, &log_keys).unwrap();
        let verify = |entry: &str| {
            let leaf = TreeHash::leaf(entry.as_bytes());
            verify_inclusion(&leaf, receipt.index(), checkpoint.size(), receipt.hashes(), &checkpoint.root())
        };
        assert_eq!(verify(&format!("entry-{entry}")), Ok(()), "{name}");
        assert_eq!(verify("another entry"), Err(InclusionError::WrongRoot { index: index(entry) }), "{name}");
    }
}

#[test]
fn a_path_proves_its_own_leaf_at_its_own_index_only() {
    let leaves = leaves(13);
    for count in 1..=13 {
        let tree = &leaves[..count];
        let root = model::root(tree);
        for (at, other) in (0..count).flat_map(|at| (0..count).map(move |other| (at, other))) {
            let path = model::path(at, tree);
            let verified =
                verify_inclusion(&tree[other], index(other as u64), size(count as u64), &path, &root);
            assert_eq!(verified.is_ok(), at == other, "path of {at} for {other} in {count}");
        }
    }
}

#[test]
fn errors_say_what_was_expected() {
    let tree = leaves(7);
    let root = model::root(&tree);
    let path = model::path(4, &tree);
    let verify = |at, proof: &[TreeHash]| verify_inclusion(&tree[4], index(at), size(7), proof, &root);
    assert_eq!(verify(7, &path), Err(InclusionError::OutsideTree { index: index(7), size: size(7) }));
    assert_eq!(verify(4, &path[..1]), Err(InclusionError::WrongLength { expected: 3, actual: 1 }));
    assert_eq!(
        verify(4, &[path.clone(), path.clone()].concat()),
        Err(InclusionError::WrongLength { expected: 3, actual: 6 })
    );
    assert_eq!(verify(5, &path), Err(InclusionError::WrongRoot { index: index(5) }));
}

#[test]
fn every_path_of_every_small_tree_is_accepted() {
    for count in 1..=130 {
        let leaves = leaves(count);
        let root = model::root(&leaves);
        for (at, leaf) in leaves.iter().enumerate() {
            let path = model::path(at, &leaves);
            assert_eq!(
                verify_inclusion(leaf, index(at as u64), size(count), &path, &root),
                Ok(()),
                "{at} of {count}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_flipped_bit_anywhere_in_a_path_is_refused(count in 2..3_000_u64, a: u64, b: usize, bit in 0..256_usize) {
        let leaves = leaves(count);
        let at = a % count;
        let mut path = model::path(place(at), &leaves);
        let target = b % path.len();
        path[target] = flip(path[target], bit);
        let verified = verify_inclusion(&leaves[place(at)], index(at), size(count), &path, &model::root(&leaves));
        prop_assert_eq!(verified, Err(InclusionError::WrongRoot { index: index(at) }));
    }

    #[test]
    fn no_numbers_make_the_verifier_panic(at in 0..=holdfast_formats::limits::INTEGER_MAX, count in 0..=holdfast_formats::limits::INTEGER_MAX, length in 0..64_usize) {
        let (hash, other) = (TreeHash::empty(), TreeHash::leaf(b"other"));
        prop_assert!(verify_inclusion(&hash, index(at), size(count), &vec![hash; length], &other).is_err());
    }
}

fn flip(hash: TreeHash, bit: usize) -> TreeHash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    TreeHash::from_bytes(bytes)
}

//! RFC 6962, section 2.1, written down as it stands there: slow, recursive, and what the tests compare with.

use std::fs;

use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use serde::de::DeserializeOwned;

/// The leaf hashes of `entry-0`, `entry-1` and so on, as in the golden vectors.
pub(crate) fn leaves(count: u64) -> Vec<TreeHash> {
    (0..count).map(|at| TreeHash::leaf(format!("entry-{at}").as_bytes())).collect()
}

pub(crate) fn size(leaves: u64) -> TreeSize {
    TreeSize::new(leaves).unwrap()
}

pub(crate) fn index(leaf: u64) -> LeafIndex {
    LeafIndex::new(leaf).unwrap()
}

/// A number of leaves as a place in memory.
pub(crate) fn place(leaf: u64) -> usize {
    usize::try_from(leaf).unwrap()
}

/// `MTH(D[n])`.
pub(crate) fn root(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => TreeHash::empty(),
        [only] => *only,
        more => {
            let (left, right) = more.split_at(half(more.len()));
            TreeHash::node(&root(left), &root(right))
        }
    }
}

/// `PATH(m, D[n])`.
pub(crate) fn path(m: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = half(leaves.len());
    let (left, right) = leaves.split_at(k);
    if m < k {
        [path(m, left), vec![root(right)]].concat()
    } else {
        [path(m - k, right), vec![root(left)]].concat()
    }
}

/// `PROOF(m, D[n])`, with nothing for the empty old tree.
pub(crate) fn proof(m: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
    if m == 0 { Vec::new() } else { subproof(m, leaves, true) }
}

fn subproof(m: usize, leaves: &[TreeHash], known: bool) -> Vec<TreeHash> {
    if m == leaves.len() {
        return if known { Vec::new() } else { vec![root(leaves)] };
    }
    let k = half(leaves.len());
    let (left, right) = leaves.split_at(k);
    if m <= k {
        [subproof(m, left, known), vec![root(right)]].concat()
    } else {
        [subproof(m - k, right, false), vec![root(left)]].concat()
    }
}

/// The largest power of two below `n`.
fn half(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// One file of the golden vectors.
pub(crate) fn vector(file: &str) -> Vec<u8> {
    fs::read(format!("{}/../vectors/transparency/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The cases of one file of the golden vectors.
pub(crate) fn vectors<T: DeserializeOwned>(file: &str) -> Vec<T> {
    let cases: Vec<T> = serde_json::from_slice(&vector(file)).unwrap();
    assert!(!cases.is_empty(), "{file}");
    cases
}

//! Reads the golden vectors of the transparency formats for the tests of this crate.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One line of `index.json`: a file, what to read it as, and whether that must succeed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) file: String,
    pub(crate) format: String,
    pub(crate) accept: bool,
    pub(crate) why: String,
    #[serde(skip)]
    pub(crate) bytes: Vec<u8>,
}

/// Where the golden vectors of the transparency formats live.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/transparency")
}

/// Every case of one format; there must be some to accept and some to reject.
pub(crate) fn cases(format: &str) -> Vec<Case> {
    let cases: Vec<Case> = index().into_iter().filter(|case| case.format == format).collect();
    assert!(cases.iter().any(|case| case.accept), "no {format} to accept");
    assert!(cases.iter().any(|case| !case.accept), "no {format} to reject");
    cases
}

/// The known Ed25519 key of formats.md: seed 00 01 02 … 1f.
pub(crate) fn known_seed() -> [u8; 32] {
    std::array::from_fn(|at| u8::try_from(at).expect("an index below 32 is a byte"))
}

fn index() -> Vec<Case> {
    let text = std::fs::read(folder().join("index.json")).expect("the index of the vectors is readable");
    let mut cases: Vec<Case> = serde_json::from_slice(&text).expect("the index of the vectors is JSON");
    for case in &mut cases {
        case.bytes = std::fs::read(folder().join(&case.file)).expect("every file of the index exists");
    }
    cases
}

#[test]
fn every_vector_file_is_named_by_the_index_once() {
    let cases = index();
    let named: BTreeSet<String> = cases.iter().map(|case| case.file.clone()).collect();
    assert_eq!(named.len(), cases.len());
    let mut stored = BTreeSet::new();
    for side in ["accept", "reject"] {
        for file in std::fs::read_dir(folder().join(side)).expect("both sides exist") {
            let name = file.expect("the folder is readable").file_name();
            stored.insert(format!("{side}/{}", name.to_string_lossy()));
        }
    }
    assert_eq!(named, stored);
    assert!(cases.iter().all(|case| case.file.starts_with("accept/") == case.accept && !case.why.is_empty()));
}

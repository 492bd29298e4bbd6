//! A golden case: some bytes, what to read them as, and whether that must succeed. `index.json` of each folder lists them.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::golden::{Files, folder};

/// Whether a case must be read or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expect {
    Accept,
    Reject,
}

/// One line of an index.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// What to read the bytes as: a key of the table in the README.
    pub(crate) kind: String,
    pub(crate) file: String,
    pub(crate) expect: Expect,
    /// Whether writing what was read gives the same bytes; only for what is accepted.
    pub(crate) canonical: bool,
    pub(crate) why: String,
    #[serde(skip)]
    pub(crate) bytes: Vec<u8>,
}

/// Cases on their way to a folder.
pub(crate) struct Cases {
    kind: String,
    extension: &'static str,
    all: Vec<Case>,
}

impl Cases {
    /// Cases to be read as `kind`, in files of this extension; those ending in `hex` are written in hexadecimal.
    pub(crate) fn of(kind: &str, extension: &'static str) -> Self {
        Self { kind: kind.to_owned(), extension, all: Vec::new() }
    }

    /// Bytes that are read, and that are what a writer makes.
    pub(crate) fn accept(&mut self, name: &str, bytes: impl AsRef<[u8]>, why: &str) {
        self.push(name, Expect::Accept, true, bytes.as_ref(), why);
    }

    /// Bytes that are read, though a writer would make others.
    pub(crate) fn accept_rewritten(&mut self, name: &str, bytes: impl AsRef<[u8]>, why: &str) {
        self.push(name, Expect::Accept, false, bytes.as_ref(), why);
    }

    /// Bytes that are refused.
    pub(crate) fn reject(&mut self, name: &str, bytes: impl AsRef<[u8]>, why: &str) {
        self.push(name, Expect::Reject, false, bytes.as_ref(), why);
    }

    fn push(&mut self, name: &str, expect: Expect, canonical: bool, bytes: &[u8], why: &str) {
        let side = if expect == Expect::Accept { "accept" } else { "reject" };
        self.all.push(Case {
            name: name.to_owned(),
            kind: self.kind.clone(),
            file: format!("{side}/{name}.{}", self.extension),
            expect,
            canonical,
            why: why.to_owned(),
            bytes: bytes.to_vec(),
        });
    }

    /// The cases.
    pub(crate) fn all(self) -> Vec<Case> {
        self.all
    }
}

/// The files of a folder of cases, its index among them.
pub(crate) fn files(cases: &[Case]) -> Files {
    let mut files: Files = cases.iter().map(|case| (case.file.clone(), stored(case))).collect();
    assert_eq!(files.len(), cases.len(), "every case has a file of its own");
    let lines: Vec<String> =
        cases.iter().map(|case| serde_json::to_string(case).expect("an index is JSON")).collect();
    files.insert("index.json".to_owned(), format!("[\n{}\n]\n", lines.join(",\n")).into_bytes());
    files
}

fn in_hex(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "hex")
}

fn stored(case: &Case) -> Vec<u8> {
    if !in_hex(&case.file) {
        return case.bytes.clone();
    }
    format!("{}\n", data_encoding::HEXLOWER.encode(&case.bytes)).into_bytes()
}

/// Reads the cases of a folder from disk, as any other implementation would.
pub(crate) fn load(name: &str) -> Vec<Case> {
    let folder = folder(&format!("vectors/{name}"));
    let index = std::fs::read(folder.join("index.json")).expect("the index is checked in");
    let mut cases: Vec<Case> = serde_json::from_slice(&index).expect("the index is JSON");
    for case in &mut cases {
        let bytes = std::fs::read(folder.join(&case.file)).expect("every file of an index is checked in");
        case.bytes = if in_hex(&case.file) {
            data_encoding::HEXLOWER
                .decode(bytes.trim_ascii_end())
                .expect("a .hex file holds hexadecimal digits")
        } else {
            bytes
        };
    }
    let names: BTreeSet<&String> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "{name}: every case has a name of its own");
    assert!(cases.iter().any(|case| case.expect == Expect::Accept), "{name} accepts nothing");
    assert!(cases.iter().any(|case| case.expect == Expect::Reject), "{name} rejects nothing");
    cases
}

//! Evidence packs: a folder with what a log says about a period, for an auditor who has nothing but a trust.json.
//!
//! ```text
//! manifest.dsse.json    what is in the pack, with sizes and digests; signed by whoever exported it
//! index.txt             the entries of the period for people, by type
//! checkpoint            the signed checkpoint that every proof leads to
//! consistency.json      the tree before the period, and the proof that this one extends it
//! policies.jsonl        every policy from the first on, a receipt a line
//! entries.jsonl         every entry of the period without a gap, a receipt a line
//! context.jsonl         earlier entries that those name: what was ended, followed or granted; and the last one before
//! keys.json             the public keys that the policies name
//! attachments/<sha256>  manifests and attested envelopes that the entries name
//! ```
//! The log's proofs say that nothing in it was changed, and the lack of gaps that nothing of the period was left out. The
//! exporter's signature covers the rest: which period was meant, and the words for people. It is a DSSE signature of a
//! type of its own, so that it is never a statement and no statement is ever it.

mod error;
mod export;
mod gather;
mod keys;
mod prover;
mod read;
mod seal;
mod verify;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;

use holdfast_formats::digest::{Digests, Sha256Digest};
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::Statement;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};
use serde::{Deserialize, Serialize};

pub use error::PackError;
pub use verify::verify;

const MANIFEST: &str = "manifest.dsse.json";
const INDEX: &str = "index.txt";
const CHECKPOINT: &str = "checkpoint";
const CONSISTENCY: &str = "consistency.json";
const POLICIES: &str = "policies.jsonl";
const ENTRIES: &str = "entries.jsonl";
const CONTEXT: &str = "context.jsonl";
const KEYS: &str = "keys.json";
const ATTACHMENTS: &str = "attachments";

/// What is to be exported.
#[derive(Debug, Clone, Copy)]
pub struct ExportRequest<'a> {
    /// The period begins with the first entry of this time or later, and ends with the newest entry.
    pub since: Timestamp,
    /// The folder to make.
    pub out: &'a Path,
    /// How a statement is worded in the index, harmless to whoever reads it.
    pub describe: fn(&Statement) -> String,
}

/// A pack that was written or verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidencePack {
    /// The log.
    pub log: Origin,
    /// From when on.
    pub since: Timestamp,
    /// When it was exported, as the exporter says.
    pub exported_at: Timestamp,
    /// Who exported it, by the policy in force.
    pub exporter: String,
    /// How many entries came before the period.
    pub before: TreeSize,
    /// How many there are with it.
    pub size: TreeSize,
    /// Their root.
    pub root: TreeHash,
    /// How many entries of the period there are of each type.
    pub types: BTreeMap<&'static str, u64>,
    /// How many files there are beside the manifest.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Attachments that the registry did not have any more.
    pub missing: Vec<Sha256Digest>,
}

/// What the exporter signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackManifest {
    log: Origin,
    since: Timestamp,
    exported_at: Timestamp,
    before: TreeSize,
    size: TreeSize,
    missing: Vec<Sha256Digest>,
    files: Vec<PackFile>,
}

/// One file of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    path: String,
    size: u64,
    digests: Digests,
}

/// That the tree of the pack extends the one before the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extends {
    old_size: TreeSize,
    old_root: TreeHash,
    new_size: TreeSize,
    new_root: TreeHash,
    hashes: Vec<TreeHash>,
}

/// Whether a folder looks like a pack.
pub fn is_pack(folder: &Path) -> bool {
    folder.join(MANIFEST).is_file()
}

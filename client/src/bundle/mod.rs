//! Bundles: one file with a known-good answer, its proofs and every byte of its closure, for use without any network.
//!
//! ```text
//! holdfast/bundle/v2\n
//! 8  length of the header, big endian
//! 32 BLAKE3 of the header: what is damaged is told apart from what is forged
//!    header: JSON {trust, channel, query, answer}
//! then for each file of the closure, by digest, each once:
//! 32 BLAKE3
//! 8  length, big endian
//!    bytes
//! ```
//! Nothing stands after the last file. A bundle vouches for nothing itself: whoever opens it checks the answer against a
//! trust.json and what this machine saw before, and every file against the manifests. Opening reads the whole file and
//! writes nothing; nothing here has a way to a network.

mod check;
mod error;
mod open;
mod reader;
mod restore;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::BundleError;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::name::ChannelName;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::TreeSize;
use holdfast_formats::trust::Trust;
use holdfast_formats::wire::v1::{KnownGood, KnownGoodQuery};
use holdfast_verify::known_good::KnownGoodAnswer;
use holdfast_verify::verified::Verified;
use serde::{Deserialize, Serialize};

const FIRST_LINE: &[u8] = b"holdfast/bundle/v2\n";
/// An answer with all its manifests; larger ones are not written either.
const HEADER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What stands before the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    trust: Trust,
    channel: ChannelName,
    query: KnownGoodQuery,
    answer: KnownGood,
}

/// What a bundle was written from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleSummary {
    /// What is known-good.
    pub answer: Verified<KnownGoodAnswer>,
    /// How many files are in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Where the bytes of each file stand (offset, length), by digest.
type FilePlaces = BTreeMap<Blake3Digest, (u64, u64)>;

/// A bundle of which everything was checked, open to restore from.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    file: File,
    places: FilePlaces,
    query: KnownGoodQuery,
    answer: Verified<KnownGoodAnswer>,
    opened: Timestamp,
    seen: Option<TreeSize>,
    trusted_by_itself: bool,
}

impl Bundle {
    /// What was known-good when it was made, with pin expiry judged when it was opened.
    pub const fn answer(&self) -> &Verified<KnownGoodAnswer> {
        &self.answer
    }

    /// The question that it answers.
    pub const fn query(&self) -> &KnownGoodQuery {
        &self.query
    }

    /// How old its head was when it was opened: nothing that was logged since is in it.
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.opened.ms_since(self.answer.get().head.time))
    }

    /// How many different files are in it.
    pub fn files(&self) -> u64 {
        self.places.len() as u64
    }

    /// Their bytes.
    pub fn bytes(&self) -> u64 {
        self.places.values().map(|(_, length)| length).sum()
    }

    /// The larger state of the log that this machine saw already, if there is one: the bundle is older than that.
    pub fn newer_seen(&self) -> Option<TreeSize> {
        self.seen.filter(|seen| *seen > self.answer.get().checkpoint.size())
    }

    /// Whether its state of the log is newer than what this machine saw, and nothing here proves that it extends that.
    pub fn is_unconnected(&self) -> bool {
        self.newer_seen().is_none() && !self.answer.get().extends_seen
    }

    /// Whether it was checked against its own trust only: then it proves that it is consistent, not whose it is.
    pub const fn is_trusted_by_itself(&self) -> bool {
        self.trusted_by_itself
    }
}

/// Whether a file begins like a bundle.
pub fn is_bundle(file: &Path) -> bool {
    use std::io::Read as _;
    let mut first = [0; FIRST_LINE.len()];
    File::open(file).and_then(|mut file| file.read_exact(&mut first)).is_ok()
        && first.as_slice() == FIRST_LINE
}

#[cfg(test)]
mod tests;

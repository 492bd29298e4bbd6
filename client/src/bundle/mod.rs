//! Bundles: one file with a known-good answer, its proofs and every byte of its closure, for use without any network.
//!
//! ```text
//! holdfast/bundle/v1\n
//! 8  length of the header, big endian
//!    header: JSON {trust, channel, query, answer}
//! then for each file of the closure, by digest, each once:
//! 32 BLAKE3
//! 8  length, big endian
//!    bytes
//! ```
//! Nothing stands after the last file. A bundle vouches for nothing itself: whoever reads it checks the answer against a
//! trust.json, and every file against the manifests.

mod read;
mod write;

use std::path::Path;

use holdfast_formats::name::ChannelName;
use holdfast_formats::time::Timestamp;
use holdfast_formats::trust::Trust;
use holdfast_formats::wire::v1::{KnownGood, KnownGoodQuery};
use holdfast_verify::known_good::KnownGoodAnswer;
use holdfast_verify::verified::Verified;
use serde::{Deserialize, Serialize};

use crate::error::ClientError;

const FIRST_LINE: &[u8] = b"holdfast/bundle/v1\n";
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

/// A bundle of which everything was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedBundle {
    /// What was known-good when it was made.
    pub answer: Verified<KnownGoodAnswer>,
    /// How many different files are in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether it was checked against its own trust only: then it proves that it is consistent, not whose it is.
    pub trusted_by_itself: bool,
}

/// Whether a file begins like a bundle.
pub fn is_bundle(file: &Path) -> bool {
    use std::io::Read as _;
    let mut first = [0; FIRST_LINE.len()];
    std::fs::File::open(file).and_then(|mut file| file.read_exact(&mut first)).is_ok()
        && first.as_slice() == FIRST_LINE
}

/// Checks a bundle without any network: the answer against `trust` (its own when there is none), every file by its digest.
/// Blocks; it reads the whole file.
pub fn verify(file: &Path, trust: Option<&Trust>, now: Timestamp) -> Result<VerifiedBundle, ClientError> {
    read::verify(file, trust, now)
}

/// Checks a bundle, then writes the files of each artifact below `target/<component or name>/`. Blocks.
pub fn extract(
    file: &Path,
    trust: Option<&Trust>,
    now: Timestamp,
    target: &Path,
) -> Result<VerifiedBundle, ClientError> {
    read::extract(file, trust, now, target)
}

#[cfg(test)]
mod tests;

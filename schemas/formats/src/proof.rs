//! Transparency proofs: an entry's place, its audit path and the checkpoint that holds it, as one text.
//!
//! Owns the format `c2sp.org/tlog-proof@v1`, which makes an entry a receipt. It verifies nothing: the checkpoint's
//! signature is [`crate::checkpoint`]'s, the path is the `inclusion` module's of the verify crate.
//! Specification: <https://c2sp.org/tlog-proof>. Its unauthenticated `extra` line is neither written nor accepted.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::note::NOTE_BYTES_MAX;
use crate::strict::text_form;
use crate::tree::{LeafIndex, TreeError, TreeHash};

/// The most hashes of an audit path: one for every level below the root of the largest tree of C2SP.
pub const PROOF_HASHES_MAX: usize = 63;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1\n";

/// Longest text: the two first lines, all hashes, an empty line and a checkpoint.
const TEXT_BYTES_MAX: usize = 64 + PROOF_HASHES_MAX * 45 + NOTE_BYTES_MAX;

/// Why a transparency proof was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProofError {
    /// Longer than any proof.
    #[error("a proof is at most {TEXT_BYTES_MAX} bytes long, this one has {length}")]
    TooLong {
        /// Length of the text in bytes.
        length: usize,
    },
    /// Another format, or another version of it.
    #[error("the first line must be `c2sp.org/tlog-proof@v1`")]
    WrongFormat,
    /// No `index` line where it belongs.
    #[error("the second line must be `index`, a space and the leaf's index")]
    BadIndexLine,
    /// The number on the `index` line.
    #[error("the leaf's index is unreadable")]
    BadIndex(#[source] TreeError),
    /// A line of the path that is no hash.
    #[error("hash {line} of the audit path is unreadable")]
    BadHash {
        /// Number of the hash, from 1.
        line: usize,
        /// What is wrong with it.
        source: TreeError,
    },
    /// More than [`PROOF_HASHES_MAX`].
    #[error("an audit path has at most {PROOF_HASHES_MAX} hashes")]
    TooManyHashes,
    /// The empty line or the checkpoint below it is missing.
    #[error("the proof must end with an empty line and a signed checkpoint; it is cut")]
    NoCheckpoint,
}

/// Where an entry stands in the log, and what proves it. Nothing in it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    index: LeafIndex,
    hashes: Vec<TreeHash>,
    checkpoint: String,
}

impl TlogProof {
    /// Puts a proof together: the path starts with the leaf's sibling, the checkpoint is a signed note.
    pub fn new(index: LeafIndex, hashes: Vec<TreeHash>, checkpoint: String) -> Result<Self, ProofError> {
        if hashes.len() > PROOF_HASHES_MAX {
            return Err(ProofError::TooManyHashes);
        }
        if checkpoint.len() > NOTE_BYTES_MAX {
            return Err(ProofError::TooLong { length: checkpoint.len() });
        }
        if checkpoint.starts_with('\n') || !checkpoint.ends_with('\n') {
            return Err(ProofError::NoCheckpoint);
        }
        Ok(Self { index, hashes, checkpoint })
    }

    /// The place of the entry in the log.
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The audit path: the leaf's sibling first, the root's child last.
    pub fn hashes(&self) -> &[TreeHash] {
        &self.hashes
    }

    /// The signed checkpoint, byte for byte.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(ProofError::TooLong { length: text.len() });
        }
        let rest = text.strip_prefix(FIRST_LINE).ok_or(ProofError::WrongFormat)?;
        let rest = rest.strip_prefix("index ").ok_or(ProofError::BadIndexLine)?;
        let (index, mut rest) = rest.split_once('\n').ok_or(ProofError::BadIndexLine)?;
        let index = index.parse().map_err(ProofError::BadIndex)?;
        let mut hashes = Vec::new();
        loop {
            let (line, behind) = rest.split_once('\n').ok_or(ProofError::NoCheckpoint)?;
            rest = behind;
            if line.is_empty() {
                return Self::new(index, hashes, rest.to_owned());
            }
            if hashes.len() == PROOF_HASHES_MAX {
                return Err(ProofError::TooManyHashes);
            }
            let hash =
                line.parse().map_err(|source| ProofError::BadHash { line: hashes.len() + 1, source })?;
            hashes.push(hash);
        }
    }
}

text_form!(TlogProof, "^c2sp\\.org/tlog-proof@v1\\nindex ");

#[cfg(test)]
mod tests;

//! `key.json`: where a key that signs lives, when it is not in `key.pem`.
//!
//! It holds no secret. The public key in it is what every signature is verified with, and what tells that a file or an
//! agent has another key than it had.

use std::path::{Path, PathBuf};

use holdfast_formats::key::PublicKey;
use serde::{Deserialize, Serialize};

use crate::atomic_file::{self, Secrecy};
use crate::error::ClientError;

const BYTES_MAX: usize = 64 * 1024;

/// Where a signing key lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// In a file elsewhere.
    File(PathBuf),
    /// In the ssh-agent that `SSH_AUTH_SOCK` names.
    SshAgent,
    /// Behind a command: its program and arguments.
    Command(Vec<String>),
}

/// A signing key by its public half, and where it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// The public half.
    pub public: PublicKey,
    /// Where the private half is.
    pub source: KeySource,
}

impl KeyRecord {
    /// Whether a file holds a record, and not a key.
    pub(super) fn is_in(bytes: &[u8]) -> bool {
        bytes.trim_ascii_start().starts_with(b"{")
    }

    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ClientError> {
        let malformed = |rule: String| ClientError::FileMalformed { path: path.to_owned(), rule };
        let record: Self =
            holdfast_formats::from_json(bytes, BYTES_MAX).map_err(|e| malformed(e.to_string()))?;
        match &record.source {
            KeySource::Command(words) if words.is_empty() => {
                Err(malformed("its command is empty".to_owned()))
            }
            _ => Ok(record),
        }
    }

    /// Writes the record in the place of the one that is there, if any.
    pub fn write(&self, path: &Path) -> Result<(), ClientError> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|source| ClientError::Encode { what: "key.json", source })?;
        bytes.push(b'\n');
        atomic_file::write(path, &bytes, Secrecy::Secret)
    }
}

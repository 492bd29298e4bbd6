//! A witness as the settings name it: where it is asked, and the key that its cosignatures must be by.

use std::fmt;
use std::str::FromStr;

use holdfast_formats::note::{NoteKey, SignatureType};

use super::is_base_url;

/// The most witnesses of one node: each has a task and a connection.
pub(super) const WITNESSES_MAX: usize = 16;

/// A witness to ask for cosignatures; as text `URL VKEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessConfig {
    /// The submission prefix, without a slash at its end: `add-checkpoint` lies below it.
    pub url: String,
    /// Its verifier key.
    pub key: NoteKey,
}

/// Why a text names no witness.
#[derive(Debug, thiserror::Error)]
#[error(
    "--witness {text:?} is none: write 'URL VKEY', the URL with http:// or https://, the key as its operator publishes it ({why})"
)]
pub struct InvalidWitness {
    text: String,
    why: String,
}

impl FromStr for WitnessConfig {
    type Err = InvalidWitness;

    fn from_str(text: &str) -> Result<Self, InvalidWitness> {
        let invalid = |why: &dyn fmt::Display| InvalidWitness { text: text.to_owned(), why: why.to_string() };
        let (url, key) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or_else(|| invalid(&"one of the two is missing"))?;
        if !is_base_url(url) {
            return Err(invalid(&"the URL is no base URL"));
        }
        let key: NoteKey = key.trim().parse().map_err(|error| invalid(&error))?;
        if key.kind() != SignatureType::Cosignature {
            return Err(invalid(&"the key is of a log, a witness has one of type 0x04"));
        }
        Ok(Self { url: url.trim_end_matches('/').to_owned(), key })
    }
}

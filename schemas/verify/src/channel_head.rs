//! Signing and checking channel heads: how fresh a lookup is, said by a key that the policy names for nothing else.

use holdfast_formats::channel_head::{ChannelHead, ChannelHeadError};
use holdfast_formats::key::{PublicKey, SigningKey};
use holdfast_formats::note::{self, KeyName, Note, NoteError, NoteKey, SignatureType};
use holdfast_formats::origin::Origin;

use crate::verified::Verified;

/// Why a channel head was refused.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The note around it was refused.
    #[error("the channel head is no note that a head key of this log signed")]
    Note(#[from] NoteError),
    /// Its text is malformed.
    #[error(transparent)]
    Malformed(#[from] ChannelHeadError),
    /// It is of another log.
    #[error("the channel head is of the log {found}, not of {expected}")]
    OtherLog {
        /// The log that was asked.
        expected: Origin,
        /// The log that the head names.
        found: Origin,
    },
}

/// The name under which head keys sign: the origin and `/head`, so that no checkpoint is ever taken for a head.
pub fn head_key_name(origin: &Origin) -> KeyName {
    format!("{origin}/head")
        .parse()
        .expect("an origin has at most 128 bytes and the characters of a key name")
}

/// Signs a channel head as a note.
pub fn sign_head(head: &ChannelHead, key: &SigningKey) -> String {
    note::sign(&head.to_string(), &head_key_name(&head.origin), key)
        .expect("names, numbers and times have no control characters, and the text ends with a line feed")
}

/// Reads a channel head that any one of these head keys of this log signed. Its time is not judged here.
pub fn verify_head(
    signed: &str,
    origin: &Origin,
    head_keys: &[PublicKey],
) -> Result<Verified<ChannelHead>, HeadError> {
    let name = head_key_name(origin);
    let key = |key: &PublicKey| NoteKey::new(name.clone(), SignatureType::Ed25519, key.clone());
    let known: Vec<NoteKey> = head_keys.iter().map(key).collect();
    let head: ChannelHead = Note::parse(signed.as_bytes())?.verify(&known)?.text().parse()?;
    if head.origin != *origin {
        return Err(HeadError::OtherLog { expected: origin.clone(), found: head.origin });
    }
    Ok(Verified::new(head))
}

#[cfg(test)]
mod tests;

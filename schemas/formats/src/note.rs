//! Signed notes: a text and the signatures below it (C2SP signed-note v1.0.0, tlog-cosignature).
//!
//! Owns the split of a note into text and signature lines, and the rule by which known keys accept or reject
//! it. It never says what the text means (see [`crate::checkpoint`]) nor which keys are trusted: the caller
//! brings them, several at once while a log changes its key. Specification: <https://c2sp.org/signed-note>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use crate::key::{KeyError, SigningKey};
use crate::text::TextError;

mod key;

pub use key::{KeyName, NoteKey, NoteKeyId, SignatureType};

/// The longest note that is read, signatures included: room for a hundred post-quantum cosignatures.
pub const NOTE_BYTES_MAX: usize = 512 * 1024;

/// The most signatures that a note may carry (the specification asks for at least 16).
pub const NOTE_SIGNATURES_MAX: usize = 100;

/// What every signature line starts with: an em dash and a space.
const LINE_START: &str = "\u{2014} ";

/// Why a note, a signature on it or a verifier key was refused.
#[derive(Debug, Error)]
pub enum NoteError {
    /// Longer than [`NOTE_BYTES_MAX`].
    #[error("a note is at most {NOTE_BYTES_MAX} bytes long, this one has {length}")]
    TooLong {
        /// Length of the note in bytes.
        length: usize,
    },
    /// Not UTF-8, or a control character other than a line feed.
    #[error("a note is UTF-8 text without control characters; check that nothing converted its line ends")]
    NotText,
    /// The text does not end its last line.
    #[error("the text of a note must end with a line feed")]
    OpenLine,
    /// No empty line, or no complete signature line after the last one.
    #[error("a note ends with an empty line and one or more signature lines; this one is cut or unsigned")]
    Unsigned,
    /// More than [`NOTE_SIGNATURES_MAX`].
    #[error("a note has at most {NOTE_SIGNATURES_MAX} signatures")]
    TooManySignatures,
    /// A line below the text is no signature.
    #[error("signature line {line} must be an em dash, a space, the key name, a space and base64")]
    BadSignatureLine {
        /// Number of the line below the empty line, from 1.
        line: usize,
    },
    /// The name in a verifier key is none.
    #[error("the verifier key has no usable name")]
    BadKeyName(#[source] TextError),
    /// The text is no verifier key.
    #[error("a verifier key is name+keyid+base64, for example as the log's operator publishes it")]
    BadKeyText,
    /// A verifier key whose id is not the hash of its other parts.
    #[error("the verifier key says its id is {said}, its other parts say {computed}; copy it again in full")]
    WrongKeyId {
        /// The id in the text.
        said: NoteKeyId,
        /// The id that follows from name, type and key.
        computed: NoteKeyId,
    },
    /// A signature type that this version can't check.
    #[error("signature type {number:#04x} can't be checked; use an Ed25519 (0x01) or cosignature (0x04) key")]
    UnsupportedType {
        /// The type byte.
        number: u8,
    },
    /// The bytes are no acceptable Ed25519 key.
    #[error("the verifier key of {name} is no acceptable Ed25519 key")]
    BadKey {
        /// Name of the key.
        name: KeyName,
        /// What is wrong with it.
        source: KeyError,
    },
    /// Two known keys have one name and one id, so nobody can say which signed.
    #[error("two known keys share the name {name} and the id {id}; remove the one that is not trusted")]
    AmbiguousKey {
        /// The shared name.
        name: KeyName,
        /// The shared id.
        id: NoteKeyId,
    },
    /// A known key's signature does not hold: the whole note is rejected.
    #[error("the signature of {name} ({id}) does not match the text: the note was altered or forged")]
    BadSignature {
        /// Name of the known key.
        name: KeyName,
        /// Id of the known key.
        id: NoteKeyId,
    },
    /// No known key signed.
    #[error("none of the {count} signatures is by a known key; check the configured log and witness keys")]
    NoKnownSigner {
        /// How many signatures the note has.
        count: usize,
    },
}

/// One signature line, as read: nothing about it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    id: NoteKeyId,
    payload: Vec<u8>,
}

impl NoteSignature {
    /// Name of the key that is said to have signed.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Id of the key that is said to have signed.
    pub fn id(&self) -> NoteKeyId {
        self.id
    }
}

/// A note as read: its shape is right, its signatures are not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Splits a note at its last empty line and reads every signature line.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong { length: bytes.len() });
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        check_characters(note)?;
        let (before, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Unsigned)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Unsigned)?;
        let mut signatures = Vec::new();
        for (at, line) in lines.split('\n').enumerate() {
            if at == NOTE_SIGNATURES_MAX {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(parse_line(line).ok_or(NoteError::BadSignatureLine { line: at + 1 })?);
        }
        Ok(Self { text: format!("{before}\n"), signatures })
    }

    /// The text with its last line feed. Nobody vouches for it yet: use it for error messages only.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The signatures in the order of the note.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Accepts the note when at least one known key signed and no signature that claims a known key is false.
    ///
    /// Signatures of unknown keys are ignored. Who *must* have signed is for the caller to ask of the result.
    pub fn verify(&self, known: &[NoteKey]) -> Result<VerifiedNote, NoteError> {
        let mut signers: Vec<NoteSigner> = Vec::new();
        for signature in &self.signatures {
            let Some(key) = find_key(signature, known)? else { continue };
            let signer = key
                .check(&self.text, &signature.payload)
                .ok_or_else(|| NoteError::BadSignature { name: signature.name.clone(), id: signature.id })?;
            if signers.iter().all(|earlier| earlier.key != signer.key) {
                signers.push(signer);
            }
        }
        if signers.is_empty() {
            return Err(NoteError::NoKnownSigner { count: self.signatures.len() });
        }
        Ok(VerifiedNote { text: self.text.clone(), signers })
    }
}

/// A known key whose signature on a note holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSigner {
    key: NoteKey,
    cosigned_at_s: Option<u64>,
}

impl NoteSigner {
    /// The key, as the caller gave it.
    pub fn key(&self) -> &NoteKey {
        &self.key
    }

    /// When a witness says that it saw the text, in Unix seconds; `None` for a plain signature.
    pub fn cosigned_at_s(&self) -> Option<u64> {
        self.cosigned_at_s
    }
}

/// The text of a note that passed [`Note::verify`], with the known keys that signed it, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedNote {
    text: String,
    signers: Vec<NoteSigner>,
}

impl VerifiedNote {
    /// The signed text with its last line feed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which known keys signed: never empty, no key twice.
    pub fn signers(&self) -> &[NoteSigner] {
        &self.signers
    }
}

/// Signs `text`, which must end with a line feed, and returns the whole note.
pub fn sign(text: &str, name: &KeyName, key: &SigningKey) -> Result<String, NoteError> {
    sign_by_all(text, name, std::slice::from_ref(key))
}

/// The same with several keys of one name, a line each in their order.
pub fn sign_by_all(text: &str, name: &KeyName, keys: &[SigningKey]) -> Result<String, NoteError> {
    check_text(text)?;
    let line = |key: &SigningKey| {
        let id = NoteKeyId::of(name, SignatureType::Ed25519, &key.public());
        format_line(name, id, &key.sign(text.as_bytes()))
    };
    Ok(format!("{text}\n{}", keys.iter().map(line).collect::<String>()))
}

/// The line with which a witness says that it saw `text` at `time_s` (Unix seconds); append it to the note.
pub fn cosignature_line(
    text: &str,
    name: &KeyName,
    time_s: u64,
    key: &SigningKey,
) -> Result<String, NoteError> {
    check_text(text)?;
    let id = NoteKeyId::of(name, SignatureType::Cosignature, &key.public());
    let signature = key.sign(key::cosigned_message(text, time_s).as_bytes());
    Ok(format_line(name, id, &[time_s.to_be_bytes().as_slice(), &signature].concat()))
}

fn format_line(name: &KeyName, id: NoteKeyId, payload: &[u8]) -> String {
    let bytes = [id.as_bytes().as_slice(), payload].concat();
    format!("{LINE_START}{name} {}\n", BASE64.encode(&bytes))
}

fn parse_line(line: &str) -> Option<NoteSignature> {
    let (name, base64) = line.strip_prefix(LINE_START)?.split_once(' ')?;
    let bytes = BASE64.decode(base64.as_bytes()).ok()?;
    let (id, payload) = bytes.split_first_chunk()?;
    if payload.is_empty() {
        return None;
    }
    Some(NoteSignature {
        name: name.parse().ok()?,
        id: NoteKeyId::from_bytes(*id),
        payload: payload.to_vec(),
    })
}

/// The one known key of this name and id, if any.
fn find_key<'k>(signature: &NoteSignature, known: &'k [NoteKey]) -> Result<Option<&'k NoteKey>, NoteError> {
    let mut found = known.iter().filter(|key| *key.name() == signature.name && key.id() == signature.id);
    let first = found.next();
    if found.any(|other| Some(other) != first) {
        return Err(NoteError::AmbiguousKey { name: signature.name.clone(), id: signature.id });
    }
    Ok(first)
}

fn check_text(text: &str) -> Result<(), NoteError> {
    check_characters(text)?;
    if text.ends_with('\n') { Ok(()) } else { Err(NoteError::OpenLine) }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') { Err(NoteError::NotText) } else { Ok(()) }
}

#[cfg(test)]
mod tests;

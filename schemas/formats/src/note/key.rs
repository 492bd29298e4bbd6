//! Verifier keys of signed notes: a name, a signature type and an Ed25519 key, and the id that abbreviates them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::{NoteError, NoteSigner};
use crate::key::PublicKey;
use crate::origin::Origin;
use crate::strict::{text_form, text_type};
use crate::text::TextError;

text_type!(
    /// The name of a key on signature lines: 1 to 256 bytes, no white space, no `+`, no control characters.
    pub struct KeyName,
    "^[^\\s+\\u0000-\\u001f]{1,256}$",
    |text| {
        TextError::check_size("a key name", text, 256)?;
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
            return Err(TextError::grammar("a key name", text, "no white space, no control characters and no '+'"));
        }
        Ok(())
    }
);

impl KeyName {
    /// The name of the key of the log with this origin (C2SP tlog-checkpoint: they are the same).
    pub fn of_log(origin: &Origin) -> Self {
        Self(origin.as_str().to_owned())
    }
}

/// How a signature on a note is made; the number is part of the key id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureType {
    /// Ed25519 over the text (0x01): what a log makes.
    Ed25519,
    /// Ed25519 over the text and a time (0x04, C2SP tlog-cosignature): what a witness makes.
    Cosignature,
}

impl SignatureType {
    /// The byte that stands for the type in key ids and verifier keys.
    pub const fn number(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }

    fn from_number(number: u8) -> Result<Self, NoteError> {
        match number {
            0x01 => Ok(Self::Ed25519),
            0x04 => Ok(Self::Cosignature),
            _ => Err(NoteError::UnsupportedType { number }),
        }
    }
}

/// First four bytes of `SHA256(name ‖ 0x0A ‖ type ‖ key)`: a hint which key signed, never a proof.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoteKeyId([u8; 4]);

impl NoteKeyId {
    /// The id of a key of this name and type.
    pub fn of(name: &KeyName, kind: SignatureType, key: &PublicKey) -> Self {
        let hash = Sha256::new()
            .chain_update(name.as_str())
            .chain_update([b'\n', kind.number()])
            .chain_update(key.as_bytes())
            .finalize();
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash);
        Self([a, b, c, d])
    }

    pub(super) const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes in the order of the signature line.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

impl fmt::Display for NoteKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for NoteKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteKeyId({self})")
    }
}

/// A verifier key; as text and in JSON `name+keyid+base64(type ‖ key)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoteKey {
    name: KeyName,
    kind: SignatureType,
    key: PublicKey,
    id: NoteKeyId,
}

impl NoteKey {
    /// A key that signs notes under `name` in the way of `kind`.
    pub fn new(name: KeyName, kind: SignatureType, key: PublicKey) -> Self {
        let id = NoteKeyId::of(&name, kind, &key);
        Self { name, kind, key, id }
    }

    /// The key with which the log of this origin signs checkpoints.
    pub fn of_log(origin: &Origin, key: PublicKey) -> Self {
        Self::new(KeyName::of_log(origin), SignatureType::Ed25519, key)
    }

    /// The name on its signature lines.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// How it signs.
    pub fn kind(&self) -> SignatureType {
        self.kind
    }

    /// The Ed25519 key itself.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Its id on signature lines.
    pub fn id(&self) -> NoteKeyId {
        self.id
    }

    /// Checks one signature payload over `text`; `None` when it is false or has the wrong length.
    pub(super) fn check(&self, text: &str, payload: &[u8]) -> Option<NoteSigner> {
        let cosigned_at_s = match self.kind {
            SignatureType::Ed25519 => {
                self.key.verify(text.as_bytes(), payload.try_into().ok()?).ok()?;
                None
            }
            SignatureType::Cosignature => {
                let (time, signature) = payload.split_first_chunk()?;
                let time_s = u64::from_be_bytes(*time);
                let message = cosigned_message(text, time_s);
                self.key.verify(message.as_bytes(), signature.try_into().ok()?).ok()?;
                Some(time_s)
            }
        };
        Some(NoteSigner { key: self.clone(), cosigned_at_s })
    }
}

/// What a witness signs: the time, then the text with its last line feed (C2SP tlog-cosignature).
pub(super) fn cosigned_message(text: &str, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [[self.kind.number()].as_slice(), self.key.as_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, self.id, BASE64.encode(&bytes))
    }
}

impl FromStr for NoteKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Base64 may itself have a `+`, names and ids never do.
        let (name, rest) = text.split_once('+').ok_or(NoteError::BadKeyText)?;
        let (id, base64) = rest.split_once('+').ok_or(NoteError::BadKeyText)?;
        let name: KeyName = name.parse().map_err(NoteError::BadKeyName)?;
        let id = HEXLOWER.decode(id.as_bytes()).ok().and_then(|id| id.try_into().ok()).map(NoteKeyId);
        let said = id.ok_or(NoteError::BadKeyText)?;
        let bytes = BASE64.decode(base64.as_bytes()).map_err(|_| NoteError::BadKeyText)?;
        let (number, key) = bytes.split_first().ok_or(NoteError::BadKeyText)?;
        let kind = SignatureType::from_number(*number)?;
        let key: &[u8; 32] = key.try_into().map_err(|_| NoteError::BadKeyText)?;
        let key =
            PublicKey::from_bytes(key).map_err(|source| NoteError::BadKey { name: name.clone(), source })?;
        let parsed = Self::new(name, kind, key);
        if parsed.id != said {
            return Err(NoteError::WrongKeyId { said, computed: parsed.id });
        }
        Ok(parsed)
    }
}

text_form!(NoteKey, "^[^+\\s]+\\+[0-9a-f]{8}\\+[A-Za-z0-9+/]{44}$");

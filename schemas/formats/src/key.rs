//! Ed25519 keys: canonical and strong ones only, verified strictly.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, spki::der::pem::LineEnding};
use ed25519_dalek::{Signer as _, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::hex::Hex32;
use crate::strict::text_form;
use crate::text::TextError;

/// Why a key or a signature was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a point, or not the one encoding of it.
    #[error("the Ed25519 public key is not in its canonical encoding")]
    NotCanonical,
    /// A small-order key, under which forged signatures verify.
    #[error("the Ed25519 public key is weak (small order)")]
    Weak,
    /// The signature does not match key and message.
    #[error("the signature does not verify")]
    BadSignature,
    /// Not an unencrypted PKCS#8 PEM Ed25519 key.
    #[error(
        "the private key is not an Ed25519 PKCS#8 PEM file; make one with `holdfast key generate` or `openssl genpkey -algorithm ed25519`"
    )]
    NotPkcs8,
}

/// The name of a key: the SHA-256 of its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// The 32 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Hex32::of(&self.0).as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key:{self}")
    }
}

impl FromStr for KeyId {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        Hex32::read("a key id", text).map(Self)
    }
}

text_form!(KeyId, "^[0-9a-f]{64}$", |id: &Self| Hex32::of(&id.0));

/// An Ed25519 public key that is canonical and not weak; written `ed25519:<base64>`.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    /// Asked for at every judging, so it is hashed once.
    id: KeyId,
}

impl PublicKey {
    /// Accepts 32 bytes only when they are the one encoding of a point that is not of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotCanonical)?;
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(KeyError::NotCanonical);
        }
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self::named(key))
    }

    fn named(key: VerifyingKey) -> Self {
        let id = KeyId(Sha256::digest(key.as_bytes()).into());
        Self { key, id }
    }

    /// The 32 raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The key's name.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Strict verification (RFC 8032 with canonical s and R, no small-order components).
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), KeyError> {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.key.verify_strict(message, &signature).map_err(|_| KeyError::BadSignature)
    }
}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", BASE64.encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let wrong = |rule| TextError::grammar("a public key", text, rule);
        let body =
            text.strip_prefix("ed25519:").ok_or_else(|| wrong("write ed25519:<base64 of 32 bytes>"))?;
        let bytes =
            BASE64.decode(body.as_bytes()).map_err(|_| wrong("write ed25519:<base64 of 32 bytes>"))?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| wrong("an Ed25519 key has 32 bytes"))?;
        Self::from_bytes(&bytes).map_err(|_| wrong("the key must be canonical and not weak"))
    }
}

text_form!(PublicKey, "^ed25519:[A-Za-z0-9+/]{43}=$");

/// An Ed25519 private key in memory; wiped when dropped, never printed.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key that belongs to 32 secret bytes.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Reads what `openssl genpkey -algorithm ed25519` writes.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        let key = ed25519_dalek::SigningKey::from_pkcs8_pem(pem).map_err(|_| KeyError::NotPkcs8)?;
        Ok(Self(key))
    }

    /// Writes a PKCS#8 PEM file that OpenSSL reads.
    pub fn to_pkcs8_pem(&self) -> Result<String, KeyError> {
        // OpenSSL before 3.0 refuses PKCS#8 version 2, which carries the public key, so only the secret is written.
        let bytes = ed25519_dalek::pkcs8::KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = bytes.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::NotPkcs8)?;
        Ok(pem.to_string())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey::named(self.0.verifying_key())
    }

    /// A deterministic Ed25519 signature.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey of {}", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t21_small_order_and_non_canonical_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity), Err(KeyError::Weak));
        let mut non_canonical = [0xff; 32];
        non_canonical[31] = 0x7f;
        non_canonical[0] = 0xee;
        assert!(PublicKey::from_bytes(&non_canonical).is_err());
        let mut negative_zero = identity;
        negative_zero[31] = 0x80;
        assert!(PublicKey::from_bytes(&negative_zero).is_err());
    }

    #[test]
    fn t21_a_signature_with_s_plus_l_is_refused() {
        const L: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let key = SigningKey::from_seed([7; 32]);
        let good = key.sign(b"message");
        assert_eq!(key.public().verify(b"message", &good), Ok(()));
        let mut forged = good;
        let mut carry = 0_u16;
        for (byte, l) in forged[32..].iter_mut().zip(L) {
            let sum = u16::from(*byte) + u16::from(l) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert_eq!(key.public().verify(b"message", &forged), Err(KeyError::BadSignature));
    }

    #[test]
    fn a_private_key_survives_its_pem_form() {
        let key = SigningKey::from_seed([9; 32]);
        let pem = key.to_pkcs8_pem().unwrap();
        assert_eq!(SigningKey::from_pkcs8_pem(&pem).unwrap().public(), key.public());
    }
}

//! The one-time login secret: 128 random bits that admit policy 1, and a fingerprint of the registry's keys that the
//! person who logs in checks before signing anything.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL_NOPAD;

use crate::digest::Sha256Digest;
use crate::key::PublicKey;
use crate::origin::Origin;
use crate::text::TextError;

/// The fingerprint of a registry's origin and public keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysFingerprint([u8; 16]);

impl KeysFingerprint {
    /// The first 16 bytes of the SHA-256 over the origin and each key on a line of its own: log, head, registry keys.
    pub fn of(origin: &Origin, log: &[PublicKey], head: &[PublicKey], registry: &[PublicKey]) -> Self {
        let mut text = format!("holdfast/registry-keys/v1\n{origin}\n");
        for (role, keys) in [("log", log), ("head", head), ("registry", registry)] {
            for key in keys {
                text.push_str(role);
                text.push(' ');
                text.push_str(&key.to_string());
                text.push('\n');
            }
        }
        let digest = Sha256Digest::of(text.as_bytes());
        let (first, _) = digest.as_bytes().split_at(16);
        Self(first.try_into().unwrap_or([0; 16]))
    }
}

/// The secret behind `#` of the login URL: base64url of 16 random bytes and the 16 bytes of the fingerprint.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginSecret {
    random: [u8; 16],
    fingerprint: KeysFingerprint,
}

impl LoginSecret {
    /// Joins 16 bytes from a good source of randomness and the fingerprint of the registry's keys.
    pub const fn new(random: [u8; 16], fingerprint: KeysFingerprint) -> Self {
        Self { random, fingerprint }
    }

    /// The fingerprint that the registry's keys must have.
    pub const fn fingerprint(&self) -> KeysFingerprint {
        self.fingerprint
    }

    /// What the registry keeps of the secret: enough to know it again, useless to log in with.
    pub fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(self.expose().as_bytes())
    }

    /// The secret as text. Whoever calls this must not log it.
    pub fn expose(&self) -> String {
        let mut bytes = [0; 32];
        let (random, fingerprint) = bytes.split_at_mut(16);
        random.copy_from_slice(&self.random);
        fingerprint.copy_from_slice(&self.fingerprint.0);
        BASE64URL_NOPAD.encode(bytes)
    }
}

impl fmt::Debug for LoginSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginSecret(…)")
    }
}

impl FromStr for LoginSecret {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        // The text is a secret: the error never quotes it.
        let wrong = || {
            TextError::grammar(
                "a login secret",
                "…",
                "use the 43 characters behind # that the registry printed at its first start",
            )
        };
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| wrong())?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| wrong())?;
        let (random, fingerprint) = bytes.split_at(16);
        let half = |part: &[u8]| <[u8; 16]>::try_from(part).map_err(|_| wrong());
        Ok(Self { random: half(random)?, fingerprint: KeysFingerprint(half(fingerprint)?) })
    }
}

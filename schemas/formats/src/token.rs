//! Tokens: 256 random bits that a grant names by their SHA-256. Never logged, never printed but once.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL_NOPAD;

use crate::digest::Sha256Digest;
use crate::text::TextError;

const PREFIX: &str = "hft_";

/// A bearer token, written `hft_<base64url of 32 bytes>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// Wraps 32 bytes from a good source of randomness.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What a grant names the token by.
    pub fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.0)
    }

    /// The text that goes into the `Authorization` header. Whoever calls this must not log it.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", BASE64URL_NOPAD.encode(self.0))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl FromStr for Token {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        // The text is a secret: the error never quotes it.
        let wrong = || {
            TextError::grammar(
                "a token",
                "…",
                "a token is hft_ and 43 characters, as `holdfast token grant` printed it",
            )
        };
        let body = text.strip_prefix(PREFIX).ok_or_else(wrong)?;
        let bytes = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| wrong())?;
        Ok(Self(bytes.try_into().map_err(|_| wrong())?))
    }
}

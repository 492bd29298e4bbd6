//! The token by which an OIDC issuer says who somebody is. Whoever holds it is that somebody, so it is never logged, stored
//! or shown. What it says, and whether it is true, is no business of this module.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::text::TextError;

/// More than any issuer signs; header lines of servers end far below.
const BYTES_MAX: usize = 16 * 1024;
const PARTS: usize = 3;

/// A signed token of an issuer (JWT in compact form): header, claims and signature in base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct IdToken(String);

impl IdToken {
    /// The text. Whoever calls this must not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The claims in base64url, as they were signed.
    pub fn claims_part(&self) -> &str {
        self.0.split('.').nth(1).unwrap_or_default()
    }
}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdToken(…)")
    }
}

impl FromStr for IdToken {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let is_base64url = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_base64url);
        let fits =
            text.len() <= BYTES_MAX && text.split('.').count() == PARTS && text.split('.').all(is_part);
        if fits {
            return Ok(Self(text.to_owned()));
        }
        // The text is a secret: the error never quotes it.
        let rule = "it is three parts in base64url with dots between, at most 16 KiB, and signed; ask the issuer for one";
        Err(TextError::grammar("an ID token", "…", rule))
    }
}

impl Serialize for IdToken {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

crate::strict::text_reading!(IdToken, "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t39_neither_debug_output_nor_an_error_shows_the_token() {
        let token: IdToken = "c2VjcmV0.c2VjcmV0.c2VjcmV0".parse().unwrap();
        assert!(!format!("{token:?}").contains("c2VjcmV0"));
        for wrong in [
            "c2VjcmV0",
            "c2VjcmV0.c2VjcmV0",
            "c2VjcmV0.c2VjcmV0.",
            "c2VjcmV0.c2VjcmV0.c2VjcmV0.x",
            "c2VjcmV0.c2V jc.x",
        ] {
            let error = wrong.parse::<IdToken>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("c2VjcmV0"), "{error:?}");
        }
        assert!("a".repeat(BYTES_MAX).parse::<IdToken>().is_err());
    }

    #[test]
    fn the_claims_are_the_part_in_the_middle() {
        assert_eq!("aa.bb.cc".parse::<IdToken>().unwrap().claims_part(), "bb");
    }
}

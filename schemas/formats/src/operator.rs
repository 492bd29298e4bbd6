//! What a registry key signs when a command on a node's machine asks the running node to work; text.
//!
//! ```text
//! holdfast/operator-request/v1
//! <origin>
//! <path>
//! <time>
//! <SHA-256 of the body>
//! ```
//!
//! Its signature travels in one header, as `<time> <signature, base64>`.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::digest::Sha256Digest;
use crate::key::{PublicKey, SigningKey};
use crate::origin::Origin;
use crate::text::TextError;
use crate::time::Timestamp;

/// The header that carries an [`OperatorProof`].
pub const OPERATOR_HEADER: &str = "holdfast-operator";

/// What is signed: one request, so that it is good for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatorRequest<'a> {
    /// The log.
    pub origin: &'a Origin,
    /// The path of the request.
    pub path: &'a str,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Its body.
    pub body: &'a [u8],
}

/// The signature of a request, and when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorProof {
    /// When the request was made.
    pub issued_at: Timestamp,
    /// By a registry key.
    pub signature: [u8; 64],
}

impl OperatorRequest<'_> {
    /// Signs the request.
    pub fn sign(&self, key: &SigningKey) -> OperatorProof {
        OperatorProof { issued_at: self.issued_at, signature: key.sign(self.to_string().as_bytes()) }
    }

    /// Whether one of these keys signed it.
    pub fn is_signed_by(&self, keys: impl IntoIterator<Item = PublicKey>, proof: &OperatorProof) -> bool {
        let message = self.to_string();
        proof.issued_at == self.issued_at
            && keys.into_iter().any(|key| key.verify(message.as_bytes(), &proof.signature).is_ok())
    }
}

impl fmt::Display for OperatorRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, path, issued_at, body } = self;
        let body = Sha256Digest::of(body);
        write!(f, "holdfast/operator-request/v1\n{origin}\n{path}\n{issued_at}\n{body}\n")
    }
}

impl fmt::Display for OperatorProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.issued_at, BASE64.encode(self.signature))
    }
}

impl FromStr for OperatorProof {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let wrong = || {
            let hint = "write a time in UTC, a space, and 64 bytes in base64";
            TextError::grammar("the signature of an operator", text, hint)
        };
        let (time, signature) = text.split_once(' ').ok_or_else(wrong)?;
        let signature = BASE64.decode(signature).map_err(|_| wrong())?;
        let signature = signature.try_into().map_err(|_| wrong())?;
        Ok(Self { issued_at: time.parse()?, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_good_for_one_request_and_by_one_key() {
        let (key, other) = (SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32]));
        let (origin, elsewhere): (Origin, Origin) =
            ("log.example/a".parse().unwrap(), "log.example/b".parse().unwrap());
        let request = OperatorRequest {
            origin: &origin,
            path: "/v1/operations/scrub",
            issued_at: Timestamp::from_ms(1000),
            body: b"{}",
        };
        let proof: OperatorProof = request.sign(&key).to_string().parse().unwrap();
        assert!(request.is_signed_by([other.public(), key.public()], &proof));
        assert!(!request.is_signed_by([other.public()], &proof));
        let others = [
            OperatorRequest { origin: &elsewhere, ..request },
            OperatorRequest { path: "/v1/operations/sweep", ..request },
            OperatorRequest { issued_at: Timestamp::from_ms(1001), ..request },
            OperatorRequest { body: b"{ }", ..request },
        ];
        assert!(others.iter().all(|other| !other.is_signed_by([key.public()], &proof)));
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        for text in ["", "2026-11-21T07:00:00.000Z", "2026-11-21T07:00:00.000Z AAAA", "now AAAA", " "] {
            assert!(text.parse::<OperatorProof>().is_err(), "{text:?}");
        }
    }
}

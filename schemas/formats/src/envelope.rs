//! DSSE envelopes: the bytes that were signed and who signed them (DSSE 1.0.2).

use base64::Engine as _;
use base64::engine::general_purpose::{
    STANDARD as BASE64, STANDARD_NO_PAD as BASE64_NOPAD, URL_SAFE as BASE64URL,
    URL_SAFE_NO_PAD as BASE64URL_NOPAD,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::key::{KeyId, PublicKey, SigningKey};
use crate::limits::{ATTACHMENT_BYTES_MAX, SIGNATURES_MAX};
use crate::strict::{JsonError, from_json, record};

/// The payload type of every Holdfast statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Bytes written as base64. Standard and URL-safe forms are read, the standard form is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base64Bytes(pub Vec<u8>);

impl Serialize for Base64Bytes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64Bytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Base64Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a base64 string")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Base64Bytes, E> {
                decode_base64(text).map(Base64Bytes).ok_or_else(|| E::custom("not base64"))
            }
        }
        d.deserialize_str(Text)
    }
}

impl JsonSchema for Base64Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Base64".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "contentEncoding": "base64" })
    }
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let url_safe = text.bytes().any(|b| b == b'-' || b == b'_');
    let padded = text.len().is_multiple_of(4);
    let form = match (url_safe, padded) {
        (false, true) => &BASE64,
        (false, false) => &BASE64_NOPAD,
        (true, true) if text.ends_with('=') => &BASE64URL,
        (true, _) => &BASE64URL_NOPAD,
    };
    form.decode(text.as_bytes()).ok()
}

record! {
    /// One signature of an envelope.
    pub struct EnvelopeSignature {
        /// A hint which key signed; never trusted.
        opt keyid: String,
        /// 64 bytes of Ed25519 signature over the PAE.
        req sig: Base64Bytes,
    }
}

record! {
    /// A DSSE envelope as it is sent.
    pub struct Envelope {
        /// The signed bytes.
        req payload: Base64Bytes,
        /// What the bytes are; for statements [`PAYLOAD_TYPE`].
        #[serde(rename = "payloadType")]
        req payload_type: String,
        /// Who signed.
        req signatures: Vec<EnvelopeSignature>,
    }
}

/// Why an envelope was refused before any signature was looked at.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Not the JSON of an envelope.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Signed bytes of another kind.
    #[error("the payload type is {0:?}, but statements are {PAYLOAD_TYPE}")]
    PayloadType(String),
    /// None, or too many.
    #[error("the envelope has {0} signatures; 1 to {SIGNATURES_MAX} are accepted")]
    SignatureCount(usize),
    /// A signature that is no Ed25519 signature.
    #[error("signature {0} does not have the 64 bytes of an Ed25519 signature")]
    SignatureSize(usize),
}

impl Envelope {
    /// Reads an envelope and checks its form: payload type, number and size of signatures.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        // Base64 is 4/3 of the payload; the rest of the envelope is small.
        let envelope: Self = from_json(bytes, ATTACHMENT_BYTES_MAX / 3 * 4 + 64 * 1024)?;
        envelope.check()?;
        Ok(envelope)
    }

    /// Checks payload type, number and size of signatures.
    pub fn check(&self) -> Result<(), EnvelopeError> {
        if self.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType(self.payload_type.clone()));
        }
        if self.signatures.is_empty() || self.signatures.len() > SIGNATURES_MAX {
            return Err(EnvelopeError::SignatureCount(self.signatures.len()));
        }
        match self.signatures.iter().position(|s| s.sig.0.len() != 64) {
            Some(at) => Err(EnvelopeError::SignatureSize(at)),
            None => Ok(()),
        }
    }

    /// Signs a payload with one key.
    pub fn sign(payload: Vec<u8>, key: &SigningKey) -> Self {
        let unsigned = Self {
            payload: Base64Bytes(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: Vec::new(),
        };
        unsigned.signed_also_by(key)
    }

    /// Adds one more signature, as m-of-n signing does.
    #[must_use]
    pub fn signed_also_by(self, key: &SigningKey) -> Self {
        let sig = key.sign(&self.message());
        self.with_signature(&key.public(), sig)
    }

    /// The bytes that are signed: the pre-authentication encoding of the payload.
    pub fn message(&self) -> Vec<u8> {
        pre_authentication_encoding(&self.payload_type, &self.payload.0)
    }

    /// Adds a signature over [`Envelope::message`] that was made elsewhere. It is not verified here.
    #[must_use]
    pub fn with_signature(mut self, key: &PublicKey, sig: [u8; 64]) -> Self {
        let keyid = Some(key.id().to_string());
        self.signatures.push(EnvelopeSignature { keyid, sig: Base64Bytes(sig.to_vec()) });
        self
    }
}

/// The DSSE pre-authentication encoding: what is really signed.
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// One signature in its canonical form: the key is named by its id, the signature has 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CanonicalSignature {
    /// The key.
    pub keyid: KeyId,
    /// The Ed25519 signature over the PAE.
    pub sig: [u8; 64],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pre_authentication_encoding_has_its_known_answer() {
        let pae = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
        assert_eq!(pae, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn standard_and_url_safe_base64_are_read() {
        for text in ["+/8=", "-_8=", "+/8", "-_8"] {
            assert_eq!(decode_base64(text), Some(vec![0xfb, 0xff]), "{text}");
        }
        assert_eq!(decode_base64("+_8="), None);
    }
}

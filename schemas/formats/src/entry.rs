//! An entry: one leaf of the log. Its JSON has exactly one form; a leaf that differs from its re-encoding is refused.
//!
//! `{"v":1,"time_ms":…,"rules":1,"envelope":{"payload":"…","payloadType":"…","signatures":[{"keyid":"…","sig":"…"}]}}`,
//! or with `"attached":{"payload":{"sha256":"…","size":…},"payloadType":…,"signatures":…}` in place of `envelope` when the
//! payload is over 32 KiB.

mod read;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use schemars::JsonSchema;

use crate::envelope::{Base64Bytes, CanonicalSignature, PAYLOAD_TYPE};
use crate::key::KeyId;
use crate::limits::{ENTRY_BYTES_MAX, INLINE_PAYLOAD_BYTES_MAX};
use crate::statement::AttachmentRef;
use crate::time::Timestamp;

/// The format version that this code writes and reads.
const FORMAT_VERSION: u32 = 1;

/// Where the signed bytes of an entry are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryPayload {
    /// In the leaf itself.
    Inline(Vec<u8>),
    /// In an attachment, because they are over 32 KiB.
    Attached(AttachmentRef),
}

impl EntryPayload {
    /// Decides by size where a payload goes.
    pub fn place(payload: &[u8]) -> Self {
        if payload.len() > INLINE_PAYLOAD_BYTES_MAX {
            Self::Attached(AttachmentRef::of(payload))
        } else {
            Self::Inline(payload.to_vec())
        }
    }
}

/// One leaf of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When the log took it; never earlier than the entry before.
    pub time: Timestamp,
    /// The version of the rule book that judged it.
    pub rules: u32,
    /// The signed bytes.
    pub payload: EntryPayload,
    /// The signatures that counted, one a key, sorted.
    pub signatures: Vec<CanonicalSignature>,
}

/// What a leaf names, without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryOutline {
    /// The payload, when it is an attachment.
    pub attached: Option<AttachmentRef>,
    /// Whose signatures it carries.
    pub signers: Vec<KeyId>,
}

/// Why bytes are no entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Not in its one canonical form.
    #[error("the entry is not in its canonical form: {0}")]
    NotCanonical(&'static str),
    /// Larger than a leaf may be.
    #[error("the entry has {0} bytes; a leaf has at most 65,535")]
    TooLarge(usize),
}

/// One leaf of the log, in its one canonical form: no white space, the fields in this order, signatures sorted by key.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "what a leaf looks like, for its JSON Schema; leaves are read and written by hand"
)]
struct Leaf {
    /// The format version.
    #[schemars(extend("const" = FORMAT_VERSION))]
    v: u32,
    /// When the log took it, in milliseconds since 1970.
    time_ms: u64,
    /// The version of the rule book that judged it.
    rules: u32,
    /// The envelope, when its payload has at most 32 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::strict::present")]
    envelope: Option<Signed<Base64Bytes>>,
    /// The envelope with a larger payload named by digest: an attachment.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::strict::present")]
    attached: Option<Signed<AttachmentRef>>,
}

/// A DSSE envelope in canonical form.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Signed_{P}")]
#[expect(dead_code, reason = "a part of the leaf's JSON Schema")]
struct Signed<P> {
    /// The signed bytes, or where they are.
    payload: P,
    /// What the payload is.
    #[serde(rename = "payloadType")]
    #[schemars(extend("const" = PAYLOAD_TYPE))]
    payload_type: std::borrow::Cow<'static, str>,
    /// The signatures that counted, one a key, sorted by key.
    signatures: Vec<Signature>,
}

/// One signature.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a part of the leaf's JSON Schema")]
struct Signature {
    /// SHA-256 of the key.
    keyid: KeyId,
    /// 64 bytes of Ed25519 signature over the PAE.
    sig: Base64Bytes,
}

impl JsonSchema for Entry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Entry".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = Leaf::json_schema(generator);
        let one_of = serde_json::json!([{ "required": ["envelope"] }, { "required": ["attached"] }]);
        schema.insert("oneOf".to_owned(), one_of);
        schema
    }
}

impl Entry {
    /// Writes the leaf.
    pub fn encode(&self) -> Result<Vec<u8>, EntryError> {
        let mut leaf = String::with_capacity(self.size_estimate());
        self.write(&mut leaf).expect("a string takes whatever is written to it");
        if leaf.len() > ENTRY_BYTES_MAX {
            Err(EntryError::TooLarge(leaf.len()))
        } else {
            Ok(leaf.into_bytes())
        }
    }

    /// By hand, as it is read: this happens to every entry, and serde would copy the payload twice on its way.
    fn write(&self, leaf: &mut String) -> std::fmt::Result {
        let (time_ms, rules) = (self.time.as_ms(), self.rules);
        write!(leaf, r#"{{"v":{FORMAT_VERSION},"time_ms":{time_ms},"rules":{rules},"#)?;
        match &self.payload {
            EntryPayload::Inline(bytes) => {
                leaf.push_str(r#""envelope":{"payload":""#);
                BASE64.encode_string(bytes, leaf);
                leaf.push('"');
            }
            EntryPayload::Attached(AttachmentRef { sha256, size }) => {
                write!(leaf, r#""attached":{{"payload":{{"sha256":"{sha256}","size":{size}}}"#)?;
            }
        }
        write!(leaf, r#","payloadType":"{PAYLOAD_TYPE}","signatures":["#)?;
        for (n, CanonicalSignature { keyid, sig }) in self.signatures.iter().enumerate() {
            let separator = if n == 0 { "" } else { "," };
            write!(leaf, r#"{separator}{{"keyid":"{keyid}","sig":""#)?;
            BASE64.encode_string(sig, leaf);
            leaf.push_str(r#""}"#);
        }
        leaf.push_str("]}}");
        Ok(())
    }

    fn size_estimate(&self) -> usize {
        let payload = match &self.payload {
            EntryPayload::Inline(bytes) => bytes.len().div_ceil(3) * 4,
            EntryPayload::Attached(_) => 128,
        };
        160 + payload + 192 * self.signatures.len()
    }

    /// Reads a leaf; anything but the one canonical form is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::TooLarge(bytes.len()));
        }
        read::entry(bytes)
    }

    /// What a leaf names. For bytes that were accepted as an entry before: payload and signatures are passed over and not
    /// looked into.
    pub fn outline(leaf: &[u8]) -> Result<EntryOutline, EntryError> {
        read::outline(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    fn entry() -> Entry {
        let key = SigningKey::from_seed([1; 32]);
        let signatures = vec![CanonicalSignature { keyid: key.public().id(), sig: key.sign(b"x") }];
        Entry {
            time: Timestamp::from_ms(1_795_000_000_000),
            rules: 1,
            payload: EntryPayload::place(b"{}"),
            signatures,
        }
    }

    #[test]
    fn an_entry_survives_its_bytes() {
        let bytes = entry().encode().unwrap();
        assert_eq!(Entry::parse(&bytes).unwrap(), entry());
    }

    #[test]
    fn t20_an_entry_in_any_other_form_is_refused() {
        let good = String::from_utf8(entry().encode().unwrap()).unwrap();
        for wrong in [
            format!(" {good}"),
            good.replace("\"v\":1", "\"v\":1,\"v\":1"),
            good.replace("\"v\":1", "\"v\":2"),
            good.replace("\"rules\":1", "\"rules\":1,\"more\":1"),
            good.replace("\"rules\":1", "\"rules\":1.0"),
            good.replace("\"rules\":1", "\"rules\":1,\"attached\":null"),
            good.replace("e30=", "e30"),
        ] {
            assert!(Entry::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_payload_of_any_length_ends_where_it_ends() {
        for length in (180..=200).chain([0, 1, 382, 383, 384, 385, INLINE_PAYLOAD_BYTES_MAX]) {
            let entry = Entry { payload: EntryPayload::place(&vec![b'x'; length]), ..entry() };
            assert_eq!(Entry::parse(&entry.encode().unwrap()).unwrap(), entry, "{length} bytes");
        }
    }

    #[test]
    fn whatever_is_read_is_written_the_same() {
        let attached = Entry { payload: EntryPayload::place(&vec![b'x'; 40_000]), ..entry() };
        for good in [entry().encode().unwrap(), attached.encode().unwrap()] {
            let parsed = Entry::parse(&good).unwrap();
            assert_eq!(parsed.encode().unwrap(), good);
            let named = match parsed.payload {
                EntryPayload::Inline(_) => None,
                EntryPayload::Attached(named) => Some(named),
            };
            let signers = parsed.signatures.iter().map(|signature| signature.keyid).collect();
            assert_eq!(Entry::outline(&good).unwrap(), EntryOutline { attached: named, signers });
            assert!(Entry::outline(&good[..good.len() - 1]).is_err());
            for at in 0..good.len() {
                for byte in *b"0A+/=\"\\,{} " {
                    let mut other = good.clone();
                    other[at] = byte;
                    let same = Entry::parse(&other).map_or(true, |read| read.encode().unwrap() == other);
                    assert!(same, "{}", String::from_utf8_lossy(&other));
                }
                let cut = [&good[..at], &good[at + 1..]].concat();
                let same = Entry::parse(&cut).map_or(true, |read| read.encode().unwrap() == cut);
                assert!(same, "{}", String::from_utf8_lossy(&cut));
            }
        }
    }
}

//! Reading a leaf: its one canonical form and nothing else, so that what is accepted needs no re-encoding to compare with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{Entry, EntryError, EntryOutline, EntryPayload, FORMAT_VERSION};
use crate::digest::Sha256Digest;
use crate::envelope::{CanonicalSignature, PAYLOAD_TYPE};
use crate::key::KeyId;
use crate::limits::{INLINE_PAYLOAD_BYTES_MAX, SIGNATURES_MAX};
use crate::number::ByteSize;
use crate::statement::AttachmentRef;
use crate::time::Timestamp;

/// What stands before a payload in the leaf itself.
const INLINE: &str = ",\"envelope\":{\"payload\":\"";

const fn wrong<T>(what: &'static str) -> Result<T, EntryError> {
    Err(EntryError::NotCanonical(what))
}

/// Reads a whole leaf.
pub(super) fn entry(bytes: &[u8]) -> Result<Entry, EntryError> {
    let mut rest = Rest(bytes);
    let (time, rules) = rest.head()?;
    let payload = rest.payload()?;
    let signatures = rest.behind_payload(Rest::signatures)?;
    Ok(Entry { time, rules, payload, signatures })
}

/// Reads a leaf and leaves its payload and signatures as they are.
pub(super) fn outline(bytes: &[u8]) -> Result<EntryOutline, EntryError> {
    let mut rest = Rest(bytes);
    rest.head()?;
    let attached = if rest.skip(INLINE) {
        rest.text()?;
        None
    } else {
        Some(rest.attachment()?)
    };
    let signers = rest.behind_payload(Rest::signers)?;
    Ok(EntryOutline { attached, signers })
}

fn time(ms: u64) -> Result<Timestamp, EntryError> {
    let time = Timestamp::from_ms(ms);
    if time.as_ms() == ms { Ok(time) } else { wrong("its time is after the year 9999") }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// Everything before the payload: its time and its rule book.
    fn head(&mut self) -> Result<(Timestamp, u32), EntryError> {
        self.literal("{\"v\":")?;
        if self.number()? != u64::from(FORMAT_VERSION) {
            return wrong("its format version is unknown; a newer version of Holdfast may know it");
        }
        self.literal(",\"time_ms\":")?;
        let time = time(self.number()?)?;
        self.literal(",\"rules\":")?;
        let Ok(rules) = u32::try_from(self.number()?) else { return wrong("its rule book is none") };
        Ok((time, rules))
    }

    /// Everything behind the payload, to the end.
    fn behind_payload<T>(
        mut self,
        signatures: impl FnOnce(&mut Self) -> Result<T, EntryError>,
    ) -> Result<T, EntryError> {
        self.literal(",\"payloadType\":\"")?;
        self.literal(PAYLOAD_TYPE)?;
        self.literal("\",\"signatures\":[")?;
        let signatures = signatures(&mut self)?;
        self.literal("}}")?;
        if self.0.is_empty() { Ok(signatures) } else { wrong("something follows it") }
    }

    fn skip(&mut self, literal: &str) -> bool {
        match self.0.strip_prefix(literal.as_bytes()) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn literal(&mut self, literal: &str) -> Result<(), EntryError> {
        if self.skip(literal) { Ok(()) } else { wrong("its fields are others, or in another order or form") }
    }

    /// A decimal number in its shortest form.
    fn number(&mut self) -> Result<u64, EntryError> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        match number {
            Some(number) if length == 1 || !digits.starts_with(b"0") => Ok(number),
            _ => wrong("a number is not in its shortest form, or too large"),
        }
    }

    /// Everything up to the next quotation mark, which is passed. The texts of a leaf need no escapes.
    fn text(&mut self) -> Result<&'a [u8], EntryError> {
        let Some(end) = memchr::memchr(b'"', self.0) else { return wrong("a text does not end") };
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        Ok(text)
    }

    fn base64(&mut self) -> Result<Vec<u8>, EntryError> {
        BASE64.decode(self.text()?).or(wrong("what should be standard base64 is not"))
    }

    fn payload(&mut self) -> Result<EntryPayload, EntryError> {
        let payload = if self.skip(INLINE) {
            EntryPayload::Inline(self.base64()?)
        } else {
            EntryPayload::Attached(self.attachment()?)
        };
        let is_placed = match &payload {
            EntryPayload::Inline(bytes) => bytes.len() <= INLINE_PAYLOAD_BYTES_MAX,
            EntryPayload::Attached(at) => at.size.get() > INLINE_PAYLOAD_BYTES_MAX as u64,
        };
        if is_placed {
            Ok(payload)
        } else {
            wrong("its payload is neither inline nor attached as its size demands")
        }
    }

    fn attachment(&mut self) -> Result<AttachmentRef, EntryError> {
        self.literal(",\"attached\":{\"payload\":{\"sha256\":\"")?;
        let sha256: Option<Sha256Digest> = self.parsed()?;
        self.literal(",\"size\":")?;
        let size = ByteSize::new(self.number()?);
        self.literal("}")?;
        match (sha256, size) {
            (Some(sha256), Ok(size)) => Ok(AttachmentRef { sha256, size }),
            _ => wrong("its attachment has no proper digest or size"),
        }
    }

    fn signatures(&mut self) -> Result<Vec<CanonicalSignature>, EntryError> {
        let mut out: Vec<CanonicalSignature> = Vec::new();
        loop {
            let signature = self.signature()?;
            if out.last().is_some_and(|last| last.keyid >= signature.keyid) {
                return wrong("its signatures are not sorted by key, one a key");
            }
            out.push(signature);
            if out.len() > SIGNATURES_MAX {
                return wrong("it has too many signatures");
            }
            if !self.skip(",") {
                self.literal("]")?;
                return Ok(out);
            }
        }
    }

    fn signature(&mut self) -> Result<CanonicalSignature, EntryError> {
        self.literal("{\"keyid\":\"")?;
        let keyid: Option<KeyId> = self.parsed()?;
        self.literal(",\"sig\":\"")?;
        let sig = <[u8; 64]>::try_from(self.base64()?);
        self.literal("}")?;
        match (keyid, sig) {
            (Some(keyid), Ok(sig)) => Ok(CanonicalSignature { keyid, sig }),
            _ => wrong("a signature has no proper key id, or not 64 bytes"),
        }
    }

    /// Whose signatures there are.
    fn signers(&mut self) -> Result<Vec<KeyId>, EntryError> {
        let mut out = Vec::with_capacity(1);
        loop {
            self.literal("{\"keyid\":\"")?;
            let Some(keyid) = self.parsed()? else { return wrong("a signature has no proper key id") };
            out.push(keyid);
            self.literal(",\"sig\":\"")?;
            self.text()?;
            self.literal("}")?;
            if !self.skip(",") {
                self.literal("]")?;
                return Ok(out);
            }
        }
    }

    fn parsed<T: std::str::FromStr>(&mut self) -> Result<Option<T>, EntryError> {
        Ok(std::str::from_utf8(self.text()?).ok().and_then(|text| text.parse().ok()))
    }
}

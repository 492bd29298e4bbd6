//! The data types of SSH (RFC 4251 section 5) as far as keys and the agent need them: numbers and strings, read and
//! written in order.

use holdfast_formats::key::PublicKey;

/// The one kind of key that is used here.
pub(super) const ED25519: &[u8] = b"ssh-ed25519";

/// What is wrong with bytes that end too early.
pub(super) const CUT: &str = "it is cut";

/// Reads fields in order.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// A number of four bytes.
    pub(super) fn number(&mut self) -> Result<u32, &'static str> {
        let (bytes, rest) = self.0.split_first_chunk::<4>().ok_or(CUT)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*bytes))
    }

    /// Bytes behind their length.
    pub(super) fn string(&mut self) -> Result<&'a [u8], &'static str> {
        let length = usize::try_from(self.number()?).map_err(|_| CUT)?;
        let (string, rest) = self.0.split_at_checked(length).ok_or(CUT)?;
        self.0 = rest;
        Ok(string)
    }

    /// Whether everything was read.
    pub(super) const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes bytes behind their length; `None` when they are too many for that.
pub(super) fn string(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(bytes.len()).ok()?;
    Some([length.to_be_bytes().as_slice(), bytes].concat())
}

/// A public key as SSH sends it; `None` when it is of another kind or unusable.
pub(super) fn read_public(blob: &[u8]) -> Option<PublicKey> {
    let mut fields = Reader(blob);
    if fields.string().ok()? != ED25519 {
        return None;
    }
    let key = fields.string().ok()?.try_into().ok()?;
    if fields.is_at_end() { PublicKey::from_bytes(key).ok() } else { None }
}

/// The form of [`read_public`].
pub(super) fn write_public(key: &PublicKey) -> Vec<u8> {
    // Both lengths fit a byte.
    [&[0, 0, 0, 11], ED25519, &[0, 0, 0, 32], key.as_bytes().as_slice()].concat()
}

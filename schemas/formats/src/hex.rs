//! 32 bytes as 64 lower-case hexadecimal digits: how digests and key ids are written.

use data_encoding::HEXLOWER;

use crate::text::TextError;

/// The digits of 32 bytes.
pub(crate) struct Hex32([u8; 64]);

impl Hex32 {
    pub(crate) fn of(bytes: &[u8; 32]) -> Self {
        let mut digits = [0; 64];
        HEXLOWER.encode_mut(bytes, &mut digits);
        Self(digits)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }

    /// Reads exactly these digits.
    pub(crate) fn read(what: &'static str, text: &str) -> Result<[u8; 32], TextError> {
        let wrong = || TextError::grammar(what, text, "64 lower-case hexadecimal digits are wanted");
        if text.len() != 64 {
            return Err(wrong());
        }
        let mut out = [0; 32];
        HEXLOWER.decode_mut(text.as_bytes(), &mut out).map_err(|_| wrong())?;
        Ok(out)
    }
}

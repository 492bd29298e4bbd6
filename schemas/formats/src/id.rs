//! Random identifiers of 128 bits, made by whoever signs.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

use crate::strict::text_form;
use crate::text::TextError;

/// 128 random bits, written as 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RandomId([u8; 16]);

impl RandomId {
    /// Wraps 16 bytes from a good source of randomness.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for RandomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for RandomId {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let wrong = || TextError::grammar("an id", text, "32 lower-case hexadecimal digits are wanted");
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| wrong())?;
        Ok(Self(bytes.try_into().map_err(|_| wrong())?))
    }
}

text_form!(RandomId, "^[0-9a-f]{32}$");

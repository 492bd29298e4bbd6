//! Bounded free text and the one error that every text type reports.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text was refused. The message says what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Empty where something must stand, or longer than the limit.
    #[error("{what} must have 1 to {max} bytes, this has {size}")]
    Size {
        /// What was read.
        what: &'static str,
        /// Bytes given.
        size: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Not in the grammar.
    #[error("{given:?} is not {what}: {rule}")]
    Grammar {
        /// What was wanted.
        what: &'static str,
        /// What was given, cut to a readable length.
        given: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// Not one of a closed set of words.
    #[error("{given:?} is not one of {}", known.join(", "))]
    UnknownWord {
        /// What was given.
        given: String,
        /// The words there are.
        known: &'static [&'static str],
    },
}

impl TextError {
    /// A grammar error that quotes at most 80 characters of the input.
    pub(crate) fn grammar(what: &'static str, given: &str, rule: &'static str) -> Self {
        Self::Grammar { what, given: given.chars().take(80).collect(), rule }
    }

    /// Refuses an empty text and one over `max` bytes.
    pub(crate) fn check_size(what: &'static str, text: &str, max: usize) -> Result<(), Self> {
        if text.is_empty() || text.len() > max {
            return Err(Self::Size { what, size: text.len(), max });
        }
        Ok(())
    }
}

/// Free text of 1 to `MAX` bytes without NUL. Whoever prints it to a terminal escapes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: usize>(String);

/// Why something was done: 1 to 2,048 bytes.
pub type Reason = Text<2048>;
/// A short name or word of somebody else's system: 1 to 256 bytes.
pub type Label = Text<256>;
/// A link or locator, not interpreted by Holdfast: 1 to 2,048 bytes.
pub type Uri = Text<2048>;

impl<const MAX: usize> Text<MAX> {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> FromStr for Text<MAX> {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        TextError::check_size("text", text, MAX)?;
        if text.contains('\0') {
            return Err(TextError::grammar("text", text, "it must not contain NUL"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> Serialize for Text<MAX> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<const MAX: usize> JsonSchema for Text<MAX> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Text{MAX}").into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX })
    }
}

//! Versions: OCI tags, so that every version is pullable by an OCI client.

use crate::strict::text_type;
use crate::text::TextError;

text_type!(
    /// One version of an artifact: an OCI tag. `+` is refused, and whatever contains `known-good` is reserved.
    pub struct Version,
    "^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$",
    |text| {
        TextError::check_size("a version", text, 128)?;
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let starts_well = text.bytes().next().is_some_and(word);
        if !starts_well || !text.bytes().all(|b| word(b) || b == b'.' || b == b'-') {
            return Err(TextError::grammar("a version", text, "letters, digits, _ . and - are allowed, and no '+': it must be an OCI tag"));
        }
        if text.contains("known-good") {
            return Err(TextError::grammar("a version", text, "names with known-good are reserved for lookups"));
        }
        Ok(())
    }
);

impl Version {
    /// The version as semantic version, when it is one.
    pub fn semver(&self) -> Option<semver::Version> {
        semver::Version::parse(self.as_str()).ok()
    }
}

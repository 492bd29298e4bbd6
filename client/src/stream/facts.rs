//! What the source of data says of itself.

use holdfast_formats::manifest::DataAsOf;
use holdfast_formats::text::Label;

use super::StreamError;

/// What the source of data says of itself: a database that is dumped, an archive that is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFacts {
    /// What keeps the data.
    pub engine: Label,
    /// Its version.
    pub version: Label,
    /// Which database, archive or folder.
    pub dataset: String,
    /// What made the snapshot.
    pub tool: Label,
    /// The time the data is of.
    pub as_of: DataAsOf,
}

/// What a program said of its data, for a manifest.
pub(crate) fn fact(what: &'static str, text: &str) -> Result<Label, StreamError> {
    text.parse().map_err(|source| StreamError::Fact { what, source })
}

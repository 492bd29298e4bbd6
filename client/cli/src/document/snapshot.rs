//! The body of a snapshot: where data came from, and of which time it is.

use std::path::Path;

use anyhow::Context as _;
use holdfast_formats::manifest::{Consistency, DataAsOf, SnapshotBody, SnapshotSource};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;

use super::content::{host_name, modified};

/// The most bytes of a label.
const LABEL_BYTES_MAX: usize = 256;

/// Data that a snapshot is made of.
#[derive(Debug)]
pub(crate) struct Data<'a> {
    /// The system, when the person or the database said which; this machine otherwise.
    pub(crate) system: Option<&'a str>,
    /// What keeps it: a database's engine, files, a stream.
    pub(crate) engine: &'a str,
    /// The engine's version.
    pub(crate) version: &'a str,
    /// Which database, folder or file. The end of it is recorded where it is too long.
    pub(crate) dataset: &'a str,
    /// How consistent it is.
    pub(crate) consistency: Consistency,
    /// Of which time it is.
    pub(crate) as_of: DataAsOf,
    /// What made the snapshot.
    pub(crate) tool: &'a str,
}

impl Data<'_> {
    /// The body of a snapshot that stands alone: without parent, schema state or origin.
    pub(crate) fn body(self) -> anyhow::Result<SnapshotBody> {
        let system = self.system.map_or_else(host_name, str::to_owned);
        Ok(SnapshotBody {
            source: SnapshotSource {
                system_id: label(&system)?,
                engine: label(self.engine)?,
                version: label(self.version)?,
                dataset: label(last_characters(self.dataset, LABEL_BYTES_MAX))?,
            },
            data_as_of: self.as_of,
            consistency: self.consistency,
            schema_state: None,
            parent: None,
            derived_from: None,
            tool: label(self.tool)?,
            catalog: None,
        })
    }
}

/// The body of a snapshot of files that are listed one by one in its manifest.
pub(crate) fn snapshot_of_files(
    path: &Path,
    system: Option<&Label>,
    tool: &str,
    now: Timestamp,
) -> anyhow::Result<SnapshotBody> {
    let dataset = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Data {
        system: system.map(Label::as_str),
        engine: "file",
        version: "unknown",
        dataset: &dataset.to_string_lossy(),
        consistency: Consistency::Crash,
        as_of: modified(path, now)?,
        tool,
    }
    .body()
}

pub(super) fn label(text: &str) -> anyhow::Result<Label> {
    text.parse().with_context(|| format!("'{text}' cannot stand in a manifest"))
}

/// The end of a text that is too long for a label, from a whole character on.
fn last_characters(text: &str, bytes_max: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes_max);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or(text)
}

//! Looking for paths in snapshots.

use holdfast_formats::catalog::{Entry, Node};
use holdfast_formats::reference::{ArtifactRef, Reference};

use crate::artifact::ArtifactRecord;
use crate::error::ClientError;
use crate::session::Registry;
use crate::snapshot::{Excludes, SnapshotError};

/// What is looked for, in the grammar of what snapshots leave out.
#[derive(Debug, Clone)]
pub struct PathPattern(Excludes);

impl PathPattern {
    /// Reads a pattern: `*.conf` is a name anywhere, `/etc/*.conf` a path from the root.
    pub fn parse(pattern: &str) -> Result<Self, ClientError> {
        let parsed = Excludes::parse(&[pattern.to_owned()]).map_err(SnapshotError::from)?;
        Ok(Self(parsed))
    }
}

impl Registry {
    /// Everything in the tree of a snapshot that matches, and the snapshot's record. A snapshot without a tree has nothing.
    pub async fn find_in(
        &self,
        snapshot: &ArtifactRef,
        pattern: &PathPattern,
    ) -> Result<(ArtifactRecord, Vec<Entry>), ClientError> {
        let record = self.artifact(&Reference::Version(snapshot.clone())).await?;
        if record.manifest().catalog().is_none() {
            return Ok((record, Vec::new()));
        }
        let (catalog, pattern) = (self.catalog(&record).await?, pattern.clone());
        let found = crate::blocking::run(move || {
            let matches = |entry: &Entry| {
                !entry.path.is_root()
                    && pattern.0.cover(&entry.path, matches!(entry.node, Node::Directory(_)))
            };
            catalog.entries()?.filter(|entry| entry.as_ref().map_or(true, matches)).collect::<Result<_, _>>()
        })
        .await?;
        Ok((record, found))
    }
}

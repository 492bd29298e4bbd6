//! What the newest entry left: asked for at every judging, so the writer keeps it at hand beside its tables.
//!
//! It holds for the open transaction too; after one is undone it is read again.

use std::cell::RefCell;

use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::TreeSize;
use holdfast_verify::facts::{ArtifactFact, PolicyFact};

use super::IndexError;
use super::readers::View;

/// The state that every entry is judged against first.
#[derive(Debug, Clone)]
pub(super) struct Newest {
    pub(super) size: TreeSize,
    pub(super) time: Option<Timestamp>,
    pub(super) policy: Option<PolicyFact>,
    /// The artifact that was asked for last: a release goes to many channels, and many entries in a row are about it.
    artifact: RefCell<Option<ArtifactFact>>,
}

impl Newest {
    /// What the tables say.
    pub(super) fn read(tables: &View<'_>) -> Result<Self, IndexError> {
        let (size, time) = match tables.position()? {
            Some(position) => (position.size, Some(position.time)),
            None => (TreeSize::ZERO, None),
        };
        Ok(Self { size, time, policy: tables.policy_numbered(None)?, artifact: RefCell::default() })
    }

    /// An artifact, read with `load` unless it is the one that was asked for last.
    pub(super) fn artifact(
        &self,
        wanted: &ArtifactRef,
        load: impl FnOnce() -> Result<Option<ArtifactFact>, IndexError>,
    ) -> Result<Option<ArtifactFact>, IndexError> {
        if let Some(fact) = self.artifact.borrow().as_ref().filter(|fact| fact.artifact.r#ref == *wanted) {
            return Ok(Some(fact.clone()));
        }
        let loaded = load()?;
        if let Some(fact) = &loaded {
            self.artifact.replace(Some(fact.clone()));
        }
        Ok(loaded)
    }

    /// What is remembered of artifacts may have changed.
    pub(super) fn forget_artifact(&mut self) {
        self.artifact = RefCell::default();
    }
}

//! What judging asks for again and again, beside the tables. It never says anything else than they do.

use std::cell::{Cell, RefCell};

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::reference::ArtifactRef;

use crate::facts::{ArtifactFact, FactsError};

/// The answers that were given last.
#[derive(Clone, Default)]
pub(super) struct Recent {
    /// The payload that was looked for last, when no entry has it.
    absent: Cell<Option<Sha256Digest>>,
    /// The artifact that was found last: deployments and pins of one follow each other.
    artifact: RefCell<Option<ArtifactFact>>,
}

impl Recent {
    /// Notes that no entry has a payload.
    pub(super) fn note_absent(&self, payload: Sha256Digest) {
        self.absent.set(Some(payload));
    }

    /// Whether it is known that no entry has a payload; from now on one has it.
    pub(super) fn take_absent(&self, payload: &Sha256Digest) -> bool {
        self.absent.take().as_ref() == Some(payload)
    }

    /// An artifact, from the table unless it was found last.
    pub(super) fn artifact(
        &self,
        wanted: &ArtifactRef,
        look_up: impl FnOnce() -> Result<Option<ArtifactFact>, FactsError>,
    ) -> Result<Option<ArtifactFact>, FactsError> {
        if let Some(known) = self.artifact.borrow().as_ref().filter(|fact| fact.artifact.r#ref == *wanted) {
            return Ok(Some(known.clone()));
        }
        let found = look_up()?;
        if let Some(fact) = &found {
            self.artifact.replace(Some(fact.clone()));
        }
        Ok(found)
    }

    /// Forgets the artifact, as it changes.
    pub(super) fn forget_artifact(&self) {
        self.artifact.replace(None);
    }
}

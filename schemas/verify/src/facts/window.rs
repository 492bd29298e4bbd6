//! What keeps artifacts, and what ends them.

use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::{Artifact, AttachmentRef, SweepPhase, WindowMode};
use holdfast_formats::text::{Label, Reason};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use serde::{Deserialize, Serialize};

/// The window that an artifact got when it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowFact {
    /// Its class.
    pub class: Label,
    /// Until when it must be kept; `None` where neither policy nor publisher said: it then stays until somebody deletes it.
    pub until: Option<Timestamp>,
    /// How strictly.
    pub mode: WindowMode,
}

/// A longer window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtendFact {
    /// Its entry.
    pub index: LeafIndex,
    /// Until when.
    pub until: Timestamp,
}

/// The end of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedFact {
    /// The `delete` or `sweep` entry.
    pub index: LeafIndex,
    /// When it was logged.
    pub time: Timestamp,
}

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldFact {
    /// Its entry.
    pub index: LeafIndex,
    /// What is held.
    pub artifact: ArtifactRef,
    /// The case it belongs to.
    pub case: Label,
    /// Why.
    pub reason: Reason,
    /// The `unhold` that ended it.
    pub ended: Option<LeafIndex>,
}

/// A sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepFact {
    /// Its entry.
    pub index: LeafIndex,
    /// Said ahead, or done.
    pub phase: SweepPhase,
    /// What ends, or will.
    pub artifacts: Vec<Artifact>,
    /// The list of objects, an attachment.
    pub objects: Option<AttachmentRef>,
    /// When it was logged.
    pub time: Timestamp,
    /// The `swept` entry, once all objects are gone.
    pub swept: Option<LeafIndex>,
}

impl SweepFact {
    /// The end that it brings to its artifacts; `None` when it only says so ahead.
    pub fn ending(&self) -> Option<EndedFact> {
        let ended = EndedFact { index: self.index, time: self.time };
        (self.phase == SweepPhase::End).then_some(ended)
    }
}

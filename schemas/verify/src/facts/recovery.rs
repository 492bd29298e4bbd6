//! What manifests and reports say that schedules and objectives are measured by.

use holdfast_formats::manifest::{Body, Manifest, Objectives};
use holdfast_formats::name::ChannelName;
use holdfast_formats::number::Seconds;
use holdfast_formats::statement::{Artifact, Rollback, RollbackPhase};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use serde::{Deserialize, Serialize};

/// What a manifest says of going back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Of a snapshot: what was written until then is in it. Never later than its publication, whatever it says.
    pub data_until: Option<Timestamp>,
    /// Of a release: what a rollback of it should reach.
    pub objectives: Option<Objectives>,
}

impl Recovery {
    /// Of an artifact without anything to say.
    pub const NOTHING: Self = Self { data_until: None, objectives: None };

    /// What the manifest of an artifact says that is published now.
    pub(crate) fn of(manifest: &Manifest, now: Timestamp) -> Self {
        match &manifest.body {
            Body::Snapshot(body) => {
                Self { data_until: Some(body.data_as_of.not_before.min(now)), ..Self::NOTHING }
            }
            Body::Release(body) => Self { objectives: body.objectives.clone(), ..Self::NOTHING },
            _ => Self::NOTHING,
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::NOTHING
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self::NOTHING
    }
}

/// One phase of a rollback or drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackFact {
    /// Its entry.
    pub index: LeafIndex,
    /// Which rollback.
    pub rollback_id: Label,
    /// Where.
    pub channel: ChannelName,
    /// What is left.
    pub from: Artifact,
    /// Whether it is a drill.
    pub drill: bool,
    /// How far.
    pub phase: RollbackPhase,
    /// How long going back took, when it says so.
    pub took: Option<Seconds>,
    /// When it was logged.
    pub time: Timestamp,
}

/// How long going back took: as the report sums it up, else from the first moment that it names until it was checked, or at
/// least done.
pub(crate) fn took(report: &Rollback) -> Option<Seconds> {
    if let Some(achieved) = &report.achieved {
        return Some(achieved.rto_s);
    }
    let times = &report.times;
    let begun = times.detected.or(times.decided).or(times.started)?;
    let done = times.verified.or(times.restored)?;
    Seconds::new(done.ms_since(begun).div_ceil(1000)).ok()
}

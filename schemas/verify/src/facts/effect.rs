//! What follows from an accepted entry.

use std::sync::Arc;

use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;
use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::tree::LeafIndex;

use super::{
    ArtifactFact, AttestFact, DenyFact, DeployFact, EndedFact, ExtendFact, FreezeFact, GrantFact, HoldFact,
    LiftFact, PinFact, PolicyFact, RollbackFact, ScrubFact, SweepFact, TagFact,
};

/// A change of state that an accepted entry brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A new policy is in force from the next entry on.
    Policy(PolicyFact),
    /// A name@version exists.
    Artifact(Box<ArtifactFact>),
    /// An attestation exists.
    Attest(AttestFact),
    /// A tag moved.
    Tag(TagFact),
    /// A deployment was reported.
    Deploy(DeployFact),
    /// A line has a newer pin.
    Pin(PinFact),
    /// Something is denied.
    Deny(DenyFact),
    /// A deny ended.
    Lift {
        /// The deny.
        deny: LeafIndex,
        /// The lift.
        by: LiftFact,
    },
    /// A channel is frozen.
    Freeze(FreezeFact),
    /// A freeze ended.
    Thaw {
        /// The freeze.
        freeze: LeafIndex,
        /// The thaw.
        by: LeafIndex,
    },
    /// A token exists.
    Grant(Box<GrantFact>),
    /// A token ended.
    Revoke {
        /// The grant.
        grant: LeafIndex,
        /// The revoke.
        by: LeafIndex,
    },
    /// A rollback went on.
    Rollback(RollbackFact),
    /// Artifacts were read back.
    Scrub {
        /// Which.
        artifacts: Vec<Artifact>,
        /// What was found, and by which entry.
        scrub: ScrubFact,
    },
    /// An artifact is held.
    Hold(HoldFact),
    /// A hold ended.
    Unhold {
        /// The hold.
        hold: LeafIndex,
        /// The unhold.
        by: LeafIndex,
    },
    /// An artifact has a longer window.
    Extend {
        /// Which.
        artifact: ArtifactRef,
        /// How long.
        extend: ExtendFact,
    },
    /// An artifact ended by itself.
    Delete {
        /// Which.
        artifact: ArtifactRef,
        /// By which entry.
        ended: EndedFact,
    },
    /// Artifacts will end, or have ended now together with the objects that nothing else refers to.
    Sweep {
        /// Which artifacts, and in which phase.
        sweep: SweepFact,
        /// The objects whose generation it is from now on.
        objects: Arc<[SweptObject]>,
    },
    /// The objects of a sweep are gone.
    Swept {
        /// The sweep.
        sweep: LeafIndex,
        /// The swept.
        by: LeafIndex,
    },
}

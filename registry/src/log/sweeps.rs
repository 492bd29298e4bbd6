//! Logging sweeps: that something will end, that it ends, that it is gone.

use holdfast_formats::number::ByteSize;
use holdfast_formats::statement::{Artifact, AttachmentRef, EntryIndex, Predicate, Sweep, SweepPhase, Swept};
use holdfast_formats::sweep_list::{self, SweptObject};
use holdfast_formats::tree::LeafIndex;

use super::Log;
use super::at_slot::{AtSlot, SweepCheck};
use super::own::OwnError;

/// What one sweep ends.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The artifacts.
    pub artifacts: Vec<Artifact>,
    /// The entry that said so at least 24 hours ago; there when artifacts end.
    pub intends: Option<LeafIndex>,
    /// The objects that nothing refers to any more.
    pub objects: Vec<SweptObject>,
    /// The bytes that they take.
    pub bytes: u64,
}

impl Log {
    /// Returns when every publish that is on its way now is logged or refused.
    pub async fn publishes_settled(&self) {
        self.in_flight.settled().await;
    }

    /// Says that artifacts will end.
    pub async fn intend_sweep(&self, artifacts: Vec<Artifact>, bytes: u64) -> Result<LeafIndex, OwnError> {
        let bytes = size(bytes)?;
        let sweep = Sweep { phase: SweepPhase::Intend, artifacts, objects: None, bytes, intends: None };
        Ok(self.append_own(Predicate::from(sweep), None, AtSlot::Nothing).await?.index)
    }

    /// Ends artifacts, and names what goes with them. On a full disk the room that is kept for this is given free;
    /// whoever carries the sweep out takes it again with [`keep_reserve`](crate::objects::Store::keep_reserve).
    ///
    /// [`AppendError::Needed`](super::AppendError::Needed) means that somebody may have come to need something of it.
    pub async fn end_sweep(&self, ending: &Ending, check: SweepCheck) -> Result<LeafIndex, OwnError> {
        match self.try_end(ending, check.clone()).await {
            Err(error) if error.may_be_full() => {
                let released = self.parts.store.release_reserve().await;
                tracing::warn!(%error, ?released, "a sweep may need the room that is kept for it");
                let logged = self.try_end(ending, check).await;
                if logged.is_err() {
                    self.keep_reserve().await;
                }
                logged
            }
            tried => tried,
        }
    }

    /// Says that the objects of a sweep are gone.
    pub async fn log_swept(&self, sweep: LeafIndex) -> Result<LeafIndex, OwnError> {
        let swept = Swept { sweep: EntryIndex { index: sweep } };
        let logged = self.append_own(Predicate::from(swept), None, AtSlot::Nothing).await;
        self.keep_reserve().await;
        Ok(logged?.index)
    }

    async fn try_end(&self, ending: &Ending, check: SweepCheck) -> Result<LeafIndex, OwnError> {
        let list = sweep_list::encode(&ending.objects).map_err(|error| OwnError::Form(error.to_string()))?;
        let sweep = Sweep {
            phase: SweepPhase::End,
            artifacts: ending.artifacts.clone(),
            objects: Some(AttachmentRef::of(&list)),
            bytes: size(ending.bytes)?,
            intends: ending.intends.map(|index| EntryIndex { index }),
        };
        Ok(self.append_own(Predicate::from(sweep), Some(list), AtSlot::Swept(check)).await?.index)
    }

    /// Keeps room for the next sweep, or says that there is none.
    async fn keep_reserve(&self) {
        if let Err(error) = self.parts.store.keep_reserve().await {
            tracing::warn!(%error, "no room is kept for the next sweep; free space");
        }
    }
}

fn size(bytes: u64) -> Result<ByteSize, OwnError> {
    ByteSize::new(bytes).map_err(|error| OwnError::Form(error.to_string()))
}

//! What must still hold at the slot of an entry beside the rule book: whether content is there, and whether anybody needs
//! it, is known to the committing node alone. It is checked there once, and never on replay.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_formats::statement::{Predicate, Sweep, SweepPhase};
use holdfast_formats::tree::{LeafIndex, TreeSize};

use super::append::{AppendError, Prepared};
use super::in_flight::Publishing;

/// What is checked at the slot of one entry.
#[derive(Debug, Clone)]
pub enum AtSlot {
    /// Nothing.
    Nothing,
    /// No sweep came between that could have named what a publish refers to.
    Published(Arc<ReadyPublish>),
    /// Nothing has come to need what a sweep names.
    Swept(SweepCheck),
}

/// A publish whose content was found in its place.
#[derive(Debug)]
pub struct ReadyPublish {
    /// The newest sweep before the content was looked for.
    pub(super) sweeps_seen: LeafIndex,
    pub(super) _publishing: Publishing,
}

/// How far a sweep was checked against publishes.
#[derive(Debug, Clone)]
pub struct SweepCheck {
    /// Every publish among so many entries was looked through for what the sweep names.
    pub checked_through: TreeSize,
    /// Whether a publish of this node has looked for something that the sweep names since.
    pub is_needed: Arc<AtomicBool>,
}

/// What the sequencer knows at a slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlotFacts {
    /// The newest sweep, in the same batch or before.
    pub(super) newest_sweep: LeafIndex,
    /// The newest publish that another node logged.
    pub(super) foreign_publish: Option<LeafIndex>,
}

/// Why an entry must not come into this slot, although the rule book takes it.
pub(super) fn check(prepared: &Prepared, facts: SlotFacts) -> Result<(), AppendError> {
    match (&prepared.statement.predicate, &prepared.at_slot) {
        (Predicate::Publish(_), AtSlot::Published(ready)) if ready.sweeps_seen >= facts.newest_sweep => {
            Ok(())
        }
        (Predicate::Publish(_), AtSlot::Nothing) if facts.newest_sweep == LeafIndex::FIRST => Ok(()),
        (Predicate::Publish(_), _) => Err(AppendError::Swept(Box::new(prepared.clone()))),
        (Predicate::Sweep(_), AtSlot::Swept(check)) => check.holds(facts),
        (Predicate::Sweep(sweep), _) if ends_objects(sweep, prepared) => Err(AppendError::Unchecked),
        _ => Ok(()),
    }
}

fn ends_objects(sweep: &Sweep, prepared: &Prepared) -> bool {
    sweep.phase == SweepPhase::End && prepared.attached.as_ref().is_some_and(|list| !list.is_empty())
}

impl SweepCheck {
    fn holds(&self, facts: SlotFacts) -> Result<(), AppendError> {
        let unchecked = |publish: LeafIndex| !self.checked_through.contains(publish);
        if facts.foreign_publish.is_some_and(unchecked) || self.is_needed.load(Ordering::SeqCst) {
            return Err(AppendError::Needed);
        }
        Ok(())
    }
}

//! `hold`, `unhold`, `extend`, `delete`: how long one name@version must stay.

use super::header::{Artifact, EntryIndex};
use super::predicate::predicate;
use crate::text::{Label, Reason};
use crate::time::Timestamp;

predicate! {
    /// A legal hold: no deletion while it stands.
    pub struct Hold as HoldPredicate {
        /// What is held.
        req artifact: Artifact,
        /// The case it belongs to.
        req case: Label,
        /// Why.
        req reason: Reason,
    }
}

predicate! {
    /// The end of one hold.
    pub struct Unhold as UnholdPredicate {
        /// Which hold ends.
        req hold: EntryIndex,
        /// Why.
        req reason: Reason,
    }
}

predicate! {
    /// A longer window.
    pub struct Extend as ExtendPredicate {
        /// What is kept longer.
        req artifact: Artifact,
        /// Until when.
        req until: Timestamp,
        /// Why.
        req reason: Reason,
    }
}

predicate! {
    /// The logical end of an artifact that nothing keeps.
    pub struct Delete as DeletePredicate {
        /// What ends.
        req artifact: Artifact,
        /// Whether a governance window is ended early.
        req bypass: bool,
        /// Why.
        req reason: Reason,
    }
}

//! The rule books. Policy alone raises the version; every version stays in the code and judges its own entries for ever.

use holdfast_formats::limits::RULE_BOOK_VERSION;

/// One version of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleBook {
    /// The first.
    V1,
    /// What a second one would be like. No program offers it: tests raise the version to it.
    #[cfg(any(test, feature = "rehearsal"))]
    Rehearsal,
}

impl RuleBook {
    /// The newest that programs offer.
    pub const RELEASED: Self = Self::V1;

    /// The rule book of a version; `None` when a newer program is needed.
    pub const fn of(version: u32) -> Option<Self> {
        match version {
            RULE_BOOK_VERSION => Some(Self::V1),
            #[cfg(any(test, feature = "rehearsal"))]
            2 => Some(Self::Rehearsal),
            _ => None,
        }
    }

    /// The number that entries and policies carry.
    pub const fn version(self) -> u32 {
        match self {
            Self::V1 => RULE_BOOK_VERSION,
            #[cfg(any(test, feature = "rehearsal"))]
            Self::Rehearsal => 2,
        }
    }
}

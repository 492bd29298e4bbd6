//! Known-good: what a channel's policy answers now, the way back to it, and how a client checks that answer.
//!
//! Registry and auditor [`choose`] from facts; both sides make the same [`plan()`]; a client runs [`verify_known_good`]
//! over what it was sent and trusts nothing else. Nothing here does I/O or reads a clock: `now` comes from the caller,
//! once per operation.

mod answer;
mod body;
mod choice;
mod choose;
mod closure;
mod deployed;
mod deploys;
mod error;
mod evidence;
mod freshness;
mod held;
mod lines;
mod needs;
mod passed;
mod plan;
mod verify;
mod walk;
mod warning;
mod witnessed;

pub(crate) mod standing;

#[cfg(test)]
pub(crate) mod tests;

pub use crate::evidence::EvidenceError;
pub use answer::{AnsweredArtifact, AnsweredLine, KnownGoodAnswer, PassedLink, Signer};
pub use choice::{Choice, ChooseError, ChosenLine, PassedPin, UndoneRelease};
pub use choose::choose;
pub use error::AnswerError;
pub use freshness::Mode;
pub use needs::check_needs;
pub use plan::{PlanError, WayBack, is_one_way, plan};
pub use verify::{Asked, TrustedState, verify_known_good};
pub use walk::{BACK_MAX, PASSED_OVER_MAX};
pub use warning::expiry_warning;

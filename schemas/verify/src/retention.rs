//! Until when an artifact stays, and why: asked by the rule book before anything ends, by a registry that looks for what may
//! end, and by auditors.
//!
//! Everything follows from earlier entries and their times. A date of [`Kept`] never gets earlier by a later entry, nor by a
//! policy that says less; where the exact moment would take the whole history, a later one is given.

mod pins;
mod reason;
mod shown;

use std::collections::BTreeSet;

use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::time::Timestamp;

pub use reason::{Kept, Why};
pub use shown::ended;

use crate::facts::{ArtifactFact, Facts, FactsError, PolicyFact};

/// The state of the log in which artifacts are asked about, and what ends together.
pub struct Retention<'a> {
    /// What was logged.
    pub facts: &'a dyn Facts,
    /// The policy in force.
    pub in_force: &'a PolicyFact,
    /// The log time of the question.
    pub now: Timestamp,
    /// Artifacts that end with the one asked about: what they refer to is not kept by them.
    pub going: &'a BTreeSet<ArtifactRef>,
}

impl Retention<'_> {
    /// Every reason for which an artifact stays, or stayed; empty once it ended.
    ///
    /// The cost grows with its pins, the releases that hold it and theirs, and the pins of their lines that did not qualify
    /// at some time.
    pub fn reasons(&self, fact: &ArtifactFact) -> Result<Vec<Kept>, FactsError> {
        if fact.ended.is_some() {
            return Ok(Vec::new());
        }
        let mut reasons = self.own(fact)?;
        for container in self.facts.containers(&fact.artifact.r#ref)? {
            if let Some(release) = self.facts.artifact(&container)?.filter(|fact| fact.ended.is_none()) {
                reasons.extend(self.by_release(&release)?);
            }
        }
        Ok(reasons)
    }

    /// The first reason for which an artifact may not end by a sweep; `None` when it may.
    pub fn kept_from_sweep(&self, fact: &ArtifactFact) -> Result<Option<Kept>, FactsError> {
        Ok(self.reasons(fact)?.into_iter().find(|kept| self.keeps_from_sweep(kept)))
    }

    /// The first reason for which an artifact may not be deleted; with `bypass` a window in governance mode is none.
    pub fn kept_from_delete(&self, fact: &ArtifactFact, bypass: bool) -> Result<Option<Kept>, FactsError> {
        Ok(self.reasons(fact)?.into_iter().find(|kept| self.keeps_from_delete(kept, bypass)))
    }

    fn keeps_from_sweep(&self, kept: &Kept) -> bool {
        kept.stands_at(self.now)
    }

    fn keeps_from_delete(&self, kept: &Kept, bypass: bool) -> bool {
        let excused = match &kept.why {
            Why::Unlimited { .. } => true,
            other => bypass && other.is_governed(),
        };
        kept.stands_at(self.now) && !excused
    }

    /// What is said of the artifact itself: its window, holds and pins.
    fn own(&self, fact: &ArtifactFact) -> Result<Vec<Kept>, FactsError> {
        let mut reasons = vec![reason::window(fact)];
        reasons.extend(reason::extended(fact));
        let holds = self.facts.holds(&fact.artifact.r#ref)?;
        reasons.extend(holds.into_iter().map(reason::hold));
        for pin in self.facts.pins_of(&fact.artifact.r#ref)? {
            reasons.push(self.by_pin(&pin)?);
        }
        Ok(reasons)
    }

    /// A component stays as long as what refers to it, whatever the dates of that.
    fn by_release(&self, release: &ArtifactFact) -> Result<Option<Kept>, FactsError> {
        if self.going.contains(&release.artifact.r#ref) {
            return Ok(None);
        }
        let mut until = Some(Timestamp::from_ms(0));
        for kept in self.own(release)? {
            until = match (until, kept.until) {
                (Some(until), Some(other)) => Some(until.max(other)),
                _ => None,
            };
        }
        Ok(Some(Kept { why: Why::Component { of: release.artifact.r#ref.clone() }, until }))
    }
}

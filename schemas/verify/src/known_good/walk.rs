//! The walk down one line: from its newest pin to the first that qualifies, noting what is against each newer one.

use holdfast_formats::key::KeyId;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::PinNumber;
use holdfast_formats::statement::ScrubOutcome;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{Excluded, KnownGoodQuery, PassReason};

use super::choice::{ChooseError, PassedPin};
use super::closure;
use super::standing::still_counts;
use crate::denial::denied;
use crate::facts::{ArtifactFact, DeployFact, Facts, FactsError, PinFact, PolicyFact};
use crate::reach::Ask;

/// The most qualifying pins that a query may step back over.
pub const BACK_MAX: u32 = 100;
/// The most newer pins that one answer passes over: each of them must be proven to the client.
pub const PASSED_OVER_MAX: usize = 1000;
/// How many pins are read at once.
const PAGE: usize = 16;

/// One line and the question about it.
pub(super) struct Walk<'a> {
    pub(super) facts: &'a dyn Facts,
    pub(super) in_force: &'a PolicyFact,
    pub(super) channel: &'a ChannelName,
    pub(super) name: &'a ArtifactName,
    pub(super) query: &'a KnownGoodQuery,
    pub(super) current: Option<&'a DeployFact>,
    pub(super) now: Timestamp,
}

/// Where the walk ended.
pub(super) struct Answered {
    pub(super) issued: PinNumber,
    pub(super) pin: PinFact,
    pub(super) artifact: ArtifactFact,
    pub(super) passed_over: Vec<PassedPin>,
}

/// What is against a pin.
struct Against {
    reason: PassReason,
    ended_by: Option<LeafIndex>,
    within: Vec<ArtifactFact>,
}

impl Against {
    const fn said(reason: PassReason) -> Self {
        Self { reason, ended_by: None, within: Vec::new() }
    }

    const fn ended(reason: PassReason, by: LeafIndex) -> Self {
        Self { reason, ended_by: Some(by), within: Vec::new() }
    }
}

impl Walk<'_> {
    /// The newest pin that qualifies, after the query's steps back.
    pub(super) fn answer(&self) -> Result<Answered, ChooseError> {
        if self.query.not == Some(Excluded::Current) && self.current.is_none() {
            return Err(ChooseError::CurrentUnknown { line: self.name.clone() });
        }
        let mut back = self.query.back.unwrap_or(0);
        let mut passed_over: Vec<PassedPin> = Vec::new();
        let mut below = None;
        loop {
            let page = self.facts.pins(self.channel, self.name, below, PAGE)?;
            let last = page.len() < PAGE;
            for pin in page {
                below = Some(pin.number);
                let artifact = closure::find(self.facts, &pin.artifact)?;
                let against = match self.against(&pin, &artifact)? {
                    Some(against) => against,
                    None if back > 0 => {
                        back -= 1;
                        Against::said(PassReason::SteppedBack)
                    }
                    None => {
                        let issued = passed_over.first().map_or(pin.number, |newest| newest.pin.number);
                        return Ok(Answered { issued, pin, artifact, passed_over });
                    }
                };
                self.pass_over(&mut passed_over, pin, against)?;
            }
            if last {
                let (channel, line) = (self.channel.clone(), self.name.clone());
                return Err(ChooseError::NothingQualifies { channel, line, passed_over });
            }
        }
    }

    fn pass_over(
        &self,
        passed: &mut Vec<PassedPin>,
        pin: PinFact,
        against: Against,
    ) -> Result<(), ChooseError> {
        if passed.len() == PASSED_OVER_MAX {
            return Err(ChooseError::TooManyPassedOver { line: self.name.clone() });
        }
        let Against { reason, ended_by, within } = against;
        passed.push(PassedPin { pin, reason, ended_by, within });
        Ok(())
    }

    /// What is against a pin: first what the query says, then what needs a receipt; `None` when it qualifies.
    fn against(&self, pin: &PinFact, artifact: &ArtifactFact) -> Result<Option<Against>, ChooseError> {
        if self.query.at.is_some_and(|at| pin.time > at) {
            return Ok(Some(Against::said(PassReason::TooNew)));
        }
        if self.is_excluded(pin) {
            return Ok(Some(Against::said(PassReason::Excluded)));
        }
        if pin.expires.is_some_and(|expires| expires <= self.now) {
            return Ok(Some(Against::said(PassReason::Expired)));
        }
        let components = closure::components(self.facts, artifact)?;
        if let Some(within) = self.distrusted(pin, artifact, &components)? {
            let ended_by = Some(self.in_force.entry.index);
            return Ok(Some(Against { reason: PassReason::Distrusted, ended_by, within }));
        }
        for part in std::iter::once(artifact).chain(&components) {
            if let Some(mut against) = self.against_part(part)? {
                if part.artifact != artifact.artifact {
                    against.within.push(artifact.clone());
                }
                return Ok(Some(against));
            }
        }
        Ok(None)
    }

    fn is_excluded(&self, pin: &PinFact) -> bool {
        match &self.query.not {
            None => false,
            Some(Excluded::Digest(digest)) => digest.is_one_of(&pin.artifact.digests),
            Some(Excluded::Current) => {
                self.current.is_some_and(|deploy| deploy.artifact.digests == pin.artifact.digests)
            }
        }
    }

    /// Whether pin or publications no longer count; with the artifacts whose `publish` shows it.
    fn distrusted(
        &self,
        pin: &PinFact,
        artifact: &ArtifactFact,
        components: &[ArtifactFact],
    ) -> Result<Option<Vec<ArtifactFact>>, FactsError> {
        let releasers = Ask::releasers(self.name, self.channel);
        if !self.counts(pin.entry.index, &releasers, &pin.signers)? {
            return Ok(Some(Vec::new()));
        }
        for fact in std::iter::once(artifact).chain(components) {
            let publishers = Ask::publishers(fact.artifact.r#ref.name());
            if !self.counts(fact.index, &publishers, &fact.signers)? {
                return Ok(Some(std::iter::once(artifact).chain(components).cloned().collect()));
            }
        }
        Ok(None)
    }

    fn counts(&self, index: LeafIndex, ask: &Ask<'_>, signers: &[KeyId]) -> Result<bool, FactsError> {
        still_counts(&self.in_force.policy, index, ask, signers, |key| self.facts.grant_by_key(key))
    }

    /// A deny or a failed scrub of one artifact of the closure.
    fn against_part(&self, part: &ArtifactFact) -> Result<Option<Against>, FactsError> {
        if let Some(deny) = denied(self.facts, &self.in_force.policy, &part.artifact, self.channel)? {
            return Ok(Some(Against::ended(PassReason::Denied, deny.index)));
        }
        if let Some(ended) = part.ended {
            return Ok(Some(Against::ended(PassReason::Ended, ended.index)));
        }
        Ok(match part.scrub {
            Some(scrub) if scrub.outcome == ScrubOutcome::Good && scrub.index > part.index => None,
            Some(scrub) => Some(Against::ended(PassReason::ScrubFailed, scrub.index)),
            None => Some(Against::said(PassReason::ScrubFailed)),
        })
    }
}

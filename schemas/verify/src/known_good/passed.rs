//! The pins of one line as an answer shows them: linked to each other without a gap, and each newer one with the evidence
//! of what stands against it.

use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::number::PinNumber;
use holdfast_formats::statement::{Artifact, Delete, Deny, Pin, Scrub, ScrubOutcome, Sweep, SweepPhase};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{Excluded, KnownGoodQuery, PassReason, PassedOver, ProvenEntry};

use super::answer::PassedLink;
use super::error::AnswerError;
use super::evidence::{Evidence, Proofs, Said};
use super::held::{Held, HeldArtifacts};
use super::standing::pin_expiry;
use crate::facts::DenyFact;
use crate::policy_chain::ChainedPolicy;
use crate::reach::Ask;

/// One line of an answer and the question about it.
#[derive(Clone, Copy)]
pub(super) struct LineCheck<'a> {
    pub(super) proofs: Proofs<'a>,
    pub(super) held: &'a HeldArtifacts<'a>,
    pub(super) channel: &'a ChannelName,
    pub(super) name: &'a ArtifactName,
    pub(super) query: &'a KnownGoodQuery,
    /// What runs on the line, as far as the answer shows it.
    pub(super) current: Option<&'a Artifact>,
    /// When expiry was judged.
    pub(super) head_time: Timestamp,
}

impl LineCheck<'_> {
    /// A pin of this line with this number.
    pub(super) fn pin(&self, number: PinNumber, entry: &ProvenEntry) -> Result<Said<Pin>, AnswerError> {
        let said: Said<Pin> = self.proofs.said(&format!("pin {number} of {}", self.name), entry)?;
        let pin = &said.what;
        let wrong = |rule| Err(AnswerError::Pin { line: self.name.clone(), number, rule });
        if pin.channel != *self.channel {
            return wrong("it was made for another channel");
        }
        if pin.name != *self.name || pin.artifact.r#ref.name() != self.name {
            return wrong("it was made for another line");
        }
        if pin.number != number {
            return wrong("it has another number than the answer says");
        }
        Ok(said)
    }

    /// Every newer pin, from the newest issued down to the one above the answer.
    pub(super) fn passed_over(
        &self,
        issued: PinNumber,
        answered: &Said<Pin>,
        sent: &[PassedOver],
    ) -> Result<Vec<PassedLink>, AnswerError> {
        let mut links = Vec::with_capacity(sent.len());
        let mut expected = issued;
        let mut newer: Option<Said<Pin>> = None;
        for passed in sent {
            if passed.number != expected || expected <= answered.what.number {
                return Err(self.wrong(passed.number, "the numbers do not go down one by one to the answer"));
            }
            let pin = self.pin(passed.number, &passed.pin)?;
            self.check_link(newer.as_ref(), &pin)?;
            let ended_by = self.check_reason(passed, &pin)?;
            let (entry, artifact) = (pin.logged.entry(), pin.what.artifact.clone());
            links.push(PassedLink {
                number: passed.number,
                entry,
                artifact,
                reason: passed.reason,
                ended_by,
            });
            expected = before(expected);
            newer = Some(pin);
        }
        if expected != answered.what.number {
            return Err(self.wrong(expected, "the answer does not show it"));
        }
        self.check_link(newer.as_ref(), answered)?;
        let stepped = sent.iter().filter(|passed| passed.reason == PassReason::SteppedBack).count();
        if u32::try_from(stepped) != Ok(self.query.back.unwrap_or(0)) {
            return Err(self
                .wrong(answered.what.number, "as many pins were stepped over as the query did not ask for"));
        }
        Ok(links)
    }

    /// Whether the query itself rules a pin out, or distrust does.
    pub(super) fn check_answerable(&self, pin: &Said<Pin>) -> Result<(), AnswerError> {
        let wrong = |rule| Err(AnswerError::Pin { line: self.name.clone(), number: pin.what.number, rule });
        if self.is_excluded(pin) {
            return wrong("the query excludes it");
        }
        if self.is_too_new(pin) {
            return wrong("it is newer than the query's time");
        }
        if !self.counts(pin) {
            return wrong("who signed it is no longer trusted");
        }
        Ok(())
    }

    /// The newer pin names the older one and its leaf as its predecessor.
    fn check_link(&self, newer: Option<&Said<Pin>>, older: &Said<Pin>) -> Result<(), AnswerError> {
        match newer {
            Some(newer) if newer.what.predecessor != Some(older.logged.entry()) => {
                let rule = "it does not name the next older pin as its predecessor";
                Err(AnswerError::Pin { line: self.name.clone(), number: newer.what.number, rule })
            }
            _ => Ok(()),
        }
    }

    fn check_reason(&self, passed: &PassedOver, pin: &Said<Pin>) -> Result<Option<LeafIndex>, AnswerError> {
        let holds = |holds: bool, rule| if holds { Ok(None) } else { Err(self.wrong(passed.number, rule)) };
        match passed.reason {
            PassReason::Denied => self.check_denied(passed, pin).map(Some),
            PassReason::ScrubFailed => self.check_scrub_failed(passed, pin).map(Some),
            PassReason::Expired => {
                let expires = pin_expiry(self.proofs.policies, &pin.logged, &pin.what);
                holds(expires.is_some_and(|at| at <= self.head_time), "it has not expired")
            }
            PassReason::Distrusted if self.is_distrusted(pin) => {
                Ok(Some(self.proofs.policies.newest().entry.index))
            }
            PassReason::Distrusted => holds(false, "the policy trusts everybody who signed it"),
            PassReason::Ended => self.check_ended(passed, pin).map(Some),
            PassReason::Excluded => holds(self.is_excluded(pin), "the query does not exclude it"),
            PassReason::TooNew => holds(self.is_too_new(pin), "it is not newer than the query's time"),
            PassReason::SteppedBack => holds(self.query.back.is_some(), "the query does not step back"),
        }
    }

    fn check_denied(&self, passed: &PassedOver, pin: &Said<Pin>) -> Result<LeafIndex, AnswerError> {
        let said: Said<Deny> = self.ended_by(passed, "the deny of")?;
        let index = said.logged.index();
        let trusted = self.proofs.is_trusted(&self.proofs.policies.newest().policy, &said.logged);
        let deny = deny_fact(&said);
        if !trusted || !self.parts(pin).iter().any(|part| deny.is_against(part, self.channel)) {
            return Err(self.wrong(passed.number, "the deny sent is not about it in this channel"));
        }
        if self.was_over(&said, pin) {
            return Err(self.wrong(passed.number, "the deny sent was over before it was pinned"));
        }
        Ok(index)
    }

    fn check_scrub_failed(&self, passed: &PassedOver, pin: &Said<Pin>) -> Result<LeafIndex, AnswerError> {
        let said: Said<Scrub> = self.ended_by(passed, "the scrub of")?;
        let failed = said.what.outcome != ScrubOutcome::Good
            && self.parts(pin).iter().any(|part| said.what.artifacts.contains(part));
        if !failed {
            return Err(self.wrong(passed.number, "the scrub sent did not find it bad or missing"));
        }
        // Nothing is pinned before a newer scrub found it good again.
        if said.logged.index() < pin.logged.index() {
            return Err(self.wrong(passed.number, "the scrub sent is older than the pin"));
        }
        Ok(said.logged.index())
    }

    /// By a `delete` of it or of a component, or by a sweep that names one of them and ends what it names.
    fn check_ended(&self, passed: &PassedOver, pin: &Said<Pin>) -> Result<LeafIndex, AnswerError> {
        let parts = self.parts(pin);
        let (index, ends) = if let Ok(said) = self.ended_by::<Delete>(passed, "the delete of") {
            (said.logged.index(), parts.contains(&said.what.artifact))
        } else {
            let said: Said<Sweep> = self.ended_by(passed, "the sweep of")?;
            let named = parts.iter().any(|part| said.what.artifacts.contains(part));
            (said.logged.index(), named && said.what.phase == SweepPhase::End)
        };
        if ends { Ok(index) } else { Err(self.wrong(passed.number, "the entry sent does not end it")) }
    }

    /// Nothing is pinned while it is denied, so an older deny was lifted; unless nobody who signed it was trusted then.
    fn was_over(&self, deny: &Said<Deny>, pin: &Said<Pin>) -> bool {
        let (index, pinned) = (deny.logged.index(), pin.logged.index());
        let stood = |policy: &ChainedPolicy| self.proofs.is_trusted(&policy.policy, &deny.logged);
        index < pinned && self.proofs.policies.in_force_at(pinned).is_none_or(stood)
    }

    fn ended_by<T: Evidence>(&self, passed: &PassedOver, what: &str) -> Result<Said<T>, AnswerError> {
        let missing = "the entry that ended it is not shown";
        let entry = passed.ended_by.as_ref().ok_or_else(|| self.wrong(passed.number, missing))?;
        self.proofs.said(&format!("{what} pin {} of {}", passed.number, self.name), entry)
    }

    /// What a pin names and, when the answer shows its publication, what that is made of.
    fn parts(&self, pin: &Said<Pin>) -> Vec<Artifact> {
        let whole = &pin.what.artifact;
        let components = self.held.find(whole).into_iter().flat_map(Held::components);
        std::iter::once(whole.clone()).chain(components).collect()
    }

    fn counts(&self, pin: &Said<Pin>) -> bool {
        self.proofs.still_counts(&Ask::releasers(self.name, self.channel), &pin.logged)
    }

    fn is_distrusted(&self, pin: &Said<Pin>) -> bool {
        let published = |part: &Artifact| self.held.find(part).is_some_and(|held| !self.held.counts(held));
        !self.counts(pin) || self.parts(pin).iter().any(published)
    }

    fn is_excluded(&self, pin: &Said<Pin>) -> bool {
        match &self.query.not {
            None => false,
            Some(Excluded::Digest(digest)) => digest.is_one_of(&pin.what.artifact.digests),
            Some(Excluded::Current) => {
                self.current.is_some_and(|current| current.digests == pin.what.artifact.digests)
            }
        }
    }

    fn is_too_new(&self, pin: &Said<Pin>) -> bool {
        self.query.at.is_some_and(|at| pin.logged.time() > at)
    }

    fn wrong(&self, number: PinNumber, rule: &'static str) -> AnswerError {
        AnswerError::PassedOver { line: self.name.clone(), number, rule }
    }
}

/// The number below; 0, which no pin has, stays.
fn before(number: PinNumber) -> PinNumber {
    PinNumber::new(number.get().saturating_sub(1)).unwrap_or(number)
}

fn deny_fact(said: &Said<Deny>) -> DenyFact {
    let Deny { name, digests, effect, scope, channel, reason } = said.what.clone();
    let (index, time, signers) = (said.logged.index(), said.logged.time(), said.logged.signers());
    DenyFact { index, name, digests, effect, scope, channel, reason, time, signers, lifted: None }
}

//! The rule book: may this entry stand in the log, and what follows from it?
//!
//! [`judge`] is pure: it asks [`Facts`] about earlier entries and nothing else, so that the registry that accepts an entry
//! and an auditor who replays it come to the same answer. Signatures are verified before ([`crate::signature`]); whether
//! attachments are stored durably is the caller's business.
//!
//! An order holds throughout: form and time first, then who signed, then what the statement says. Whoever may not say it
//! learns nothing about the state, and starts no work.

mod access;
mod apart;
mod attest;
mod authority;
mod calendar;
mod common;
mod deny;
mod deploy;
mod evidence;
mod freeze;
mod hold;
mod pin;
mod policy;
mod policy_shape;
mod publish;
#[cfg(any(test, feature = "rehearsal"))]
mod rehearsal;
mod rollback;
mod scrub;
mod sweep;
mod window;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::envelope::CanonicalSignature;
use holdfast_formats::key::KeyId;
use holdfast_formats::manifest::Manifest;
use holdfast_formats::name::ChannelName;
use holdfast_formats::number::PinNumber;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{Artifact, AttachmentRef, EntryRef, Predicate, Statement};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash};

use crate::facts::{Effect, Facts, PinFact, PolicyFact};
use crate::refusal::{JudgeError, Refusal};
use crate::rule_book::RuleBook;
use authority::Signers;
pub use publish::COMPONENT_ABSENT;

/// An entry that wants to be the next one.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The place it would have: the number of entries before it.
    pub index: LeafIndex,
    /// The time it would have.
    pub time: Timestamp,
    /// The rule book it is to be judged by.
    pub rules: u32,
    /// SHA-256 of the signed bytes.
    pub payload_sha256: Sha256Digest,
    /// What they say.
    pub statement: &'a Statement,
    /// Who signed them: verified, one a key, sorted.
    pub signatures: &'a [CanonicalSignature],
    /// The manifest that a `publish` names: its bytes and what they say.
    pub manifest: Option<(&'a [u8], &'a Manifest)>,
    /// The envelope that an `attest` names, or the list of objects of a `sweep`.
    pub attached: Option<&'a [u8]>,
}

/// An entry that was accepted.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The signatures that counted: those that the leaf carries.
    pub counted: Vec<CanonicalSignature>,
    index: LeafIndex,
    time: Timestamp,
    draft: Draft,
}

/// What follows from an entry, as far as it is known before the leaf is encoded.
#[derive(Debug, Clone)]
enum Draft {
    /// An effect that does not name its own leaf.
    Ready(Effect),
    /// A new policy.
    Policy(Arc<Policy>),
    /// A new pin.
    Pin { channel: ChannelName, number: PinNumber, artifact: Artifact, expires: Option<Timestamp> },
}

/// What the rules of one type say: who counted, and what follows.
struct Ruling {
    counted: Vec<KeyId>,
    draft: Draft,
}

impl Ruling {
    fn ready(counted: Vec<KeyId>, effect: Effect) -> Self {
        Self { counted, draft: Draft::Ready(effect) }
    }
}

impl Judgement {
    /// What follows from the entry, once its leaf hash is known.
    pub fn effects(self, leaf: TreeHash) -> Vec<Effect> {
        let entry = EntryRef { index: self.index, leaf };
        let time = self.time;
        let effect = match self.draft {
            Draft::Ready(effect) => effect,
            Draft::Policy(policy) => Effect::Policy(PolicyFact { entry, policy, time }),
            Draft::Pin { channel, number, artifact, expires } => {
                let signers = self.counted.iter().map(|s| s.keyid).collect();
                Effect::Pin(PinFact { entry, channel, number, artifact, time, expires, signers })
            }
        };
        vec![effect]
    }
}

/// A candidate before the policy in force.
struct Case<'a> {
    candidate: &'a Candidate<'a>,
    facts: &'a dyn Facts,
    in_force: &'a PolicyFact,
    policy: &'a Policy,
    signers: Signers<'a>,
}

impl Case<'_> {
    /// Refuses a moment that a statement gives and that is not ahead of the entry's own time.
    fn check_ahead(&self, what: &'static str, given: Option<Timestamp>) -> Result<(), Refusal> {
        let time = self.candidate.time;
        match given {
            Some(given) if given <= time => Err(Refusal::NotInTheFuture { what, given, time }),
            _ => Ok(()),
        }
    }
}

/// Judges an entry against everything that was logged before it.
pub fn judge(candidate: &Candidate<'_>, facts: &dyn Facts) -> Result<Judgement, JudgeError> {
    let in_force = facts.policy()?;
    let book = common::check(candidate, in_force.as_ref().map(|fact| fact.policy.as_ref()), facts)?;
    let ruling = match book {
        RuleBook::V1 => by_type(candidate, in_force.as_ref(), facts),
        #[cfg(any(test, feature = "rehearsal"))]
        RuleBook::Rehearsal => rehearsal::judge(candidate, in_force.as_ref(), facts),
    }?;
    let counted: Vec<CanonicalSignature> =
        candidate.signatures.iter().filter(|s| ruling.counted.contains(&s.keyid)).cloned().collect();
    if let Some(fact) = &in_force {
        common::check_quiet(candidate, &fact.policy, &counted, facts)?;
    }
    Ok(Judgement { counted, index: candidate.index, time: candidate.time, draft: ruling.draft })
}

/// Judges an entry that is in the log already: it must carry exactly the signatures that count, as its writer had to
/// encode it.
pub fn judge_logged(candidate: &Candidate<'_>, facts: &dyn Facts) -> Result<Judgement, JudgeError> {
    let judgement = judge(candidate, facts)?;
    match candidate.signatures.iter().find(|s| !judgement.counted.contains(s)) {
        Some(surplus) => Err(Refusal::SignatureSurplus { key: surplus.keyid }.into()),
        None => Ok(judgement),
    }
}

/// The attachments that must be stored before a statement may be logged.
pub fn attachments_needed(statement: &Statement) -> Vec<AttachmentRef> {
    match &statement.predicate {
        Predicate::Publish(p) => {
            vec![AttachmentRef { sha256: p.manifest.digests.sha256, size: p.manifest.size }]
        }
        Predicate::Attest(p) => vec![p.envelope.attachment()],
        Predicate::Sweep(p) => p.objects.into_iter().collect(),
        _ => Vec::new(),
    }
}

fn by_type(
    candidate: &Candidate<'_>,
    in_force: Option<&PolicyFact>,
    facts: &dyn Facts,
) -> Result<Ruling, JudgeError> {
    let Some(in_force) = in_force else { return first(candidate) };
    let policy = in_force.policy.as_ref();
    let case = &Case { candidate, facts, in_force, policy, signers: Signers::of(candidate, policy, facts)? };
    match &candidate.statement.predicate {
        Predicate::Policy(new) => policy::judge(candidate, Some(in_force), new),
        Predicate::Publish(p) => publish::judge(case, p),
        Predicate::Attest(p) => attest::judge(case, p),
        Predicate::Tag(p) => attest::judge_tag(case, p),
        Predicate::Deploy(p) => deploy::judge(case, p),
        Predicate::Pin(p) => pin::judge(case, p),
        Predicate::Deny(p) => deny::judge(case, p),
        Predicate::Lift(p) => deny::judge_lift(case, p),
        Predicate::Freeze(p) => freeze::judge(case, p),
        Predicate::Thaw(p) => freeze::judge_thaw(case, p),
        Predicate::Grant(p) => access::judge(case, p),
        Predicate::Revoke(p) => access::judge_revoke(case, p),
        Predicate::Rollback(p) => rollback::judge(case, p),
        Predicate::Scrub(p) => scrub::judge(case, p),
        Predicate::Hold(p) => hold::judge(case, p),
        Predicate::Unhold(p) => hold::judge_unhold(case, p),
        Predicate::Extend(p) => window::judge(case, p),
        Predicate::Delete(p) => window::judge_delete(case, p),
        Predicate::Sweep(p) => sweep::judge(case, p),
        Predicate::Swept(p) => sweep::judge_swept(case, p),
    }
}

/// Only a policy can be the first entry.
fn first(candidate: &Candidate<'_>) -> Result<Ruling, JudgeError> {
    match &candidate.statement.predicate {
        Predicate::Policy(first) => policy::judge(candidate, None, first),
        _ => Err(Refusal::PolicyMissing.into()),
    }
}

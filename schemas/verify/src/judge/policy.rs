//! `policy`: the chain of policies. Each is exactly the next of its chain, and signed by enough root keys of the policy
//! before it and of itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::number::PolicyNumber;
use holdfast_formats::policy::Policy;

use super::{Candidate, Draft, Ruling, policy_shape};
use crate::facts::PolicyFact;
use crate::refusal::{JudgeError, Refusal};
use crate::rule_book::RuleBook;

pub(super) fn judge(
    candidate: &Candidate<'_>,
    in_force: Option<&PolicyFact>,
    new: &Policy,
) -> Result<Ruling, JudgeError> {
    let mut counted = BTreeSet::new();
    if let Some(fact) = in_force {
        counted.extend(root_quorum("current", candidate, &fact.policy)?);
    }
    counted.extend(root_quorum("new", candidate, new)?);
    check_chain(candidate, in_force, new)?;
    check_rules(in_force, new.rules)?;
    policy_shape::check(new)?;
    Ok(Ruling { counted: counted.into_iter().collect(), draft: Draft::Policy(Arc::new(new.clone())) })
}

/// The rule book is only ever raised, and to one that this program has.
fn check_rules(in_force: Option<&PolicyFact>, given: u32) -> Result<(), JudgeError> {
    match in_force.map(|fact| fact.policy.rules) {
        Some(known) if given < known => Err(Refusal::UnknownRuleBook { given, known }.into()),
        _ if RuleBook::of(given).is_none() => Err(JudgeError::Newer { needs: given }),
        _ => Ok(()),
    }
}

fn check_chain(
    candidate: &Candidate<'_>,
    in_force: Option<&PolicyFact>,
    new: &Policy,
) -> Result<(), Refusal> {
    let stale = |expected| Refusal::StalePolicy { given: new.number, expected };
    let Some(PolicyFact { entry, policy, .. }) = in_force else {
        let first =
            candidate.index.get() == 0 && new.number == PolicyNumber::FIRST && new.predecessor.is_none();
        return if first { Ok(()) } else { Err(stale(PolicyNumber::FIRST)) };
    };
    let expected =
        policy.number.next().map_err(|_| Refusal::Malformed { rule: "the policy's number is too large" })?;
    if new.number != expected || new.predecessor != Some(*entry) {
        return Err(stale(expected));
    }
    if new.origin != policy.origin {
        return Err(Refusal::WrongLog { given: new.origin.clone(), expected: policy.origin.clone() });
    }
    Ok(())
}

/// The root keys of a policy that signed, when there are enough of them.
fn root_quorum(
    which: &'static str,
    candidate: &Candidate<'_>,
    policy: &Policy,
) -> Result<BTreeSet<KeyId>, Refusal> {
    if candidate.signatures.is_empty() {
        return Err(Refusal::SignatureMissing);
    }
    let roots: BTreeSet<KeyId> = policy.root.keys.iter().map(PublicKey::id).collect();
    let signed: BTreeSet<KeyId> = candidate.signatures.iter().map(|s| s.keyid).collect();
    let have: BTreeSet<KeyId> = &roots & &signed;
    let need = policy.root.threshold;
    // A threshold of zero is refused by the shape check; until then it must not pass for a met one.
    if have.len() >= usize::from(need.max(1)) {
        return Ok(have);
    }
    Err(Refusal::RootThreshold { which, have: have.len(), need })
}

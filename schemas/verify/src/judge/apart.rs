//! Separate roles: who signed for an artifact in one role does not count in the other.
//!
//! People are kept apart, not keys: a principal who has a new key since is still the same, and so is whoever a grant was
//! given to, by whichever token.

use std::collections::BTreeSet;

use holdfast_formats::key::KeyId;
use holdfast_formats::name::PrincipalId;
use holdfast_formats::policy::{Policy, Role};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::text::Label;
use holdfast_formats::tree::LeafIndex;

use super::Case;
use crate::facts::FactsError;
use crate::reach::Ask;
use crate::refusal::{JudgeError, Refusal};

/// Who signed for an artifact in another role before.
pub(super) struct Earlier<'a> {
    pub(super) role: Role,
    /// The entry that they signed.
    pub(super) index: LeafIndex,
    pub(super) signers: &'a [KeyId],
}

/// Somebody, as an entry shows them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Person {
    /// A principal of the policy then.
    Principal(PrincipalId),
    /// Whom a grant was given to.
    Subject(Label),
    /// Whoever has a key.
    Key(KeyId),
}

impl Case<'_> {
    /// The keys that count for a role, without those whom the policy's `separate` keeps apart because they signed for the
    /// artifact before.
    pub(super) fn entitled_apart(
        &self,
        ask: Ask<'_>,
        artifact: &ArtifactRef,
        earlier: &[Earlier<'_>],
    ) -> Result<Vec<KeyId>, JudgeError> {
        let mut barred = BTreeSet::new();
        let mut meddled = None;
        for e in earlier.iter().filter(|e| are_separate(self.policy, ask.role, e.role)) {
            let before = self.persons(e.index, e.signers)?;
            for keyid in self.signers.keys() {
                if !self.persons(self.candidate.index, &[keyid])?.is_disjoint(&before) {
                    barred.insert(keyid);
                    meddled = meddled.or(Some(e.role));
                }
            }
        }
        match (self.entitled_but(ask, &barred), meddled) {
            (Err(_), Some(other)) if self.entitled(ask).is_ok() => {
                Err(Refusal::SeparationOfDuties { role: ask.role, other, artifact: artifact.clone() }.into())
            }
            (outcome, _) => Ok(outcome?),
        }
    }

    /// Whose the keys were that signed an entry.
    pub(super) fn persons(
        &self,
        index: LeafIndex,
        signers: &[KeyId],
    ) -> Result<BTreeSet<Person>, FactsError> {
        let then = self.facts.policy_at(index)?;
        let principals = then.iter().flat_map(|fact| &fact.policy.principals);
        let named: Vec<(KeyId, &PrincipalId)> =
            principals.filter_map(|p| p.key.as_ref().map(|key| (key.id(), &p.id))).collect();
        let mut persons = BTreeSet::new();
        for keyid in signers {
            persons.insert(Person::Key(*keyid));
            if let Some((_, id)) = named.iter().find(|(of, _)| of == keyid) {
                persons.insert(Person::Principal((*id).clone()));
            } else if let Some(fact) = self.facts.grant_by_key(keyid)? {
                persons.insert(Person::Subject(fact.grant.subject));
            }
        }
        Ok(persons)
    }
}

/// Whether the policy keeps two roles apart.
pub(super) fn are_separate(policy: &Policy, a: Role, b: Role) -> bool {
    policy.separate.iter().any(|pair| *pair == (a, b) || *pair == (b, a))
}

//! Who may: the signers of a candidate, and whether enough of them fill a role where it is needed.
//!
//! A rule of the policy applies when its role, its names and its channels do. One applying rule whose threshold is met is
//! enough; all keys of all applying rules count. An ephemeral key counts like a principal's key for what its grant covers,
//! but all such keys together count once: whoever may give out tokens must not be able to make a quorum of them.

use std::collections::BTreeSet;

use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::name::PrincipalId;
use holdfast_formats::policy::{Policy, RoleRule};
use holdfast_formats::statement::Grant;
use holdfast_formats::tree::LeafIndex;

use super::{Candidate, Case};
use crate::facts::{Facts, FactsError};
use crate::reach::{Ask, Quorum, Reach};
use crate::refusal::{JudgeError, Refusal};
use crate::signature::distrusted;

/// What a signer is under the policy in force.
enum Standing<'a> {
    /// A principal with a key.
    Principal(&'a PrincipalId),
    /// The registry.
    Registry,
    /// The holder of a grant's ephemeral key.
    Grant(Box<Grant>),
}

/// Who signed a candidate, as far as the policy in force knows and trusts them.
pub(super) struct Signers<'a>(Vec<(KeyId, Standing<'a>)>);

impl<'a> Signers<'a> {
    /// Looks up what each verified signature's key is.
    pub(super) fn of(
        candidate: &Candidate<'_>,
        policy: &'a Policy,
        facts: &dyn Facts,
    ) -> Result<Self, FactsError> {
        let distrusted = distrusted(policy, candidate.index);
        let registry: BTreeSet<KeyId> = policy.registry_keys.iter().map(PublicKey::id).collect();
        let principals: Vec<(KeyId, &PrincipalId)> =
            policy.principals.iter().filter_map(|p| p.key.as_ref().map(|key| (key.id(), &p.id))).collect();
        let mut signers = Vec::new();
        for keyid in candidate.signatures.iter().map(|s| s.keyid).filter(|keyid| !distrusted.contains(keyid))
        {
            if registry.contains(&keyid) {
                signers.push((keyid, Standing::Registry));
            } else if let Some((_, id)) = principals.iter().find(|(of, _)| *of == keyid) {
                signers.push((keyid, Standing::Principal(id)));
            } else if let Some(fact) = facts
                .grant_by_key(&keyid)?
                .filter(|fact| fact.is_valid_at(candidate.time) && fact.stands_under(policy))
            {
                signers.push((keyid, Standing::Grant(Box::new(fact.grant))));
            }
        }
        Ok(Self(signers))
    }

    /// The registry's own keys among the signers.
    pub(super) fn registry(&self) -> Vec<KeyId> {
        self.0
            .iter()
            .filter(|(_, standing)| matches!(standing, Standing::Registry))
            .map(|(keyid, _)| *keyid)
            .collect()
    }

    /// Every key that signed and is known.
    pub(super) fn keys(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.0.iter().map(|(keyid, _)| *keyid)
    }

    fn of_rule<'b>(&'b self, rule: &'b RoleRule) -> impl Iterator<Item = KeyId> + 'b {
        let fills = |standing: &Standing<'_>| matches!(standing, Standing::Principal(id) if rule.principals.contains(id));
        self.0.iter().filter(move |(_, standing)| fills(standing)).map(|(keyid, _)| *keyid)
    }

    fn of_grants<'b>(&'b self, ask: &'b Ask<'_>) -> impl Iterator<Item = KeyId> + 'b {
        let covers = |standing: &Standing<'_>| match standing {
            Standing::Grant(grant) => ask.is_granted_by(grant),
            Standing::Principal(_) | Standing::Registry => false,
        };
        self.0.iter().filter(move |(_, standing)| covers(standing)).map(|(keyid, _)| *keyid)
    }
}

impl Case<'_> {
    /// The keys that count for a role, when there are enough of them.
    pub(super) fn entitled(&self, ask: Ask<'_>) -> Result<Vec<KeyId>, Refusal> {
        self.entitled_but(ask, &BTreeSet::new())
    }

    /// The registry's keys, for what only the registry says.
    pub(super) fn registry(&self) -> Result<Vec<KeyId>, JudgeError> {
        let keys = self.signers.registry();
        if keys.is_empty() {
            return Err(Refusal::RegistryOnly { kind: self.candidate.statement.kind() }.into());
        }
        Ok(keys)
    }

    /// The keys that count for the end of an earlier entry. Whoever has no part in what that entry is about is told that
    /// there is none: its index must not tell strangers what stands there.
    pub(super) fn entitled_to_end(
        &self,
        (what, index): (&'static str, LeafIndex),
        about: Reach<'_>,
        ask: Ask<'_>,
    ) -> Result<Vec<KeyId>, Refusal> {
        self.entitled(ask).map_err(|refusal| {
            let part = Ask { reach: about, quorum: Quorum::One, ..ask };
            if self.entitled(part).is_ok() { refusal } else { Refusal::EntryNotFound { what, index } }
        })
    }

    /// The keys that count for a role without these, when there are enough of them.
    pub(super) fn entitled_but(&self, ask: Ask<'_>, barred: &BTreeSet<KeyId>) -> Result<Vec<KeyId>, Refusal> {
        if self.signers.0.is_empty() {
            return Err(Refusal::SignatureMissing);
        }
        let ephemeral = self.signers.of_grants(&ask).find(|keyid| !barred.contains(keyid));
        let mut counted = BTreeSet::new();
        let mut satisfied = false;
        let mut closest: Option<(usize, u16)> = None;
        for rule in self.policy.roles.iter().filter(|rule| ask.is_of(rule)) {
            let keys: BTreeSet<KeyId> =
                self.signers.of_rule(rule).filter(|keyid| !barred.contains(keyid)).chain(ephemeral).collect();
            let need = if ask.quorum == Quorum::One { 1 } else { rule.threshold };
            satisfied |= keys.len() >= usize::from(need);
            if !keys.is_empty()
                && closest.is_none_or(|(have, of)| usize::from(need) + have < keys.len() + usize::from(of))
            {
                closest = Some((keys.len(), need));
            }
            counted.extend(keys);
        }
        match closest {
            _ if satisfied => Ok(counted.into_iter().collect()),
            Some((have, need)) => {
                Err(Refusal::ThresholdNotMet { role: ask.role, about: ask.reach.to_string(), have, need })
            }
            None => Err(Refusal::RoleMissing { role: ask.role, about: ask.reach.to_string() }),
        }
    }
}

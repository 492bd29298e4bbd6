//! The grants whose ephemeral keys signed what is shown: each a logged statement that is checked like any other.
//!
//! A client decides here what it can decide without the whole log: that administrators gave the grant under the policy at
//! its place, that it covers what was signed, that it came before, had not expired and was not ended by the revoke that is
//! shown. That no revoke was left out is the registry's word; whoever replays the log finds out.

use std::collections::BTreeMap;

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::key::KeyId;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{Grant, Predicate, Revoke, StatementType};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::ShownGrant;

use crate::entitlement::{self, EntitlementError};
use crate::evidence::{EvidenceError, read_placed};
use crate::facts::GrantFact;
use crate::logged::LoggedStatement;
use crate::policy_chain::PolicyChain;
use crate::reach::Ask;

/// Believed grants by the key that each names, and where each was revoked.
#[derive(Debug, Clone)]
pub(crate) struct ShownGrants(BTreeMap<KeyId, GrantFact>);

impl ShownGrants {
    /// No grant: only keys that a policy names may sign.
    pub(crate) const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Reads grants that are proven against a checkpoint; the place of the first that is not believed, and why.
    pub(crate) fn read<'s>(
        sent: impl IntoIterator<Item = &'s ShownGrant>,
        checkpoint: &Checkpoint,
        policies: &PolicyChain,
    ) -> Result<Self, (LeafIndex, EvidenceError)> {
        let mut grants = Self::none();
        for shown in sent {
            let read = read_shown(shown, checkpoint, policies);
            read.and_then(|fact| grants.add(fact)).map_err(|error| (shown.grant.index, error))?;
        }
        Ok(grants)
    }

    /// Takes grants whose place in the log nobody proved, as what they are shown for is not proven either.
    pub(crate) fn unproven(
        grants: &[LoggedStatement],
        policies: &PolicyChain,
    ) -> Result<Self, (LeafIndex, EvidenceError)> {
        let mut all = Self::none();
        for grant in grants {
            let read = believed(grant, None, policies);
            read.and_then(|fact| all.add(fact)).map_err(|error| (grant.index(), error))?;
        }
        Ok(all)
    }

    /// The grant that names a key.
    pub(crate) fn by_key(&self, key: &KeyId) -> Option<&GrantFact> {
        self.0.get(key)
    }

    /// The grants by whose keys a statement is signed, each of them good at its place. Keys of the policy are no business
    /// of theirs.
    pub(crate) fn used_by(
        &self,
        logged: &LoggedStatement,
        policy: &Policy,
        is_named: impl Fn(&KeyId) -> bool,
    ) -> Result<Vec<&GrantFact>, EntitlementError> {
        let mut used = Vec::new();
        for key in logged.signers() {
            let Some(fact) = self.by_key(&key).filter(|_| !is_named(&key)) else { continue };
            let wrong = |rule| Err(EntitlementError::Grant { key, grant: fact.index, rule });
            if fact.index >= logged.index() {
                return wrong("is later than what the key signed");
            }
            if fact.revoked.is_some_and(|by| by < logged.index()) {
                return wrong("had been revoked when the key signed");
            }
            if fact.grant.expires.is_some_and(|at| at <= logged.time()) {
                return wrong("had expired when the key signed");
            }
            if !fact.stands_under(policy) {
                return wrong("was given by or to somebody whom the policy did not let then");
            }
            used.push(fact);
        }
        Ok(used)
    }

    fn add(&mut self, fact: GrantFact) -> Result<(), EvidenceError> {
        let key = fact.grant.key.as_ref().ok_or(EvidenceError::Grant("it names no key"))?.id();
        match self.0.insert(key, fact) {
            None => Ok(()),
            Some(_) => Err(EvidenceError::Grant("another one that is shown names its key")),
        }
    }
}

/// A grant that is proven against a checkpoint, with what revoked it.
pub(crate) fn read_shown(
    shown: &ShownGrant,
    checkpoint: &Checkpoint,
    policies: &PolicyChain,
) -> Result<GrantFact, EvidenceError> {
    let grant = read_placed(checkpoint, &shown.grant)?;
    let revoke = shown.revoke.as_ref().map(|entry| read_placed(checkpoint, entry)).transpose()?;
    believed(&grant, revoke.as_ref(), policies)
}

/// A grant that administrators gave, with where it was revoked.
fn believed(
    logged: &LoggedStatement,
    revoke: Option<&LoggedStatement>,
    policies: &PolicyChain,
) -> Result<GrantFact, EvidenceError> {
    let grant = grant_of(logged)?;
    entitlement::check(logged, policies, &ShownGrants::none())?;
    let revoked = revoke.map(|revoke| check_revoke(revoke, logged.index(), grant, policies)).transpose()?;
    Ok(GrantFact {
        index: logged.index(),
        grant: grant.clone(),
        time: logged.time(),
        signers: logged.signers(),
        revoked,
    })
}

fn grant_of(logged: &LoggedStatement) -> Result<&Grant, EvidenceError> {
    match &logged.statement().predicate {
        Predicate::Grant(grant) => Ok(grant),
        other => Err(EvidenceError::OtherType { wanted: StatementType::Grant, found: other.kind() }),
    }
}

/// Where a grant was revoked, by those who may.
fn check_revoke(
    logged: &LoggedStatement,
    index: LeafIndex,
    grant: &Grant,
    policies: &PolicyChain,
) -> Result<LeafIndex, EvidenceError> {
    let revoke: &Revoke = match &logged.statement().predicate {
        Predicate::Revoke(revoke) => revoke,
        other => return Err(EvidenceError::OtherType { wanted: StatementType::Revoke, found: other.kind() }),
    };
    if revoke.grant.index != index || logged.index() <= index {
        return Err(EvidenceError::Grant("the revoke that is shown with it is of another grant"));
    }
    entitlement::check(logged, policies, &ShownGrants::none())?;
    entitlement::check_quorum(logged, policies, &Ask::administrators(grant))?;
    Ok(logged.index())
}

//! Entries of an answer as evidence: under the answer's checkpoint, and said by those who may.

use std::convert::Infallible;

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::key::KeyId;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{
    Delete, Deny, Deploy, Pin, Predicate, Publish, Scrub, StatementType, Sweep,
};
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::ProvenEntry;

use super::answer::Signer;
use super::error::AnswerError;
use super::standing::still_counts;
use crate::entitlement;
use crate::evidence::{EvidenceError, read_placed};
use crate::grants::ShownGrants;
use crate::logged::LoggedStatement;
use crate::policy_chain::PolicyChain;
use crate::reach::Ask;
use crate::signature::trusted;

/// The state of the log that an answer is proven against.
#[derive(Clone, Copy)]
pub(super) struct Proofs<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) policies: &'a PolicyChain,
    pub(super) grants: &'a ShownGrants,
}

/// A believed entry and the predicate it was wanted for.
#[derive(Debug, Clone)]
pub(super) struct Said<T> {
    pub(super) logged: LoggedStatement,
    pub(super) what: T,
}

/// A predicate that can stand in evidence.
pub(super) trait Evidence: Clone {
    /// Its statement type.
    const TYPE: StatementType;
    /// The predicate, when it is of this type.
    fn of(predicate: &Predicate) -> Option<&Self>;
}

macro_rules! evidence {
    ($($name:ident),*) => {
        $(impl Evidence for $name {
            const TYPE: StatementType = StatementType::$name;
            fn of(predicate: &Predicate) -> Option<&Self> {
                match predicate {
                    Predicate::$name(own) => Some(own),
                    _ => None,
                }
            }
        })*
    };
}

evidence!(Publish, Pin, Deny, Deploy, Scrub, Delete, Sweep);

impl Proofs<'_> {
    /// A believed entry of the wanted type; `as_what` says in errors what it was sent as.
    pub(super) fn said<T: Evidence>(
        &self,
        as_what: &str,
        entry: &ProvenEntry,
    ) -> Result<Said<T>, AnswerError> {
        let read = || -> Result<Said<T>, EvidenceError> {
            let logged = read_placed(self.checkpoint, entry)?;
            let predicate = &logged.statement().predicate;
            let other = || EvidenceError::OtherType { wanted: T::TYPE, found: predicate.kind() };
            let what = T::of(predicate).ok_or_else(other)?.clone();
            entitlement::check(&logged, self.policies, self.grants)?;
            Ok(Said { logged, what })
        };
        read().map_err(|source| AnswerError::Entry { what: as_what.to_owned(), source })
    }

    /// Whether a believed entry still counts under the newest policy.
    pub(super) fn still_counts(&self, ask: &Ask<'_>, logged: &LoggedStatement) -> bool {
        let newest = &self.policies.newest().policy;
        let grant_of = |key: &KeyId| Ok::<_, Infallible>(self.grants.by_key(key).cloned());
        let Ok(counts) = still_counts(newest, logged.index(), ask, &logged.signers(), grant_of);
        counts
    }

    /// Whether a policy trusts anybody who signed a believed entry.
    pub(super) fn is_trusted(&self, policy: &Policy, logged: &LoggedStatement) -> bool {
        let grant_of = |key: &KeyId| Ok::<_, Infallible>(self.grants.by_key(key).cloned());
        let Ok(trusted) = trusted(policy, logged.index(), &logged.signers(), grant_of);
        !trusted.is_empty()
    }

    /// Keys of an entry with the principals whose they were.
    pub(super) fn signers(&self, index: LeafIndex, keys: &[KeyId]) -> Vec<Signer> {
        let policy = self.policies.in_force_at(index).map(|chained| &chained.policy);
        let principal_of = |key: &KeyId| {
            let mut principals = policy.iter().flat_map(|policy| &policy.principals);
            principals.find(|p| p.key.as_ref().is_some_and(|k| k.id() == *key)).map(|p| p.id.clone())
        };
        let signer = |key: &KeyId| {
            let principal = principal_of(key);
            let grant = self.grants.by_key(key).filter(|_| principal.is_none());
            Signer { key: *key, principal, subject: grant.map(|fact| fact.grant.subject.clone()) }
        };
        keys.iter().map(signer).collect()
    }
}

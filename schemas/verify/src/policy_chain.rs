//! The chain of policies as a client follows it: from the one policy that it trusts, link by link, never backwards.
//!
//! Later policies are believed because a threshold of root keys of the policy before and of their own signed them; earlier
//! ones because a believed policy names the leaf of its predecessor. Where entries stand in the log is proven elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_formats::key::KeyId;
use holdfast_formats::number::PolicyNumber;
use holdfast_formats::origin::Origin;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{EntryRef, Predicate};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::trust::Trust;

use crate::logged::{LoggedError, LoggedStatement};

/// Why a chain of policies is not believed.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// An entry of the chain is refused as it is.
    #[error("the policy at entry {index} is refused")]
    Entry {
        /// Which entry.
        index: LeafIndex,
        /// Why.
        source: LoggedError,
    },
    /// An entry of the chain is no policy.
    #[error("entry {0} was sent as a policy and is none")]
    NotAPolicy(LeafIndex),
    /// The trusted policy is not among those sent.
    #[error(
        "the trusted policy {0} is not in the chain that was sent; this is another log, or its history was changed"
    )]
    AnchorMissing(PolicyNumber),
    /// The trusted policy's bytes are others.
    #[error(
        "policy {0} is not the one that is trusted: its SHA-256 differs; this is another log, or its history was changed"
    )]
    AnchorDiffers(PolicyNumber),
    /// A link that does not name its predecessor exactly.
    #[error(
        "policy {found} at entry {index} does not follow policy {before}: number, predecessor or place is wrong"
    )]
    Broken {
        /// The entry of the link.
        index: LeafIndex,
        /// Its number.
        found: PolicyNumber,
        /// The number of the policy before.
        before: PolicyNumber,
    },
    /// A policy of another log.
    #[error("the policy at entry {index} is of the log {found}")]
    OtherLog {
        /// The entry.
        index: LeafIndex,
        /// The log it is of.
        found: Origin,
    },
    /// Too few root keys.
    #[error("policy {number} is signed by {have} of the {need} root keys that policy {of} asks for")]
    Threshold {
        /// The policy that was not accepted.
        number: PolicyNumber,
        /// Whose root keys.
        of: PolicyNumber,
        /// How many signed.
        have: usize,
        /// How many must.
        need: u16,
    },
}

/// A policy of the chain and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainedPolicy {
    /// Its entry.
    pub entry: EntryRef,
    /// When it came into force.
    pub time: Timestamp,
    /// The rules.
    pub policy: Arc<Policy>,
}

/// Successive policies of one log that are believed; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChain {
    earlier: Vec<ChainedPolicy>,
    newest: ChainedPolicy,
}

impl PolicyChain {
    /// Follows a chain, oldest first, that contains the trusted policy; it may begin before that one.
    pub fn from_trust(trust: &Trust, entries: &[LoggedStatement]) -> Result<Self, ChainError> {
        let anchored = trust.policy.number;
        let at = entries.iter().position(|entry| number_of(entry) == Some(anchored));
        let (before, rest) = entries.split_at(at.ok_or(ChainError::AnchorMissing(anchored))?);
        let (anchor, after) = rest.split_first().ok_or(ChainError::AnchorMissing(anchored))?;
        if anchor.payload_sha256() != trust.policy.sha256 {
            return Err(ChainError::AnchorDiffers(anchored));
        }
        let newest = read(&trust.origin, anchor)?;
        let mut chain = Self { earlier: Vec::new(), newest };
        for entry in before.iter().rev() {
            let oldest = chain.earlier.first().unwrap_or(&chain.newest);
            let found = read(&trust.origin, entry)?;
            check_link(&found, oldest)?;
            chain.earlier.insert(0, found);
        }
        chain.extended(after)
    }

    /// The chain with later policies, oldest first.
    pub fn extended(&self, later: &[LoggedStatement]) -> Result<Self, ChainError> {
        let mut chain = self.clone();
        for entry in later {
            let found = read(chain.origin(), entry)?;
            check_link(&chain.newest, &found)?;
            check_roots(entry, &chain.newest.policy, &found.policy)?;
            chain.earlier.push(std::mem::replace(&mut chain.newest, found));
        }
        Ok(chain)
    }

    /// The log.
    pub fn origin(&self) -> &Origin {
        &self.newest.policy.origin
    }

    /// The newest policy known.
    pub const fn newest(&self) -> &ChainedPolicy {
        &self.newest
    }

    /// All policies known, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &ChainedPolicy> {
        self.earlier.iter().chain(std::iter::once(&self.newest))
    }

    /// The policy that judged the entry at a place; `None` when it is older than the chain.
    pub fn in_force_at(&self, index: LeafIndex) -> Option<&ChainedPolicy> {
        self.iter().rev().find(|policy| policy.entry.index < index)
    }

    /// The policy that is in force in a log of this size; `None` when it is older than the chain.
    pub fn in_force_of(&self, size: TreeSize) -> Option<&ChainedPolicy> {
        self.in_force_at(size.next_index())
    }
}

fn number_of(entry: &LoggedStatement) -> Option<PolicyNumber> {
    match &entry.statement().predicate {
        Predicate::Policy(policy) => Some(policy.number),
        _ => None,
    }
}

fn read(origin: &Origin, entry: &LoggedStatement) -> Result<ChainedPolicy, ChainError> {
    let index = entry.index();
    let Predicate::Policy(policy) = &entry.statement().predicate else {
        return Err(ChainError::NotAPolicy(index));
    };
    entry.check_form(origin).map_err(|source| ChainError::Entry { index, source })?;
    if policy.origin != *origin {
        return Err(ChainError::OtherLog { index, found: policy.origin.clone() });
    }
    Ok(ChainedPolicy { entry: entry.entry(), time: entry.time(), policy: Arc::new(policy.as_ref().clone()) })
}

/// Whether one policy is exactly the next of another.
fn check_link(before: &ChainedPolicy, after: &ChainedPolicy) -> Result<(), ChainError> {
    let (old, new) = (&before.policy, &after.policy);
    let follows = old.number.next() == Ok(new.number)
        && new.predecessor == Some(before.entry)
        && before.entry.index < after.entry.index
        && before.time <= after.time;
    if follows {
        return Ok(());
    }
    Err(ChainError::Broken { index: after.entry.index, found: new.number, before: old.number })
}

/// A threshold of the old root keys and one of the new.
fn check_roots(entry: &LoggedStatement, old: &Policy, new: &Policy) -> Result<(), ChainError> {
    let index = entry.index();
    let keys = old.root.keys.iter().chain(&new.root.keys);
    entry.check_signatures(keys).map_err(|source| ChainError::Entry { index, source })?;
    let signed: BTreeSet<KeyId> = entry.signers().into_iter().collect();
    for policy in [old, new] {
        let distrusted = policy.distrust.iter().filter(|d| index >= d.from_entry).map(|d| d.key.id());
        let distrusted: BTreeSet<KeyId> = distrusted.collect();
        let roots: BTreeSet<KeyId> =
            policy.root.keys.iter().map(holdfast_formats::key::PublicKey::id).collect();
        let have = (&(&roots & &signed) - &distrusted).len();
        // A threshold of 0 would let anybody in; no policy in force has one.
        let need = policy.root.threshold.max(1);
        if have < usize::from(need) {
            return Err(ChainError::Threshold { number: new.number, of: policy.number, have, need });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Whether a logged statement was signed by those who may say it, under the policy that was in force at its place.
//!
//! What a client can decide from policies alone. Rules that need other entries (separate roles, evidence, grants) are the
//! rule book's, and an auditor's to replay.

use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::policy::{Policy, Role};
use holdfast_formats::statement::{Deny, Predicate, Publish, StatementType};
use holdfast_formats::tree::LeafIndex;

use crate::known_good::standing::{Quorum, Tally, Wanted, tally};
use crate::logged::{LoggedError, LoggedStatement};
use crate::policy_chain::PolicyChain;

/// Why a logged statement is not believed.
#[derive(Debug, thiserror::Error)]
pub enum EntitlementError {
    /// It is refused as it is.
    #[error(transparent)]
    Logged(#[from] LoggedError),
    /// The policy that was in force then is older than what is known.
    #[error(
        "the policy that was in force at entry {0} is not known; fetch the chain of policies from its beginning"
    )]
    PolicyUnknown(LeafIndex),
    /// A policy entry that is not in the chain.
    #[error("entry {0} says that it is a policy, and the chain of policies does not contain it")]
    NotInChain(LeafIndex),
    /// Fewer keys than the role takes.
    #[error("it is signed by {have} of the {need} keys that the role {role} takes there")]
    Threshold {
        /// The role.
        role: Role,
        /// How many signed.
        have: usize,
        /// How many must.
        need: usize,
    },
    /// No signer has the role.
    #[error("none of its signers has the role {role} there")]
    NoRole {
        /// The role.
        role: Role,
    },
    /// Only the registry says such things.
    #[error(
        "only the registry's own keys sign such a {0} statement, and none of them did, or the policy does not allow it"
    )]
    RegistryOnly(StatementType),
}

/// Checks form, signatures and role of a logged statement against a believed chain of policies.
pub(crate) fn check(logged: &LoggedStatement, policies: &PolicyChain) -> Result<(), EntitlementError> {
    let index = logged.index();
    if let Predicate::Policy(_) = &logged.statement().predicate {
        let known = policies.iter().any(|policy| policy.entry == logged.entry());
        return if known { Ok(()) } else { Err(EntitlementError::NotInChain(index)) };
    }
    logged.check_form(policies.origin())?;
    let policy = &policies.in_force_at(index).ok_or(EntitlementError::PolicyUnknown(index))?.policy;
    logged.check_signatures(named_keys(policy))?;
    check_role(logged, policy)
}

/// Every key that a policy names for statements.
fn named_keys(policy: &Policy) -> impl Iterator<Item = &PublicKey> {
    let principals = policy.principals.iter().filter_map(|principal| principal.key.as_ref());
    principals.chain(&policy.root.keys).chain(&policy.registry_keys)
}

fn check_role(logged: &LoggedStatement, policy: &Policy) -> Result<(), EntitlementError> {
    let signers = logged.signers();
    match &logged.statement().predicate {
        Predicate::Publish(publish) => check_publisher(publish, policy, &signers),
        Predicate::Pin(pin) => fill(policy, &Wanted::releasers(&pin.name, &pin.channel), &signers),
        Predicate::Deny(deny) => fill(policy, &wanted_for_deny(deny), &signers),
        Predicate::Deploy(deploy) => {
            fill(policy, &Wanted::deployers(deploy.artifact.r#ref.name(), &deploy.channel), &signers)
        }
        Predicate::Scrub(_) | Predicate::Sweep(_) | Predicate::Swept(_) => {
            by_registry(logged.statement().kind(), policy, &signers)
        }
        Predicate::Policy(_)
        | Predicate::Attest(_)
        | Predicate::Tag(_)
        | Predicate::Lift(_)
        | Predicate::Freeze(_)
        | Predicate::Thaw(_)
        | Predicate::Hold(_)
        | Predicate::Unhold(_)
        | Predicate::Extend(_)
        | Predicate::Delete(_)
        | Predicate::Grant(_)
        | Predicate::Revoke(_)
        | Predicate::Rollback(_) => Ok(()),
    }
}

fn check_publisher(publish: &Publish, policy: &Policy, signers: &[KeyId]) -> Result<(), EntitlementError> {
    if publish.via_grant.is_none() {
        return fill(policy, &Wanted::publishers(&publish.name), signers);
    }
    if !policy.namespace(&publish.name.namespace()).is_some_and(|rule| rule.registry_publishes) {
        return Err(EntitlementError::RegistryOnly(StatementType::Publish));
    }
    by_registry(StatementType::Publish, policy, signers)
}

/// One releaser is enough to deny.
fn wanted_for_deny(deny: &Deny) -> Wanted<'_> {
    Wanted { role: Role::Releaser, name: &deny.name, channel: deny.channel.as_ref(), quorum: Quorum::One }
}

fn fill(policy: &Policy, wanted: &Wanted<'_>, signers: &[KeyId]) -> Result<(), EntitlementError> {
    match tally(policy, wanted, signers) {
        Tally::Met => Ok(()),
        Tally::Short { have, need } => Err(EntitlementError::Threshold { role: wanted.role, have, need }),
        Tally::NoRole => Err(EntitlementError::NoRole { role: wanted.role }),
    }
}

fn by_registry(kind: StatementType, policy: &Policy, signers: &[KeyId]) -> Result<(), EntitlementError> {
    let signed = policy.registry_keys.iter().any(|key| signers.contains(&key.id()));
    if signed { Ok(()) } else { Err(EntitlementError::RegistryOnly(kind)) }
}

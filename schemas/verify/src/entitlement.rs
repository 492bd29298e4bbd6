//! Whether a logged statement was signed by those who may say it, under the policy that was in force at its place.
//!
//! What a client can decide from policies and the grants that it is shown. Rules that need other entries (separate roles,
//! evidence, what exactly a lift or thaw ends) are the rule book's, and an auditor's to replay.

use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::policy::{Policy, Role};
use holdfast_formats::statement::{Grant, Predicate, Publish, StatementType};
use holdfast_formats::tree::LeafIndex;

use crate::evidence::EvidenceError;
use crate::exchange::is_exchangeable;
use crate::facts::GrantFact;
use crate::grants::ShownGrants;
use crate::known_good::standing::{Tally, tally};
use crate::logged::{LoggedError, LoggedStatement};
use crate::policy_chain::PolicyChain;
use crate::reach::{Ask, action_of};

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
    /// A grant that is shown for its signer is not believed.
    #[error("the grant at entry {index}, which is shown for who signed it, is not believed")]
    GrantUnbelieved {
        /// The grant.
        index: LeafIndex,
        /// Why.
        source: Box<EvidenceError>,
    },
    /// Its ephemeral signer may not sign it.
    #[error("it is signed by the ephemeral key {key}, whose grant at entry {grant} {rule}")]
    Grant {
        /// The key.
        key: KeyId,
        /// The grant that names it.
        grant: LeafIndex,
        /// What is wrong.
        rule: &'static str,
    },
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

/// Checks an entry that came without proof, with the grants that came beside it. That any of them is in the log is not
/// shown by this.
pub fn check_unproven(
    logged: &LoggedStatement,
    grants: &[LoggedStatement],
    policies: &PolicyChain,
) -> Result<(), EntitlementError> {
    let grants = ShownGrants::unproven(grants, policies)
        .map_err(|(index, source)| EntitlementError::GrantUnbelieved { index, source: Box::new(source) })?;
    check(logged, policies, &grants)
}

/// Checks form, signatures and role of a logged statement against a believed chain of policies and believed grants.
pub(crate) fn check(
    logged: &LoggedStatement,
    policies: &PolicyChain,
    grants: &ShownGrants,
) -> Result<(), EntitlementError> {
    let index = logged.index();
    if let Predicate::Policy(_) = &logged.statement().predicate {
        let known = policies.iter().any(|policy| policy.entry == logged.entry());
        return if known { Ok(()) } else { Err(EntitlementError::NotInChain(index)) };
    }
    logged.check_form(policies.origin())?;
    let policy = policy_at(policies, index)?;
    let is_named = |keyid: &KeyId| named_keys(policy).any(|key| key.id() == *keyid);
    let used = grants.used_by(logged, policy, is_named)?;
    let ephemeral = used.iter().filter_map(|fact| fact.grant.key.as_ref());
    logged.check_signatures(named_keys(policy).chain(ephemeral))?;
    Said { logged, policy, used: &used }.check()
}

/// Checks that the signers of a statement are enough for something that more than the statement itself says.
pub(crate) fn check_quorum(
    logged: &LoggedStatement,
    policies: &PolicyChain,
    ask: &Ask<'_>,
) -> Result<(), EntitlementError> {
    Said { logged, policy: policy_at(policies, logged.index())?, used: &[] }.fill(ask)
}

fn policy_at(policies: &PolicyChain, index: LeafIndex) -> Result<&Policy, EntitlementError> {
    let chained = policies.in_force_at(index).ok_or(EntitlementError::PolicyUnknown(index))?;
    Ok(&chained.policy)
}

/// Every key that a policy names for statements.
fn named_keys(policy: &Policy) -> impl Iterator<Item = &PublicKey> {
    let principals = policy.principals.iter().filter_map(|principal| principal.key.as_ref());
    principals.chain(&policy.root.keys).chain(&policy.registry_keys)
}

/// A statement whose signatures verify, the policy at its place, and the grants by whose keys it is signed.
struct Said<'a> {
    logged: &'a LoggedStatement,
    policy: &'a Policy,
    used: &'a [&'a GrantFact],
}

impl Said<'_> {
    fn check(&self) -> Result<(), EntitlementError> {
        let predicate = &self.logged.statement().predicate;
        self.check_grants(roles_of(predicate))?;
        match predicate {
            Predicate::Publish(publish) => self.check_publisher(publish),
            Predicate::Grant(grant) => self.check_granter(grant),
            Predicate::Scrub(_) | Predicate::Sweep(_) | Predicate::Swept(_) => self.by_registry(),
            Predicate::Extend(extend) => {
                let name = extend.artifact.r#ref.name();
                let published = self.fill(&Ask::publishers(name));
                published.or_else(|error| self.fill(&Ask::holders(name)).map_err(|_| error))
            }
            Predicate::Delete(delete) if delete.bypass => {
                let name = delete.artifact.r#ref.name();
                self.fill(&Ask::publishers(name))?;
                self.fill(&Ask::bypassers(name))
            }
            // A policy is in the chain of policies, whose root keys were checked.
            said => Ask::of(said).map_or(Ok(()), |ask| self.fill(&ask)),
        }
    }

    /// Each grant lets its key sign statements of one of these roles.
    fn check_grants(&self, roles: &[Role]) -> Result<(), EntitlementError> {
        let actions: Vec<_> = roles.iter().copied().filter_map(action_of).collect();
        for fact in self.used {
            let allowed = actions.iter().any(|action| fact.grant.actions.contains(action));
            let key = fact.grant.key.as_ref().map(PublicKey::id);
            if let Some(key) = key.filter(|_| !allowed) {
                return Err(EntitlementError::Grant {
                    key,
                    grant: fact.index,
                    rule: "does not let it sign such a statement",
                });
            }
        }
        Ok(())
    }

    fn check_publisher(&self, publish: &Publish) -> Result<(), EntitlementError> {
        if publish.via_grant.is_none() {
            return self.fill(&Ask::publishers(&publish.name));
        }
        if !self.policy.namespace(&publish.name.namespace()).is_some_and(|rule| rule.registry_publishes) {
            return Err(EntitlementError::RegistryOnly(StatementType::Publish));
        }
        self.by_registry()
    }

    fn check_granter(&self, grant: &Grant) -> Result<(), EntitlementError> {
        match &grant.oidc {
            None => self.fill(&Ask::administrators(grant)),
            Some(oidc) if is_exchangeable(self.policy, grant, oidc, self.logged.time()) => self.by_registry(),
            Some(_) => Err(EntitlementError::RegistryOnly(StatementType::Grant)),
        }
    }

    /// All ephemeral keys together count once, as in the rule book.
    fn fill(&self, ask: &Ask<'_>) -> Result<(), EntitlementError> {
        let granted = self.used.iter().find(|fact| ask.is_granted_by(&fact.grant));
        let ephemeral = granted.and_then(|fact| fact.grant.key.as_ref()).map(PublicKey::id);
        match tally(self.policy, ask, &self.logged.signers(), ephemeral) {
            Tally::Met => Ok(()),
            Tally::Short { have, need } => Err(EntitlementError::Threshold { role: ask.role, have, need }),
            Tally::NoRole => Err(EntitlementError::NoRole { role: ask.role }),
        }
    }

    fn by_registry(&self) -> Result<(), EntitlementError> {
        let signers = self.logged.signers();
        let signed = self.policy.registry_keys.iter().any(|key| signers.contains(&key.id()));
        if signed { Ok(()) } else { Err(EntitlementError::RegistryOnly(self.logged.statement().kind())) }
    }
}

/// The roles in which a statement can be made; none for what no ephemeral key ever signs.
const fn roles_of(predicate: &Predicate) -> &'static [Role] {
    match predicate {
        Predicate::Publish(_) | Predicate::Tag(_) => &[Role::Publisher],
        Predicate::Attest(_) => &[Role::Attester],
        Predicate::Deploy(_) => &[Role::Deployer],
        Predicate::Pin(_)
        | Predicate::Deny(_)
        | Predicate::Lift(_)
        | Predicate::Freeze(_)
        | Predicate::Thaw(_) => &[Role::Releaser],
        Predicate::Hold(_) | Predicate::Unhold(_) => &[Role::Holder],
        Predicate::Extend(_) | Predicate::Delete(_) => &[Role::Publisher, Role::Holder],
        Predicate::Rollback(_) => &[Role::Operator],
        Predicate::Policy(_)
        | Predicate::Grant(_)
        | Predicate::Revoke(_)
        | Predicate::Scrub(_)
        | Predicate::Sweep(_)
        | Predicate::Swept(_) => &[],
    }
}

#[cfg(test)]
mod tests;

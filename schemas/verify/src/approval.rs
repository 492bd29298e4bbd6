//! Who has signed a statement that is not logged yet, and who is still wanted: for people who sign together.
//!
//! Advice by one policy, from the statement alone. The rule book judges at the entry's own place, and may want more where a
//! statement ends an earlier one, cites evidence, or where duties are separate.

use std::collections::BTreeSet;
use std::fmt;

use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::name::PrincipalId;
use holdfast_formats::policy::{Policy, Role, RoleRule};
use holdfast_formats::statement::{Predicate, Statement};

use crate::known_good::standing::{Tally, tally};
use crate::reach::{Ask, Quorum};

/// In which capacity signatures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// A root key of the policy in force.
    CurrentRoot,
    /// A root key of the policy that is to come.
    NewRoot,
    /// A principal with a role.
    Role(Role),
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CurrentRoot => f.write_str("root keys of the policy in force"),
            Self::NewRoot => f.write_str("root keys of the new policy"),
            Self::Role(role) => write!(f, "{role}s"),
        }
    }
}

/// A key, and whose it is when the policy says that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatory {
    /// The key.
    pub key: PublicKey,
    /// The principal who has it.
    pub principal: Option<PrincipalId>,
}

impl fmt::Display for Signatory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.principal {
            Some(id) => id.fmt(f),
            None => self.key.fmt(f),
        }
    }
}

/// One thing that a statement needs before it can be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// In which capacity people sign.
    pub capacity: Capacity,
    /// What they must be entitled to, in words.
    pub about: String,
    /// How many distinct keys it takes.
    pub need: usize,
    /// Who has signed.
    pub signed: Vec<Signatory>,
    /// Who has not, and could.
    pub open: Vec<Signatory>,
}

impl Approval {
    /// How many are missing.
    pub fn missing(&self) -> usize {
        self.need.saturating_sub(self.signed.len())
    }
}

/// The keys whose signatures may count: those that the policy names, and the root keys of a policy that is to come.
pub fn signatories<'a>(statement: &'a Statement, policy: &'a Policy) -> impl Iterator<Item = &'a PublicKey> {
    let new = match &statement.predicate {
        Predicate::Policy(new) => new.root.keys.as_slice(),
        _ => &[],
    };
    policy.principals.iter().filter_map(|p| p.key.as_ref()).chain(&policy.root.keys).chain(new)
}

/// What a statement needs under a policy, given the keys whose signatures verified. Empty for what only the registry says.
pub fn approvals(statement: &Statement, policy: &Policy, signers: &[KeyId]) -> Vec<Approval> {
    if let Predicate::Policy(new) = &statement.predicate {
        let of = |capacity, of: &Policy| root_approval(capacity, of, policy, signers);
        return vec![of(Capacity::CurrentRoot, policy), of(Capacity::NewRoot, new)];
    }
    let Some(mut ask) = Ask::of(&statement.predicate) else { return Vec::new() };
    if matches!(&statement.predicate, Predicate::Lift(_) | Predicate::Thaw(_) | Predicate::Revoke(_)) {
        ask.quorum = Quorum::Rule;
    }
    let rules = policy.roles.iter().filter(|rule| ask.is_of(rule));
    let closest = rules.map(|rule| by_rule(rule, &ask, policy, signers)).min_by_key(Approval::missing);
    let nobody = || Approval {
        capacity: Capacity::Role(ask.role),
        about: ask.reach.to_string(),
        need: 1,
        signed: Vec::new(),
        open: Vec::new(),
    };
    vec![closest.unwrap_or_else(nobody)]
}

/// Whether a logged statement still counts for answers when a policy comes that distrusts some of its signers, `trusted`
/// being the others: these must fill the role under it.
pub fn still_stands(statement: &Statement, coming: &Policy, trusted: &[KeyId]) -> bool {
    match Ask::of(&statement.predicate) {
        // Whoever is left of those who denied is enough.
        Some(ask) if !matches!(statement.predicate, Predicate::Deny(_)) => {
            tally(coming, &ask, trusted, None) == Tally::Met
        }
        _ => !trusted.is_empty(),
    }
}

fn by_rule(rule: &RoleRule, ask: &Ask<'_>, policy: &Policy, signers: &[KeyId]) -> Approval {
    let keys =
        policy.principals.iter().filter(|p| rule.principals.contains(&p.id)).filter_map(|p| p.key.as_ref());
    let need = if ask.quorum == Quorum::One { 1 } else { usize::from(rule.threshold.max(1)) };
    let (signed, open) = parted(keys, policy, signers);
    Approval { capacity: Capacity::Role(ask.role), about: ask.reach.to_string(), need, signed, open }
}

fn root_approval(capacity: Capacity, of: &Policy, current: &Policy, signers: &[KeyId]) -> Approval {
    let (signed, open) = parted(of.root.keys.iter(), current, signers);
    let about = format!("policy {}", of.number);
    Approval { capacity, about, need: usize::from(of.root.threshold.max(1)), signed, open }
}

/// Parts keys into those that signed and the others; a distrusted key is neither.
fn parted<'a>(
    keys: impl Iterator<Item = &'a PublicKey>,
    policy: &Policy,
    signers: &[KeyId],
) -> (Vec<Signatory>, Vec<Signatory>) {
    let distrusted: BTreeSet<KeyId> = policy.distrust.iter().map(|d| d.key.id()).collect();
    let named = keys.filter(|key| !distrusted.contains(&key.id())).map(|key| Signatory {
        key: key.clone(),
        principal: policy.principals.iter().find(|p| p.key.as_ref() == Some(key)).map(|p| p.id.clone()),
    });
    named.partition(|signatory| signers.contains(&signatory.key.id()))
}

#[cfg(test)]
mod tests;

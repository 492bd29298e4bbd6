//! Whose statements still count, and until when: questions that both sides of a lookup ask alike.
//!
//! A statement was judged by the policy in force at its place, once and for ever. Only `distrust` looks back: when a
//! signer is distrusted from an earlier entry on, the remaining signers must fill the role under the newest policy.

use std::collections::BTreeSet;

use holdfast_formats::key::KeyId;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::policy::{Policy, Role, RoleRule};
use holdfast_formats::statement::Pin;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;

use crate::logged::LoggedStatement;
use crate::policy_chain::PolicyChain;
use crate::signature::distrusted;

/// How many keys a role takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quorum {
    /// As many as the rule says.
    Rule,
    /// One, whatever the rule says: what makes things safer must be quick.
    One,
}

/// A role wanted for a name, in a channel when the statement has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) role: Role,
    pub(crate) name: &'a ArtifactName,
    pub(crate) channel: Option<&'a ChannelName>,
    pub(crate) quorum: Quorum,
}

impl<'a> Wanted<'a> {
    /// Who may pin on a line.
    pub(crate) const fn releasers(name: &'a ArtifactName, channel: &'a ChannelName) -> Self {
        Self { role: Role::Releaser, name, channel: Some(channel), quorum: Quorum::Rule }
    }

    /// Who may publish a name.
    pub(crate) const fn publishers(name: &'a ArtifactName) -> Self {
        Self { role: Role::Publisher, name, channel: None, quorum: Quorum::Rule }
    }

    /// Who may report deployments of a line.
    pub(crate) const fn deployers(name: &'a ArtifactName, channel: &'a ChannelName) -> Self {
        Self { role: Role::Deployer, name, channel: Some(channel), quorum: Quorum::Rule }
    }

    fn is_of(&self, rule: &RoleRule) -> bool {
        rule.role == self.role
            && rule.names.iter().any(|pattern| pattern.covers(self.name.as_str()))
            && self.channel.is_none_or(|channel| rule.channels.iter().any(|p| p.covers(channel.as_str())))
    }
}

/// The best that distinct signers reach under a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tally {
    /// One rule's threshold is met.
    Met,
    /// No rule is met; this one was closest.
    Short { have: usize, need: usize },
    /// No rule gives any of them the role there.
    NoRole,
}

/// Counts distinct signers against every rule that applies; one rule is enough.
pub(crate) fn tally(policy: &Policy, wanted: &Wanted<'_>, signers: &[KeyId]) -> Tally {
    let mut best = Tally::NoRole;
    for rule in policy.roles.iter().filter(|rule| wanted.is_of(rule)) {
        let keys: BTreeSet<KeyId> = keys_of(policy, rule).filter(|keyid| signers.contains(keyid)).collect();
        let need = match wanted.quorum {
            // No policy in force has a threshold of 0; if one had, it must not mean that nobody needs to sign.
            Quorum::Rule => usize::from(rule.threshold.max(1)),
            Quorum::One => 1,
        };
        match (keys.len(), best) {
            (have, _) if have >= need => return Tally::Met,
            (0, _) => {}
            (have, Tally::Short { have: h, need: n }) if n - h <= need - have => {}
            (have, _) => best = Tally::Short { have, need },
        }
    }
    best
}

fn keys_of<'a>(policy: &'a Policy, rule: &'a RoleRule) -> impl Iterator<Item = KeyId> + 'a {
    let fills = policy.principals.iter().filter(|principal| rule.principals.contains(&principal.id));
    fills.filter_map(|principal| principal.key.as_ref().map(holdfast_formats::key::PublicKey::id))
}

/// Whether a statement still counts for answers under the newest policy, its signers having been enough at its place.
pub(crate) fn still_counts(
    newest: &Policy,
    index: LeafIndex,
    wanted: &Wanted<'_>,
    signers: &[KeyId],
) -> bool {
    let trusted = trusted(newest, index, signers);
    trusted.len() == signers.len() || tally(newest, wanted, &trusted) == Tally::Met
}

/// The signers that the newest policy does not distrust at a place in the log.
pub(crate) fn trusted(newest: &Policy, index: LeafIndex, signers: &[KeyId]) -> Vec<KeyId> {
    let distrusted = distrusted(newest, index);
    signers.iter().filter(|keyid| !distrusted.contains(keyid)).copied().collect()
}

/// When a pin stops being answered: at its own expiry or that of the policy at its place, whichever is earlier.
pub(crate) fn pin_expiry(policies: &PolicyChain, logged: &LoggedStatement, pin: &Pin) -> Option<Timestamp> {
    let rule = policies.in_force_at(logged.index()).and_then(|chained| chained.policy.channel(&pin.channel));
    let by_policy = rule.and_then(|rule| rule.pin_expires_s).map(|s| logged.time().plus_ms(s.as_ms()));
    [pin.expires, by_policy].into_iter().flatten().min()
}

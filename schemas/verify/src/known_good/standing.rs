//! Whose statements still count, and until when: questions that both sides of a lookup ask alike.
//!
//! A statement was judged by the policy in force at its place, once and for ever. Only `distrust` looks back: when a
//! signer is distrusted from an earlier entry on, the remaining signers must fill the role under the newest policy. An
//! ephemeral key falls with whoever granted it, and does not help the others: its token may have ended since.

use std::collections::BTreeSet;

use holdfast_formats::key::KeyId;
use holdfast_formats::policy::{Policy, RoleRule};
use holdfast_formats::statement::Pin;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;

use crate::facts::GrantFact;
use crate::logged::LoggedStatement;
use crate::policy_chain::PolicyChain;
use crate::reach::{Ask, Quorum};
use crate::signature::trusted;

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

/// Counts distinct signers against every rule that applies; one rule is enough. `ephemeral` is a key whose grant covers
/// what is asked for: it counts towards every rule.
pub(crate) fn tally(policy: &Policy, ask: &Ask<'_>, signers: &[KeyId], ephemeral: Option<KeyId>) -> Tally {
    let mut best = Tally::NoRole;
    for rule in policy.roles.iter().filter(|rule| ask.is_of(rule)) {
        let named = keys_of(policy, rule).filter(|keyid| signers.contains(keyid));
        let keys: BTreeSet<KeyId> = named.chain(ephemeral).collect();
        let need = match ask.quorum {
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
pub(crate) fn still_counts<E>(
    newest: &Policy,
    index: LeafIndex,
    ask: &Ask<'_>,
    signers: &[KeyId],
    grant_of: impl Fn(&KeyId) -> Result<Option<GrantFact>, E>,
) -> Result<bool, E> {
    let trusted = trusted(newest, index, signers, grant_of)?;
    Ok(trusted.len() == signers.len() || tally(newest, ask, &trusted, None) == Tally::Met)
}

/// When a pin stops being answered: at its own expiry or that of the policy at its place, whichever is earlier.
pub(crate) fn pin_expiry(policies: &PolicyChain, logged: &LoggedStatement, pin: &Pin) -> Option<Timestamp> {
    let rule = policies.in_force_at(logged.index()).and_then(|chained| chained.policy.channel(&pin.channel));
    let by_policy = rule.and_then(|rule| rule.pin_expires_s).map(|s| logged.time().plus_ms(s.as_ms()));
    [pin.expires, by_policy].into_iter().flatten().min()
}

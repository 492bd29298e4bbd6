//! A key that no longer counts, and what falls with it.

use std::collections::BTreeSet;

use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::policy::{Distrust, Policy};
use holdfast_formats::statement::Predicate;
use holdfast_formats::text::Reason;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::approval::still_stands;

use super::refused;
use crate::entries::HistoryEntry;
use crate::error::ClientError;

/// Distrusts a key from an entry on. A root key is taken out of the root, which must be able to do without.
pub fn distrust(
    policy: &mut Policy,
    key: &PublicKey,
    from: LeafIndex,
    reason: Reason,
) -> Result<(), ClientError> {
    let registry = [&policy.log_keys, &policy.head_keys, &policy.registry_keys];
    if registry.into_iter().flatten().any(|other| other == key) {
        return Err(refused(format!(
            "{key} is a key of the registry: give it a new one with `holdfast policy rotate`"
        )));
    }
    policy.root.keys.retain(|root| root != key);
    if policy.root.keys.len() < usize::from(policy.root.threshold) {
        return Err(refused(format!(
            "{key} is a root key, and the root cannot do without it: change it with `holdfast policy rotate root-key` first"
        )));
    }
    match policy.distrust.iter_mut().find(|known| known.key == *key) {
        Some(known) if known.from_entry <= from => {
            Err(refused(format!("{key} is distrusted from entry {} on already", known.from_entry)))
        }
        Some(known) => {
            (known.from_entry, known.reason) = (from, reason);
            Ok(())
        }
        None => {
            policy.distrust.push(Distrust { key: key.clone(), from_entry: from, reason });
            Ok(())
        }
    }
}

/// What becomes of one logged statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consequence {
    /// The statement.
    pub entry: HistoryEntry,
    /// What becomes of it, in words; `None` when others signed it who are enough.
    pub falls: Option<&'static str>,
}

/// What becomes of the statements that a newly distrusted key signed, itself or by the key of a grant that it gave.
/// `entries` are those of the log from the first distrusted one on, in their order.
pub fn consequences(coming: &Policy, key: &PublicKey, entries: Vec<HistoryEntry>) -> Vec<Consequence> {
    let mut fallen = BTreeSet::from([key.id()]);
    let mut out = Vec::new();
    for entry in entries {
        if !entry.signers.iter().any(|signer| fallen.contains(signer)) {
            continue;
        }
        if let Predicate::Grant(grant) = &entry.statement.predicate {
            fallen.extend(grant.key.as_ref().map(PublicKey::id));
        }
        let trusted: Vec<KeyId> =
            entry.signers.iter().copied().filter(|signer| !fallen.contains(signer)).collect();
        let stands = still_stands(&entry.statement, coming, &trusted);
        let falls = if stands { None } else { Some(fate(&entry.statement.predicate)) };
        out.push(Consequence { entry, falls });
    }
    out
}

const fn fate(predicate: &Predicate) -> &'static str {
    match predicate {
        Predicate::Pin(_) => "is answered no more",
        Predicate::Publish(_) => "its artifact is answered no more, alone or in a release",
        Predicate::Deploy(_) => "no longer says what runs",
        Predicate::Deny(_) => "stops nothing any more",
        Predicate::Attest(_) => "is no evidence for later pins",
        Predicate::Grant(_) => "its key signs nothing more; end its token with `holdfast token revoke`",
        _ => "stays in the log as it is",
    }
}

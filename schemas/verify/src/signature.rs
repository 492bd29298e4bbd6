//! Who signed: which keys may be known for a statement, and whether the signatures under it verify.
//!
//! Nothing here decides what a key may do; that is [`crate::judge`]. All of it may run outside the sequencer and in
//! parallel: a key that is known here and no longer counts at the entry's own place is left out there.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use holdfast_formats::envelope::{CanonicalSignature, EnvelopeSignature, pre_authentication_encoding};
use holdfast_formats::key::{KeyId, PublicKey};
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{Predicate, Statement};
use holdfast_formats::tree::LeafIndex;

use crate::facts::{Facts, FactsError, GrantFact};
use crate::refusal::Refusal;

/// Most verifications that signatures without a usable hint may cost one envelope.
const TRIALS_MAX: usize = 512;

/// The public keys whose signatures may count, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKeys(BTreeMap<KeyId, PublicKey>);

impl KnownKeys {
    /// No key at all: the state before policy 1.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// The keys of principals, root and registry that a policy names. Worth keeping as long as the policy is in force.
    pub fn of_policy(policy: &Policy) -> Self {
        let principals = policy.principals.iter().filter_map(|p| p.key.as_ref());
        let all = principals.chain(&policy.root.keys).chain(&policy.registry_keys);
        Self(all.map(|key| (key.id(), key.clone())).collect())
    }

    /// Adds what one statement makes known besides: the root keys of a new policy, and the ephemeral keys of grants
    /// among the keys that its signatures claim.
    pub fn for_statement(
        mut self,
        statement: &Statement,
        claimed: impl IntoIterator<Item = KeyId>,
        facts: &dyn Facts,
    ) -> Result<Self, FactsError> {
        if let Predicate::Policy(policy) = &statement.predicate {
            self.0.extend(policy.root.keys.iter().map(|key| (key.id(), key.clone())));
        }
        for keyid in claimed {
            if self.0.contains_key(&keyid) {
                continue;
            }
            if let Some(key) = facts.grant_by_key(&keyid)?.and_then(|fact| fact.grant.key) {
                self.0.insert(keyid, key);
            }
        }
        Ok(self)
    }

    /// Adds one key.
    pub fn insert(&mut self, key: PublicKey) {
        self.0.insert(key.id(), key);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key with this id.
    pub fn get(&self, id: &KeyId) -> Option<&PublicKey> {
        self.0.get(id)
    }
}

/// The keys that may be known for a statement: those of the policy in force and those that it makes known itself.
pub fn known_keys(
    statement: &Statement,
    signatures: &[EnvelopeSignature],
    facts: &dyn Facts,
) -> Result<KnownKeys, FactsError> {
    let keys = facts.policy()?.map_or_else(KnownKeys::none, |fact| KnownKeys::of_policy(&fact.policy));
    keys.for_statement(statement, signatures.iter().filter_map(hint), facts)
}

/// Verifies the signatures of an envelope and gives them their canonical form: one a key, sorted by key id.
///
/// A signature by a key that nobody knows is left out. One that names a known key and fails is refused, so that a broken
/// signature is never mistaken for a missing one. One that names none is tried with every known key.
pub fn verify_envelope(
    payload_type: &str,
    payload: &[u8],
    signatures: &[EnvelopeSignature],
    keys: &KnownKeys,
) -> Result<Vec<CanonicalSignature>, Refusal> {
    let message = pre_authentication_encoding(payload_type, payload);
    let mut found = BTreeMap::new();
    let mut trials = 0;
    for signature in signatures {
        let Ok(sig) = <[u8; 64]>::try_from(signature.sig.0.as_slice()) else {
            return Err(Refusal::SignatureSize { size: signature.sig.0.len() });
        };
        let signer = if let Some(keyid) = hint(signature) {
            check_hinted(keyid, &message, &sig, keys)?
        } else {
            trials += keys.0.len();
            if trials > TRIALS_MAX {
                return Err(Refusal::SignatureUnnamed { trials_max: TRIALS_MAX });
            }
            keys.0.iter().find(|(_, key)| key.verify(&message, &sig).is_ok()).map(|(id, _)| *id)
        };
        if let Some(keyid) = signer {
            found.entry(keyid).or_insert(sig);
        }
    }
    Ok(found.into_iter().map(|(keyid, sig)| CanonicalSignature { keyid, sig }).collect())
}

/// What verifying the signatures of an entry ahead of judging came to: by key id, because a key's id is its digest, so
/// that whichever policy makes the key known later, it is the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAhead(Vec<(KeyId, bool)>);

impl VerifiedAhead {
    /// Nothing was verified.
    pub const fn nothing() -> Self {
        Self(Vec::new())
    }

    /// Whether the key of a signature was not at hand.
    pub fn is_missing(&self, signature: &CanonicalSignature) -> bool {
        !self.0.iter().any(|(keyid, _)| *keyid == signature.keyid)
    }

    /// Whether the signature by this key verified; `None` when that was not tried.
    fn holds(&self, keyid: KeyId) -> Option<bool> {
        self.0.iter().find(|(of, _)| *of == keyid).map(|(_, holds)| *holds)
    }
}

/// Verifies the signatures of a logged entry whose keys are at hand, whether or not they will be known at its place:
/// [`verify_entry`] decides that, and verifies what was left out.
pub fn verify_ahead(
    payload_type: &str,
    payload: &[u8],
    signatures: &[CanonicalSignature],
    keys: &KnownKeys,
) -> VerifiedAhead {
    let message = pre_authentication_encoding(payload_type, payload);
    let verify = |signature: &CanonicalSignature| {
        let key = keys.get(&signature.keyid)?;
        Some((signature.keyid, key.verify(&message, &signature.sig).is_ok()))
    };
    VerifiedAhead(signatures.iter().filter_map(verify).collect())
}

/// Verifies the signatures of a logged entry: every one must be by a known key and verify, now or ahead. An entry has one
/// signature a key.
pub fn verify_entry(
    payload_type: &str,
    payload: &[u8],
    signatures: &[CanonicalSignature],
    keys: &KnownKeys,
    ahead: &VerifiedAhead,
) -> Result<(), Refusal> {
    let message = OnceCell::new();
    for signature in signatures {
        let key = keys.get(&signature.keyid).ok_or(Refusal::SignatureUnknown { key: signature.keyid })?;
        let holds = ahead.holds(signature.keyid).unwrap_or_else(|| {
            let message = message.get_or_init(|| pre_authentication_encoding(payload_type, payload));
            key.verify(message, &signature.sig).is_ok()
        });
        if !holds {
            return Err(Refusal::SignatureBad { key: signature.keyid });
        }
    }
    Ok(())
}

/// The keys that a policy no longer trusts at a place in the log.
pub(crate) fn distrusted(policy: &Policy, index: LeafIndex) -> BTreeSet<KeyId> {
    policy.distrust.iter().filter(|d| index >= d.from_entry).map(|d| d.key.id()).collect()
}

/// The signers whom a policy still trusts at a place. An ephemeral key falls with whoever granted it.
pub(crate) fn trusted<E>(
    policy: &Policy,
    index: LeafIndex,
    signers: &[KeyId],
    grant_of: impl Fn(&KeyId) -> Result<Option<GrantFact>, E>,
) -> Result<Vec<KeyId>, E> {
    if policy.distrust.is_empty() {
        return Ok(signers.to_vec());
    }
    let distrusted = distrusted(policy, index);
    let mut out = Vec::with_capacity(signers.len());
    for keyid in signers.iter().filter(|keyid| !distrusted.contains(keyid)) {
        let grant = grant_of(keyid)?.filter(|grant| grant.index < index);
        if grant.is_none_or(|grant| grant.is_trusted_by(policy)) {
            out.push(*keyid);
        }
    }
    Ok(out)
}

fn check_hinted(
    keyid: KeyId,
    message: &[u8],
    sig: &[u8; 64],
    keys: &KnownKeys,
) -> Result<Option<KeyId>, Refusal> {
    let Some(key) = keys.get(&keyid) else { return Ok(None) };
    key.verify(message, sig).map_err(|_| Refusal::SignatureBad { key: keyid })?;
    Ok(Some(keyid))
}

/// The key that a signature claims; a hint in somebody else's form counts as none.
fn hint(signature: &EnvelopeSignature) -> Option<KeyId> {
    signature.keyid.as_deref()?.parse().ok()
}

#[cfg(test)]
mod tests;

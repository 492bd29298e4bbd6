//! What belongs into a pack: which entries, what they name, and the receipt of each under the one checkpoint.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::key::KeyId;
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::statement::Predicate;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::{LogEntries, LoggedEntry, ProblemCode, ProvenEntry, Receipt, ShownGrant};
use holdfast_verify::logged::LoggedStatement;

use super::prover::Prover;
use crate::error::ClientError;
use crate::session::Registry;
use crate::transport::Request;

/// Everything that is asked for a pack.
pub(super) struct Gatherer<'a> {
    registry: &'a Registry,
    pub(super) prover: Prover<'a>,
    /// Grants of ephemeral keys with their revokes, by key.
    grants: BTreeMap<KeyId, ShownGrant>,
}

impl<'a> Gatherer<'a> {
    pub(super) const fn new(registry: &'a Registry, prover: Prover<'a>) -> Self {
        Self { registry, prover, grants: BTreeMap::new() }
    }

    /// How many entries are older than a time. Times never go back, so halving finds it.
    pub(super) async fn older_than(&self, time: Timestamp) -> Result<TreeSize, ClientError> {
        let (mut low, mut high) = (0, self.prover.size().get());
        while low < high {
            let middle = low + (high - low) / 2;
            let (logged, _) = self.one(index(middle)?).await?;
            if logged.time() < time { low = middle + 1 } else { high = middle }
        }
        TreeSize::new(low).map_err(|e| ClientError::malformed("page of entries", e))
    }

    /// One entry.
    pub(super) async fn one(&self, index: LeafIndex) -> Result<(LoggedStatement, LogEntries), ClientError> {
        let page = self.registry.raw_entries(index, Some(1)).await?;
        let [entry] = page.entries.as_slice() else {
            return Err(ClientError::malformed("page of entries", "it has not the one that was asked for"));
        };
        Ok((read(entry, index)?, page))
    }

    /// The receipt of an entry under the checkpoint; `grants` came with it.
    pub(super) async fn receipt(
        &mut self,
        entry: &LoggedEntry,
        logged: &LoggedStatement,
        grants: &[LoggedEntry],
    ) -> Result<Receipt, ClientError> {
        let grant = self.grant_of(entry.index, logged, grants).await?;
        Ok(Receipt {
            index: entry.index,
            entry: entry.entry.clone(),
            proof: self.prover.proof(entry.index).await?,
            payload: entry.payload.clone(),
            grant,
        })
    }

    /// The grant by whose key an entry is signed. Whether it was revoked the registry's own receipt says.
    async fn grant_of(
        &mut self,
        at: LeafIndex,
        logged: &LoggedStatement,
        grants: &[LoggedEntry],
    ) -> Result<Option<ShownGrant>, ClientError> {
        let signers = logged.signers();
        for entry in grants {
            let read = LoggedStatement::of_logged(entry).map_err(|e| ClientError::untrue("grant", e))?;
            let Predicate::Grant(grant) = &read.statement().predicate else { continue };
            let Some(key) = grant.key.as_ref().map(holdfast_formats::key::PublicKey::id) else { continue };
            if !signers.contains(&key) {
                continue;
            }
            if let Some(known) = self.grants.get(&key) {
                return Ok(Some(known.clone()));
            }
            let (receipt, _) = self.registry.receipt(at).await?;
            let Some(shown) = receipt.grant else { return Ok(None) };
            let revoke = match shown.revoke.filter(|revoke| self.prover.size().contains(revoke.index)) {
                Some(revoke) => Some(self.rebased(revoke).await?),
                None => None,
            };
            let own = ShownGrant { grant: self.rebased(shown.grant).await?, revoke };
            self.grants.insert(key, own.clone());
            return Ok(Some(own));
        }
        Ok(None)
    }

    async fn rebased(&mut self, entry: ProvenEntry) -> Result<ProvenEntry, ClientError> {
        let proof = self.prover.path(entry.index).await?;
        Ok(ProvenEntry { proof, ..entry })
    }

    /// Content that an entry names; `None` when the registry does not have it any more.
    pub(super) async fn attachment(&self, digest: Sha256Digest) -> Result<Option<Vec<u8>>, ClientError> {
        let path = format!("/v1/log/attachments/{digest}");
        let request = Request::get(&path, "attachment", ATTACHMENT_BYTES_MAX as u64);
        match self.registry.transport().call_bytes(&request).await {
            Ok(bytes) if Sha256Digest::of(&bytes) == digest => Ok(Some(bytes)),
            Ok(_) => Err(ClientError::untrue("attachment", format!("it does not hash to {digest}"))),
            Err(error) if is_lost(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// An entry that must be the one at a place.
pub(super) fn read(entry: &LoggedEntry, index: LeafIndex) -> Result<LoggedStatement, ClientError> {
    if entry.index != index {
        let rule = format!("entry {index} was asked for, and {} came", entry.index);
        return Err(ClientError::malformed("page of entries", rule));
    }
    LoggedStatement::of_logged(entry).map_err(|e| ClientError::untrue("entry", e))
}

fn is_lost(error: &ClientError) -> bool {
    matches!(error.code(), Some(ProblemCode::NotFound | ProblemCode::Gone | ProblemCode::Corrupt))
}

/// The attachment that an entry names.
pub(super) fn attached(predicate: &Predicate) -> Option<Sha256Digest> {
    match predicate {
        Predicate::Publish(publish) => Some(publish.manifest.digests.sha256),
        Predicate::Attest(attest) => Some(attest.envelope.digests.sha256),
        _ => None,
    }
}

/// The earlier entries that an entry names: what it ends, follows or goes by.
pub(super) fn named(predicate: &Predicate) -> BTreeSet<LeafIndex> {
    let mut out = BTreeSet::new();
    match predicate {
        Predicate::Lift(lift) => out.extend([lift.deny.index]),
        Predicate::Thaw(thaw) => out.extend([thaw.freeze.index]),
        Predicate::Unhold(unhold) => out.extend([unhold.hold.index]),
        Predicate::Revoke(revoke) => out.extend([revoke.grant.index]),
        Predicate::Swept(swept) => out.extend([swept.sweep.index]),
        Predicate::Sweep(sweep) => out.extend(sweep.intends.as_ref().map(|intends| intends.index)),
        Predicate::Deploy(deploy) => out.extend(deploy.pin),
        Predicate::Rollback(rollback) => out.extend(rollback.to.as_ref().map(|to| to.pin)),
        Predicate::Pin(pin) => {
            out.extend(pin.predecessor.map(|predecessor| predecessor.index));
            out.extend(pin.deploy.as_ref().map(|deploy| deploy.index));
            out.extend(pin.evidence.iter().flatten().filter_map(|evidence| evidence.entry));
        }
        _ => {}
    }
    out
}

fn index(value: u64) -> Result<LeafIndex, ClientError> {
    LeafIndex::new(value).map_err(|e| ClientError::malformed("page of entries", e))
}

//! Receipts, proofs and entries: what lets others check the log.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::number::PolicyNumber;
use holdfast_formats::policy::Policy;
use holdfast_formats::proof::TlogProof;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_formats::wire::v1::{
    Consistency, ConsistencyQuery, EntriesQuery, LogEntries, LoggedEntry, PolicyChain, PolicyQuery,
    ProblemCode, Receipt,
};
use holdfast_verify::facts::PolicyFact;

use super::assembly::Assembly;
use super::granted::{SeenKeys, logged};
use super::{Failure, Identity, Service};
use crate::log::{AttachmentError, Head, Leaf};

/// How many entries one answer brings at most.
const ENTRIES_MAX: usize = 1024;
/// How many policies one answer brings at most.
const POLICIES_MAX: u64 = 64;

impl Service {
    /// The receipt of an entry, for an auditor.
    pub async fn receipt_for(&self, who: &Identity, index: LeafIndex) -> Result<Receipt, Failure> {
        who.require_audit()?;
        self.receipt(index).await
    }

    /// The receipt of an entry against the newest checkpoint.
    pub(super) async fn receipt(&self, index: LeafIndex) -> Result<Receipt, Failure> {
        let head = self.log().head();
        if !head.size().contains(index) {
            return Err(Failure::not_found());
        }
        let (leaf, path) = self.proven(&head, index).await?;
        let proof = TlogProof::new(index, path, head.checkpoint().to_owned()).map_err(Failure::internal)?;
        let mut keys = SeenKeys::none();
        keys.note(&leaf);
        let grants = self.grants_of(keys).await?;
        let grant = Assembly::begin(self, head).shown(grants).await?.pop();
        let LoggedEntry { index, entry, payload } = logged(&leaf);
        Ok(Receipt { index, entry, proof: proof.to_string(), payload, grant })
    }

    /// Successive entries, for an auditor.
    pub async fn log_entries(&self, who: &Identity, query: &EntriesQuery) -> Result<LogEntries, Failure> {
        who.require_audit()?;
        let head = self.log().head();
        let limit = query
            .limit
            .map_or(ENTRIES_MAX, |n| usize::try_from(n).unwrap_or(ENTRIES_MAX))
            .clamp(1, ENTRIES_MAX);
        let left = usize::try_from(head.size().get().saturating_sub(query.from.get())).unwrap_or(limit);
        let leaves = self.log().entries().read_many(query.from, limit.min(left)).await?;
        let mut entries = Vec::with_capacity(leaves.len());
        let mut keys = SeenKeys::none();
        for (at, bytes) in leaves.into_iter().enumerate() {
            let index = query.from.checked_add(at as u64).map_err(Failure::internal)?;
            let leaf = self.log().entries().leaf(index, bytes).await?;
            keys.note(&leaf);
            entries.push(logged(&leaf));
        }
        Ok(LogEntries { size: head.size(), entries, grants: self.logged_grants(keys).await? })
    }

    /// An attachment of some entry, for an auditor: manifests and attested envelopes are judged again with it.
    pub async fn attachment(&self, who: &Identity, digest: Sha256Digest) -> Result<Bytes, Failure> {
        who.require_audit()?;
        match self.log().attachments().get(&digest).await {
            Err(AttachmentError::Object(error)) if error.is_not_found() => Err(Failure::not_found()),
            read => Ok(read?),
        }
    }

    /// The newest checkpoint, for any reader, with the lines of the witnesses that cosigned it already.
    pub fn checkpoint(&self, who: &Identity) -> Result<String, Failure> {
        self.require_reader(who)?;
        Ok(self.log().checkpoint())
    }

    /// The consistency proof between two sizes, for any reader, with the newest checkpoint. Clients compare states that
    /// they hold, and the log grows meanwhile.
    pub async fn consistency(
        &self,
        who: &Identity,
        query: &ConsistencyQuery,
    ) -> Result<Consistency, Failure> {
        self.require_reader(who)?;
        let head = self.head_reaching(query.to).await?;
        let to = query.to.unwrap_or(head.size());
        let (from, checkpoint) = (query.from, head.checkpoint().to_owned());
        let prover = self.log().prover().clone();
        let hashes = self
            .log()
            .index()
            .read(move |view| prover.consistency(view, &head, from, to).map_err(Failure::from))
            .await?;
        Ok(Consistency { from, to, hashes, checkpoint })
    }

    /// The chain of policies, for whoever has a grant.
    pub async fn policies(&self, who: &Identity, query: &PolicyQuery) -> Result<PolicyChain, Failure> {
        self.require_reader(who)?;
        let facts = self.policies_after(query.after.map_or(0, PolicyNumber::get)).await?;
        let mut policies = Vec::with_capacity(facts.len());
        for fact in facts {
            policies.push(self.receipt(fact.entry.index).await?);
        }
        Ok(PolicyChain { policies })
    }

    /// The policies after a number, oldest first.
    pub(super) async fn policies_after(&self, after: u64) -> Result<Vec<PolicyFact>, Failure> {
        let newest = self.log().head().policy().map_or(0, |p: &Arc<Policy>| p.number.get());
        let range = after + 1..=newest.min(after.saturating_add(POLICIES_MAX));
        self.log()
            .index()
            .read(move |view| {
                let found = range.filter_map(|n| view.policy_numbered(Some(n)).transpose());
                found.collect::<Result<Vec<_>, _>>().map_err(Failure::from)
            })
            .await
    }

    /// A head at least as long as the size that a client saw.
    pub(super) async fn head_reaching(&self, size: Option<TreeSize>) -> Result<Arc<Head>, Failure> {
        let head = self.log().head();
        let Some(size) = size.filter(|size| *size > head.size()) else { return Ok(head) };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(2), self.log().reached(size)).await;
        match waited {
            Ok(head) if head.size() >= size => Ok(head),
            _ => Err(Failure::new(
                ProblemCode::Unavailable,
                format!(
                    "this node has seen {} entries of the log, and the request is about {size}; ask again, or ask another node",
                    self.log().head().size()
                ),
            )),
        }
    }
}

/// The payload of a leaf, when it is an attachment.
pub(super) fn attached(leaf: &Leaf) -> Option<Base64Bytes> {
    leaf.payload.as_ref().map(|bytes| Base64Bytes(bytes.to_vec()))
}

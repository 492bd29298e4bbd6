//! Single entries of the log: with proof as receipts, without as pages to look through.

use holdfast_formats::key::KeyId;
use holdfast_formats::name::ChannelName;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{Predicate, Rollback, Statement};
use holdfast_formats::text::Label;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{
    EntriesQuery, Gate, GateQuery, History, HistoryQuery, LogEntries, LoggedEntry, Receipt,
};
use holdfast_verify::logged::LoggedStatement;
use holdfast_verify::policy_chain::PolicyChain;
use holdfast_verify::verified::Verified;

use crate::error::ClientError;
use crate::session::{LARGE_ANSWER_MAX, Registry, SMALL_ANSWER_MAX};
use crate::transport::query_string;

/// An entry whose signatures verify under the policy of its time. That it is in the log is not proven: ask for its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its place, as the registry says.
    pub index: LeafIndex,
    /// When it was logged, as the registry says.
    pub time: Timestamp,
    /// What it says.
    pub statement: Statement,
    /// Who signed.
    pub signers: Vec<KeyId>,
}

/// Entries that touch a channel, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The entries.
    pub entries: Vec<HistoryEntry>,
    /// What to give as `before` for the next page.
    pub next: Option<LeafIndex>,
}

impl Registry {
    /// An entry with its proof, checked from end to end.
    pub async fn receipt(
        &self,
        index: LeafIndex,
    ) -> Result<(Receipt, Verified<LoggedStatement>), ClientError> {
        let receipt: Receipt =
            self.transport().get(&format!("/v1/log/proof/{index}"), "receipt", LARGE_ANSWER_MAX).await?;
        if receipt.index != index {
            return Err(ClientError::untrue(
                "receipt",
                format!("it is for entry {}, but {index} was asked for", receipt.index),
            ));
        }
        let verified = self.check_receipt("receipt", &receipt).await?;
        Ok((receipt, verified))
    }

    /// What happened in a channel.
    pub async fn history(
        &self,
        channel: &ChannelName,
        query: &HistoryQuery,
    ) -> Result<HistoryPage, ClientError> {
        let (entries, next) = self.raw_history(channel, query).await?;
        Ok(HistoryPage { entries: self.check_entries(&entries).await?, next })
    }

    /// Successive entries of the whole log; needs a token with `audit`.
    pub async fn entries(&self, from: LeafIndex, limit: u32) -> Result<Vec<HistoryEntry>, ClientError> {
        let entries = self.raw_entries(from, Some(limit)).await?.entries;
        self.check_entries(&entries).await
    }

    /// Whether an artifact may go to a channel now, and why not. Advice of the registry: it judges again when asked to log.
    pub async fn gate(&self, channel: &ChannelName, reference: &Reference) -> Result<Gate, ClientError> {
        let query = query_string(&GateQuery { r#ref: reference.clone() })?;
        let path = format!("/v1/channels/{channel}/gate{query}");
        let gate: Gate = self.transport().get(&path, "gate", SMALL_ANSWER_MAX).await?;
        if gate.channel != *channel {
            return Err(ClientError::malformed("gate", "it is about another channel"));
        }
        Ok(gate)
    }

    /// The newest logged phase of a rollback, to go on from.
    pub async fn find_rollback(
        &self,
        channel: &ChannelName,
        rollback_id: &Label,
    ) -> Result<Rollback, ClientError> {
        let mut before = None;
        loop {
            let page = self.history(channel, &HistoryQuery { before, limit: None }).await?;
            let found = page.entries.into_iter().find_map(|entry| match entry.statement.predicate {
                Predicate::Rollback(rollback) if rollback.rollback_id == *rollback_id => Some(*rollback),
                _ => None,
            });
            match (found, page.next) {
                (Some(rollback), _) => return Ok(rollback),
                (None, Some(next)) if before.is_none_or(|before| next < before) => before = Some(next),
                (None, _) => return Err(ClientError::NotLogged { what: format!("rollback {rollback_id}") }),
            }
        }
    }

    pub(crate) async fn raw_history(
        &self,
        channel: &ChannelName,
        query: &HistoryQuery,
    ) -> Result<(Vec<LoggedEntry>, Option<LeafIndex>), ClientError> {
        let path = format!("/v1/channels/{channel}/history{}", query_string(query)?);
        let history: History = self.transport().get(&path, "history", LARGE_ANSWER_MAX).await?;
        if history.channel != *channel {
            return Err(ClientError::malformed("history", "it is about another channel"));
        }
        Ok((history.entries, history.next))
    }

    pub(crate) async fn raw_entries(
        &self,
        from: LeafIndex,
        limit: Option<u32>,
    ) -> Result<LogEntries, ClientError> {
        let path = format!("/v1/log/entries{}", query_string(&EntriesQuery { from, limit })?);
        self.transport().get(&path, "page of entries", LARGE_ANSWER_MAX).await
    }

    async fn check_entries(&self, entries: &[LoggedEntry]) -> Result<Vec<HistoryEntry>, ClientError> {
        let mut out = Vec::with_capacity(entries.len());
        for entry in entries {
            out.push(self.check_entry(entry).await?);
        }
        Ok(out)
    }

    /// Checks form and signatures of an entry that came without proof.
    pub(crate) async fn check_entry(&self, entry: &LoggedEntry) -> Result<HistoryEntry, ClientError> {
        let untrue = |e| ClientError::untrue("entry", e);
        let logged = LoggedStatement::of_logged(entry).map_err(untrue)?;
        logged.check_form(self.origin()).map_err(untrue)?;
        if check_signers(&logged, self.policies().await?.as_ref()).is_err() {
            let newer = self.fetch_policies().await?;
            check_signers(&logged, &newer)?;
        }
        let (statement, signers) = (logged.statement().clone(), logged.signers());
        Ok(HistoryEntry { index: logged.index(), time: logged.time(), statement, signers })
    }
}

/// Every signature must be by a key that the policy in force then names. A policy must be one of the chain.
fn check_signers(logged: &LoggedStatement, chain: &PolicyChain) -> Result<(), ClientError> {
    if let Predicate::Policy(_) = &logged.statement().predicate {
        let known = chain.iter().any(|policy| policy.entry == logged.entry());
        return if known {
            Ok(())
        } else {
            Err(ClientError::untrue("entry", "it is a policy outside the chain of policies"))
        };
    }
    let missing = || ClientError::untrue("entry", "the policy in force then is not known");
    let policy = &chain.in_force_at(logged.index()).ok_or_else(missing)?.policy;
    let principals = policy.principals.iter().filter_map(|principal| principal.key.as_ref());
    let keys = principals.chain(&policy.root.keys).chain(&policy.registry_keys);
    logged.check_signatures(keys).map_err(|e| ClientError::untrue("entry", e))
}

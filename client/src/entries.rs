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
use holdfast_verify::entitlement::check_unproven;
use holdfast_verify::logged::LoggedStatement;
use holdfast_verify::verified::Verified;

use crate::error::ClientError;
use crate::session::{LARGE_ANSWER_MAX, Registry, SMALL_ANSWER_MAX};
use crate::transport::query_string;

/// An entry whose signers may say it under the policy of its time. That it is in the log is not proven: ask for its receipt.
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
        let History { entries, grants, next, .. } = self.raw_history(channel, query).await?;
        Ok(HistoryPage { entries: self.check_entries(&entries, &grants).await?, next })
    }

    /// Successive entries of the whole log; needs a token with `audit`.
    pub async fn entries(&self, from: LeafIndex, limit: u32) -> Result<Vec<HistoryEntry>, ClientError> {
        let LogEntries { entries, grants, .. } = self.raw_entries(from, Some(limit)).await?;
        self.check_entries(&entries, &grants).await
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
    ) -> Result<History, ClientError> {
        let path = format!("/v1/channels/{channel}/history{}", query_string(query)?);
        let history: History = self.transport().get(&path, "history", LARGE_ANSWER_MAX).await?;
        if history.channel != *channel {
            return Err(ClientError::malformed("history", "it is about another channel"));
        }
        Ok(history)
    }

    pub(crate) async fn raw_entries(
        &self,
        from: LeafIndex,
        limit: Option<u32>,
    ) -> Result<LogEntries, ClientError> {
        let path = format!("/v1/log/entries{}", query_string(&EntriesQuery { from, limit })?);
        self.transport().get(&path, "page of entries", LARGE_ANSWER_MAX).await
    }

    /// Checks form, signatures and roles of entries that came without proof, with the grants that came beside them.
    pub(crate) async fn check_entries(
        &self,
        entries: &[LoggedEntry],
        grants: &[LoggedEntry],
    ) -> Result<Vec<HistoryEntry>, ClientError> {
        let read = |entry| LoggedStatement::of_logged(entry).map_err(|e| ClientError::untrue("entry", e));
        let grants: Vec<LoggedStatement> = grants.iter().map(read).collect::<Result<_, _>>()?;
        let mut out = Vec::with_capacity(entries.len());
        for entry in entries {
            out.push(self.check_entry(read(entry)?, &grants).await?);
        }
        Ok(out)
    }

    async fn check_entry(
        &self,
        logged: LoggedStatement,
        grants: &[LoggedStatement],
    ) -> Result<HistoryEntry, ClientError> {
        if check_unproven(&logged, grants, self.policies().await?.as_ref()).is_err() {
            // A newer policy may name the key; the second answer is final.
            let newer = self.fetch_policies().await?;
            check_unproven(&logged, grants, &newer).map_err(|e| ClientError::untrue("entry", e))?;
        }
        let (statement, signers) = (logged.statement().clone(), logged.signers());
        Ok(HistoryEntry { index: logged.index(), time: logged.time(), statement, signers })
    }
}

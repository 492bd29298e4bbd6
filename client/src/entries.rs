//! Single entries of the log: with proof as receipts, without as pages to look through.

use std::collections::HashSet;

use holdfast_formats::key::KeyId;
use holdfast_formats::name::ChannelName;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::{DenyScope, Predicate, Rollback, Statement};
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
        let (entries, next) = self.history_page(channel, query).await?;
        Ok(HistoryPage { entries: entries.into_iter().map(HistoryEntry::from).collect(), next })
    }

    /// Successive entries of the whole log; needs a token with `audit`.
    pub async fn entries(&self, from: LeafIndex, limit: u32) -> Result<Vec<HistoryEntry>, ClientError> {
        let LogEntries { entries, grants, .. } = self.raw_entries(from, Some(limit)).await?;
        let wanted = from.get()..from.get().saturating_add(u64::from(limit));
        if !entries.iter().map(|entry| entry.index.get()).eq(wanted.take(entries.len())) {
            return Err(ClientError::malformed(
                "page of entries",
                format!("it does not go on from entry {from}, or is longer than asked for"),
            ));
        }
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
        let is_asked = match reference {
            Reference::Version(artifact) => gate.artifact == *artifact,
            Reference::Digest(name, _) => gate.artifact.name() == name,
            Reference::Channel(_) => true,
        };
        if !is_asked || (gate.allowed && !gate.reasons.is_empty()) {
            let rule = format!("it is about {}, or contradicts itself", gate.artifact);
            return Err(ClientError::malformed("gate", rule));
        }
        Ok(gate)
    }

    /// The newest logged phase of a rollback, to go on from.
    pub async fn find_rollback(
        &self,
        channel: &ChannelName,
        rollback_id: &Label,
    ) -> Result<Rollback, ClientError> {
        let is_it = |logged: &LoggedStatement| match &logged.statement().predicate {
            Predicate::Rollback(rollback) if rollback.rollback_id == *rollback_id => {
                Some(rollback.as_ref().clone())
            }
            _ => None,
        };
        let found = self.newest_in_history(channel, is_it).await?;
        found.ok_or_else(|| ClientError::NotLogged(format!("rollback {rollback_id}")))
    }

    /// Goes back through what happened in a channel until something is found. Every entry on the way is checked.
    pub(crate) async fn newest_in_history<T>(
        &self,
        channel: &ChannelName,
        find: impl Fn(&LoggedStatement) -> Option<T> + Send + Sync,
    ) -> Result<Option<T>, ClientError> {
        let (mut before, mut seen) = (None, HashSet::new());
        loop {
            let (entries, next) = self.history_page(channel, &HistoryQuery { before, limit: None }).await?;
            // Only so many statements were ever signed, so a history without repetitions ends.
            if !entries.iter().all(|entry| seen.insert(entry.payload_sha256())) {
                return Err(ClientError::malformed("history", "it shows a statement twice"));
            }
            match (entries.iter().find_map(&find), next) {
                (None, Some(next)) => before = Some(next),
                (found, _) => return Ok(found),
            }
        }
    }

    /// One page of what happened in a channel, each entry checked, and what to give as `before` for the next.
    async fn history_page(
        &self,
        channel: &ChannelName,
        query: &HistoryQuery,
    ) -> Result<(Vec<LoggedStatement>, Option<LeafIndex>), ClientError> {
        let path = format!("/v1/channels/{channel}/history{}", query_string(query)?);
        let history: History = self.transport().get(&path, "history", LARGE_ANSWER_MAX).await?;
        if history.channel != *channel {
            return Err(ClientError::malformed("history", "it is about another channel"));
        }
        let checked = self.check_logged(&history.entries, &history.grants).await?;
        check_page(channel, query, &checked, history.next)?;
        Ok((checked, history.next))
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
        let checked = self.check_logged(entries, grants).await?;
        Ok(checked.into_iter().map(HistoryEntry::from).collect())
    }

    async fn check_logged(
        &self,
        entries: &[LoggedEntry],
        grants: &[LoggedEntry],
    ) -> Result<Vec<LoggedStatement>, ClientError> {
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
    ) -> Result<LoggedStatement, ClientError> {
        if check_unproven(&logged, grants, self.policies().await?.as_ref()).is_err() {
            // A newer policy may name the key; the second answer is final.
            let newer = self.fetch_policies().await?;
            check_unproven(&logged, grants, &newer).map_err(|e| ClientError::untrue("entry", e))?;
        }
        Ok(logged)
    }
}

impl From<LoggedStatement> for HistoryEntry {
    fn from(logged: LoggedStatement) -> Self {
        let (statement, signers) = (logged.statement().clone(), logged.signers());
        Self { index: logged.index(), time: logged.time(), statement, signers }
    }
}

/// A page of history is about its channel, goes back in the log, and says where it ends.
fn check_page(
    channel: &ChannelName,
    query: &HistoryQuery,
    entries: &[LoggedStatement],
    next: Option<LeafIndex>,
) -> Result<(), ClientError> {
    let wrong = |rule: &str| Err(ClientError::untrue("history", rule.to_owned()));
    let before = query.before.into_iter().chain(entries.iter().map(LoggedStatement::index));
    if !before.zip(entries.iter().skip(usize::from(query.before.is_none()))).all(|(a, b)| b.index() < a) {
        return wrong("its entries do not go back from the newest that was asked for");
    }
    if next.is_some() && next != entries.last().map(LoggedStatement::index) {
        return wrong("its next page does not begin where this one ends");
    }
    match entries.iter().find(|entry| !may_touch(channel, &entry.statement().predicate)) {
        Some(other) => wrong(&format!("entry {} is not about {channel}", other.index())),
        None => Ok(()),
    }
}

/// Whether a statement can be one that touches a channel. Of what ends another entry only the log tells.
fn may_touch(channel: &ChannelName, predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Pin(pin) => pin.channel == *channel,
        Predicate::Deploy(deploy) => deploy.channel == *channel,
        Predicate::Rollback(rollback) => rollback.channel == *channel,
        Predicate::Freeze(freeze) => freeze.channel == *channel,
        Predicate::Deny(deny) => match deny.scope {
            DenyScope::Channel => deny.channel.as_ref() == Some(channel),
            DenyScope::Namespace => deny.name.namespace() == channel.namespace(),
            DenyScope::Everywhere => true,
        },
        Predicate::Lift(_) | Predicate::Thaw(_) => true,
        _ => false,
    }
}

//! Auditing: download the whole log, judge every entry again, and compare what follows with what the registry answers.
//!
//! Owns the order of an audit and its report. The rules are the rule book's, the same code that the registry runs; the
//! facts are rebuilt from entry 0, and nothing that the registry derived is believed.

mod attachments;
mod compare;
mod replay;

use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};

use crate::blocking;
use crate::error::ClientError;
use crate::progress::{Activity, Running};
use crate::session::Registry;
use replay::Replay;

/// Entries fetched at once.
const PAGE: u32 = 256;

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The entry that it is about.
    pub index: Option<LeafIndex>,
    /// What is wrong.
    pub what: String,
}

/// What an audit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// The size of the log that was audited.
    pub size: TreeSize,
    /// The root, recomputed from the entries.
    pub root: TreeHash,
    /// How many entries were judged.
    pub entries: u64,
    /// How many artifacts there are.
    pub artifacts: u64,
    /// How many channels have a pin, each compared with what the registry answers.
    pub channels: u64,
    /// What is not as it must be. Empty: everything is.
    pub findings: Vec<Finding>,
}

impl Registry {
    /// Audits the whole log. Needs a token that may read everything (`audit` and `read`).
    pub async fn audit(&self) -> Result<AuditReport, ClientError> {
        let view = self.sync().await?;
        let _running = Running::begin(self.progress(), Activity::Audit, view.size.get());
        let mut replay = self.replay_to(Replay::new(self.origin().clone()), view.size).await?;
        replay.compare_root(view.size, view.root);
        let replay = self.compare_channels(replay).await?;
        Ok(replay.report())
    }

    /// Fetches and judges entries up to a size.
    async fn replay_to(&self, mut replay: Replay, size: TreeSize) -> Result<Replay, ClientError> {
        while replay.size() < size {
            let from = replay.size().next_index();
            let left = u32::try_from(size.get() - replay.size().get()).unwrap_or(PAGE);
            let page = self.raw_entries(from, Some(PAGE.min(left))).await?;
            let count = page.entries.len() as u64;
            if count == 0 || count > u64::from(PAGE.min(left)) {
                return Err(ClientError::malformed(
                    "page of entries",
                    "it is empty, or longer than asked for",
                ));
            }
            let mut entries = page.entries;
            while !entries.is_empty() {
                let (covered, attachments) = self.attachments(&entries).await?;
                let later = entries.split_off(covered);
                replay = blocking::run(move || replay.page(&entries, &attachments).map(|()| replay)).await?;
                entries = later;
            }
            self.progress().advance(count);
        }
        Ok(replay)
    }
}

#[cfg(test)]
mod tests;

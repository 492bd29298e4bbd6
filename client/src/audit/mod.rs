//! Auditing: download the whole log, judge every entry again, and compare what follows with what the registry answers.
//!
//! Owns the order of an audit and its report. The rules are the rule book's, the same code that the registry runs; the
//! facts are rebuilt from entry 0, and nothing that the registry derived is believed.

mod compare;
mod replay;

use std::collections::HashMap;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::statement::Predicate;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_formats::wire::v1::{LoggedEntry, ProblemCode};
use holdfast_verify::logged::LoggedStatement;

use crate::blocking;
use crate::error::ClientError;
use crate::progress::{Activity, Running};
use crate::session::{LARGE_ANSWER_MAX, Registry};
use crate::transport::Request;
use replay::Replay;

/// Entries fetched at once.
const PAGE: u32 = 256;
/// Attachments held at once: no further one is fetched beyond this, so that at most one of the largest comes on top.
const HELD_BYTES: usize = 64 * 1024 * 1024;

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

    /// The manifests and envelopes that the first entries name, and how many entries that covers: as many as fit into
    /// memory. An attachment that cannot be had is left out, and its entry is then a finding.
    async fn attachments(
        &self,
        entries: &[LoggedEntry],
    ) -> Result<(usize, HashMap<Sha256Digest, Vec<u8>>), ClientError> {
        let (mut found, mut held) = (HashMap::new(), 0);
        for (at, entry) in entries.iter().enumerate() {
            if held >= HELD_BYTES {
                return Ok((at, found));
            }
            // What cannot be read is reported when it is judged.
            let Ok(logged) = LoggedStatement::of_logged(entry) else { continue };
            let digest = match &logged.statement().predicate {
                Predicate::Publish(publish) => publish.manifest.digests.sha256,
                Predicate::Attest(attest) => attest.envelope.digests.sha256,
                _ => continue,
            };
            match self.attachment(digest).await {
                Ok(bytes) => {
                    held += bytes.len();
                    found.insert(digest, bytes);
                }
                Err(error) if is_lost(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((entries.len(), found))
    }

    async fn attachment(&self, digest: Sha256Digest) -> Result<Vec<u8>, ClientError> {
        let path = format!("/v1/log/attachments/{digest}");
        self.transport().call_bytes(&Request::get(&path, "attachment", LARGE_ANSWER_MAX)).await
    }
}

/// Whether the registry says that it does not have something whole.
fn is_lost(error: &ClientError) -> bool {
    matches!(error.code(), Some(ProblemCode::NotFound | ProblemCode::Gone | ProblemCode::Corrupt))
}

#[cfg(test)]
mod tests;

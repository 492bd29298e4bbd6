//! One growing log: every tree head that this machine ever accepts extends the one that it saw before (I8).

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::note::Note;
use holdfast_formats::number::PolicyNumber;
use holdfast_formats::proof::TlogProof;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::wire::v1::{Consistency, ConsistencyQuery, Receipt};
use holdfast_verify::consistency::verify_consistency;
use holdfast_verify::policy_chain::PolicyChain;
use holdfast_verify::witness::Witnessed;

use super::{Registry, SMALL_ANSWER_MAX};
use crate::blocking;
use crate::error::ClientError;
use crate::transport::{Request, query_string};

/// Attempts to write what was seen while other processes write it too.
const ATTEMPTS_MAX: u32 = 20;
/// Tree heads remembered in memory.
const HEADS_MAX: usize = 64;

/// How the log stood when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogView {
    /// How many entries it has.
    pub size: TreeSize,
    /// Their root.
    pub root: TreeHash,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The newest policy.
    pub policy: PolicyNumber,
    /// What witnesses vouch for, where trust.json asks for a quorum of them. Entries behind it may be shown to this machine
    /// alone.
    pub witnessed: Option<Witnessed>,
}

/// A checkpoint whose signature verified.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    note: String,
    checkpoint: Checkpoint,
}

impl Shown {
    fn head(&self) -> (TreeSize, TreeHash) {
        (self.checkpoint.size(), self.checkpoint.root())
    }
}

impl Registry {
    /// Takes up newer policies and the newest checkpoint, and checks that the log is the one seen before.
    pub async fn sync(&self) -> Result<LogView, ClientError> {
        let chain = self.fetch_policies().await?;
        let note = self.newest_checkpoint().await?;
        let checkpoint = self.check_checkpoint(&note, &chain)?;
        self.follow(&note, &checkpoint).await?;
        self.require_newest(&chain, &checkpoint)?;
        let newest = chain.newest();
        // The view names the newest policy, so witnesses must have seen that one. The end of the log they may see later.
        let witnessed = self.witnessed(&note, &checkpoint, newest.entry.index).await?;
        let (size, root, policy) = (checkpoint.size(), checkpoint.root(), newest.policy.number);
        Ok(LogView { size, root, checkpoint: note, policy, witnessed })
    }

    /// A state that is part of the log but older than one seen before is no view of how the log stands now.
    fn require_newest(&self, chain: &PolicyChain, checkpoint: &Checkpoint) -> Result<(), ClientError> {
        match self.seen_checkpoint(chain)? {
            Some(seen) if seen.size() > checkpoint.size() => Err(ClientError::Stale {
                source: format!(
                    "it shows {} entries, but {} were seen before",
                    checkpoint.size(),
                    seen.size()
                )
                .into(),
            }),
            _ => Ok(()),
        }
    }

    /// The tree head seen last, from disk.
    pub(crate) fn seen_checkpoint(&self, chain: &PolicyChain) -> Result<Option<Checkpoint>, ClientError> {
        self.state().checkpoint()?.map(|note| self.check_checkpoint(&note, chain)).transpose()
    }

    /// Accepts the verified checkpoint of a receipt only as part of the log seen before, and its entry only once enough
    /// witnesses saw it.
    pub(super) async fn follow_receipt(
        &self,
        receipt: &Receipt,
        checkpoint: &Checkpoint,
    ) -> Result<(), ClientError> {
        let proof: TlogProof = receipt.proof.parse().map_err(|e| ClientError::malformed("receipt", e))?;
        self.follow(proof.checkpoint(), checkpoint).await?;
        self.require_witnessed(proof.checkpoint(), checkpoint, receipt.index).await
    }

    /// Accepts a verified checkpoint when the log seen before and it are of one growing log; the larger is remembered.
    ///
    /// One at a time, and whoever has the turn also takes along the checkpoints of those who wait: what was seen is
    /// written once for all of them.
    pub(crate) async fn follow(&self, note: &str, checkpoint: &Checkpoint) -> Result<(), ClientError> {
        let own = Shown { note: note.to_owned(), checkpoint: checkpoint.clone() };
        if self.seen().heads.contains(&own.head()) {
            return Ok(());
        }
        self.note_waiting(&own);
        let _turn = self.0.following.lock().await;
        if self.seen().heads.contains(&own.head()) {
            return Ok(());
        }
        // Whoever had the turn before may have taken it along and failed.
        self.note_waiting(&own);
        let mut shown = std::mem::take(&mut self.seen().waiting);
        shown.sort_by_key(|shown| shown.checkpoint.size());
        for _ in 0..ATTEMPTS_MAX {
            let before = self.state().checkpoint()?;
            let (accepted, newest) = self.compare(before.as_deref(), &shown, &own).await?;
            if self.keep_if_unchanged(before, newest).await? {
                for head in accepted {
                    self.remember(head);
                }
                return Ok(());
            }
        }
        Err(ClientError::FileMalformed {
            path: "checkpoint".into(),
            rule: "other processes keep changing what was seen; try again".to_owned(),
        })
    }

    /// Which of these checkpoints, sorted by size, lie on one log with what was seen before, and the newest of all. One
    /// that does not is an error when it is our own; whose else it is has the next turn, and finds out itself.
    async fn compare(
        &self,
        before: Option<&str>,
        shown: &[Shown],
        own: &Shown,
    ) -> Result<(Vec<(TreeSize, TreeHash)>, Shown), ClientError> {
        let Some(seen) = before else { return Ok((vec![own.head()], own.clone())) };
        let chain = self.policies().await?;
        let checkpoint = self.check_checkpoint(seen, &chain)?;
        let mut newest = Shown { note: seen.to_owned(), checkpoint };
        let mut accepted = Vec::with_capacity(shown.len());
        for next in shown {
            match self.check_one_log(&newest, next).await {
                Ok(()) => accepted.push(next.head()),
                Err(error) if next.head() == own.head() => return Err(error),
                Err(_) => continue,
            }
            if next.checkpoint.size() > newest.checkpoint.size() {
                newest = next.clone();
            }
        }
        Ok((accepted, newest))
    }

    /// Checks a signed checkpoint by the log keys of the policy in force at its size.
    pub(crate) fn check_checkpoint(
        &self,
        note: &str,
        chain: &PolicyChain,
    ) -> Result<Checkpoint, ClientError> {
        let untrue = |e: holdfast_formats::checkpoint::CheckpointError| ClientError::untrue("checkpoint", e);
        let parsed = Note::parse(note.as_bytes()).map_err(|e| ClientError::malformed("checkpoint", e))?;
        let size = Checkpoint::from_body(parsed.unverified_text()).map_err(untrue)?.size();
        // Before the first policy known there is only trust.json to go by.
        let keys = chain.in_force_of(size).map_or(&self.trust().log_keys, |policy| &policy.policy.log_keys);
        Checkpoint::from_signed(note.as_bytes(), self.origin(), keys).map_err(untrue)
    }

    async fn newest_checkpoint(&self) -> Result<String, ClientError> {
        let request = Request::get("/v1/log/checkpoint", "checkpoint", SMALL_ANSWER_MAX);
        let bytes = self.transport().call_bytes(&request).await?;
        String::from_utf8(bytes).map_err(|e| ClientError::malformed("checkpoint", e))
    }

    /// Fetches and checks the proof that the smaller of two trees is the beginning of the larger.
    async fn check_one_log(&self, seen: &Shown, shown: &Shown) -> Result<(), ClientError> {
        let (a, b) = (&seen.checkpoint, &shown.checkpoint);
        let (old, new) = if a.size() <= b.size() { (a, b) } else { (b, a) };
        let hashes = if old.size() == new.size() || old.size() == TreeSize::ZERO {
            Vec::new()
        } else {
            let query = ConsistencyQuery { from: old.size(), to: Some(new.size()) };
            let path = format!("/v1/log/consistency{}", query_string(&query)?);
            let answer: Consistency =
                self.transport().get(&path, "consistency proof", SMALL_ANSWER_MAX).await?;
            answer.hashes
        };
        let outcome = verify_consistency(old.size(), new.size(), &old.root(), &new.root(), &hashes);
        match outcome {
            Ok(()) => Ok(()),
            Err(error) => Err(self.fork(&seen.note, &shown.note, Some(hashes), &error).await),
        }
    }

    /// Writes the larger checkpoint, unless another process changed what was seen since it was compared.
    async fn keep_if_unchanged(&self, before: Option<String>, newest: Shown) -> Result<bool, ClientError> {
        let (handle, Shown { note, checkpoint }) = (self.clone(), newest);
        let size = checkpoint.size();
        blocking::run(move || {
            let lock = handle.state().lock()?;
            if handle.state().checkpoint()? != before {
                return Ok(false);
            }
            let seen = before.as_deref().map(size_of).transpose()?;
            if seen.is_none_or(|seen| size > seen) {
                handle.state().keep_checkpoint(&lock, &note)?;
            }
            Ok(true)
        })
        .await
    }

    fn note_waiting(&self, own: &Shown) {
        let mut seen = self.seen();
        if seen.waiting.iter().all(|shown| shown.head() != own.head()) {
            seen.waiting.push(own.clone());
        }
    }

    fn remember(&self, head: (TreeSize, TreeHash)) {
        let mut seen = self.seen();
        if seen.heads.len() >= HEADS_MAX {
            seen.heads.clear();
        }
        seen.heads.push(head);
    }
}

/// The size in a checkpoint that was verified when it was compared.
fn size_of(note: &str) -> Result<TreeSize, ClientError> {
    let parsed =
        Note::parse(note.as_bytes()).map_err(|e| ClientError::malformed("remembered checkpoint", e))?;
    let body = Checkpoint::from_body(parsed.unverified_text());
    body.map(|checkpoint| checkpoint.size()).map_err(|e| ClientError::malformed("remembered checkpoint", e))
}

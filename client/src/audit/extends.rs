//! Reading the log in order, after making sure that it is the one that was audited and seen before (I8).

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::note::Note;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::wire::v1::{Consistency, ConsistencyQuery, ExitCode};
use holdfast_verify::consistency::verify_consistency;

use super::Audit;
use super::finding::{Finding, FindingKind};
use super::source::{Commits, Object, commit_key};
use crate::error::ClientError;
use crate::session::{LogView, SMALL_ANSWER_MAX};
use crate::transport::query_string;

/// A commit has at most 256 entries of 64 KiB.
const COMMIT_BYTES_MAX: u64 = 17 * 1024 * 1024;

impl Audit {
    /// Reads what the registry hands out. False when it is not the log of before, so that there is nothing to compare.
    pub(super) async fn read_from_registry(&mut self) -> Result<bool, ClientError> {
        let Some(view) = self.view().await? else { return Ok(false) };
        if !self.extends_kept(&view).await? {
            return Ok(false);
        }
        self.advance(view.size).await?;
        self.check_root(view.size, view.root);
        self.check_anchor();
        Ok(true)
    }

    /// How the registry says that its log stands. One that is not the log of before is a finding.
    pub(super) async fn view(&mut self) -> Result<Option<LogView>, ClientError> {
        match self.registry.sync().await {
            Ok(view) => Ok(Some(view)),
            // What it refuses is its word; what it shows and does not hold is found.
            Err(error) if error.exit() == ExitCode::Integrity && error.problem().is_none() => {
                let kind = match error {
                    ClientError::Fork { .. } => FindingKind::Fork,
                    _ => FindingKind::Untrue,
                };
                self.passing.push(Finding::new(kind, super::compare::chain(&error)));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a log begins with everything that was judged before.
    async fn extends_kept(&mut self, view: &LogView) -> Result<bool, ClientError> {
        let (size, root) = (self.replay().size(), self.replay().position().edge.root());
        if size == TreeSize::ZERO {
            return Ok(true);
        }
        let holds = if view.size < size {
            Err(format!("the registry shows {} entries", view.size))
        } else {
            let hashes =
                if view.size == size { Vec::new() } else { self.consistency(size, view.size).await? };
            verify_consistency(size, view.size, &root, &view.root, &hashes).map_err(|e| e.to_string())
        };
        if let Err(why) = holds {
            let what = format!("the log does not extend the {size} entries that were audited before: {why}");
            self.passing.push(Finding::new(FindingKind::Fork, what));
            return Ok(false);
        }
        Ok(true)
    }

    async fn consistency(&self, from: TreeSize, to: TreeSize) -> Result<Vec<TreeHash>, ClientError> {
        let path = format!("/v1/log/consistency{}", query_string(&ConsistencyQuery { from, to: Some(to) })?);
        let answer: Consistency =
            self.registry.transport().get(&path, "consistency proof", SMALL_ANSWER_MAX).await?;
        Ok(answer.hashes)
    }

    /// Reads the store to its end. False when it is not the log of before.
    pub(super) async fn read_from_store(&mut self, commits: &Commits) -> Result<bool, ClientError> {
        if !self.store_extends_kept(commits).await? {
            return Ok(false);
        }
        let seen = self.seen()?;
        let checkpoint = self.published_checkpoint(commits).await?;
        for size in [seen.as_ref(), checkpoint.as_ref()].into_iter().flatten().map(Checkpoint::size) {
            self.replay_mut().want(size);
        }
        self.published = checkpoint.as_ref().map(Checkpoint::size);
        self.advance(TreeSize::ZERO).await?;
        self.check_end_of_commits(commits).await?;
        self.check_published(commits, checkpoint).await?;
        self.check_anchor();
        Ok(self.check_seen(seen.as_ref()))
    }

    /// The newest checkpoint that this machine believed.
    fn seen(&self) -> Result<Option<Checkpoint>, ClientError> {
        let Some(note) = self.registry.state().checkpoint()? else { return Ok(None) };
        let malformed = |e| ClientError::malformed("checkpoint", e);
        let note = Note::parse(note.as_bytes()).map_err(|e| ClientError::malformed("checkpoint", e))?;
        Checkpoint::from_body(note.unverified_text()).map(Some).map_err(malformed)
    }

    /// Whether the last commit that was judged is still the one that lies there.
    async fn store_extends_kept(&mut self, commits: &Commits) -> Result<bool, ClientError> {
        let position = self.replay().position();
        let (slot, hash, size) = (position.slot, position.commit, position.size());
        let Some(last) = slot.checked_sub(1) else { return Ok(true) };
        let wrong = match commits.objects.get(&commit_key(last), COMMIT_BYTES_MAX).await? {
            Object::Here(bytes) => match holdfast_formats::commit::Commit::parse(&bytes) {
                Ok(commit) if commit.hash == hash => return Ok(true),
                Ok(_) => "is another one",
                Err(_) => "is none any more",
            },
            Object::Missing => "is gone",
            Object::TooLarge => "is none any more",
        };
        let what = format!(
            "the log does not extend the {size} entries that were audited before: commit {last}, the last of them, {wrong}"
        );
        self.passing.push(Finding::new(FindingKind::Fork, what));
        Ok(false)
    }

    /// Compares with what this machine saw the registry sign.
    fn check_seen(&mut self, seen: Option<&Checkpoint>) -> bool {
        let Some(seen) = seen else { return true };
        let size = self.replay().size();
        let what = if seen.size() > size {
            format!(
                "this machine saw a signed checkpoint of {} entries, but the store has {size}",
                seen.size()
            )
        } else {
            match self.replay().tree_at(seen.size()) {
                Some(tree) if tree.root() != seen.root() => format!(
                    "the store's first {} entries are not those of the signed checkpoint that this machine saw",
                    seen.size()
                ),
                _ => return true,
            }
        };
        self.passing.push(Finding::new(FindingKind::Fork, what));
        false
    }

    /// A signed root of as many entries as were judged must be theirs.
    pub(super) fn check_root(&mut self, size: TreeSize, root: TreeHash) {
        if self.replay().size() == size && self.replay().position().edge.root() != root {
            let what = format!("the entries do not hash to the signed root of {size} entries");
            self.passing.push(Finding::new(FindingKind::Root, what));
        }
    }

    /// The log is the one that is trusted only when the trusted policy is part of it.
    fn check_anchor(&mut self) {
        let position = self.replay().position();
        if !position.anchored && position.size() >= self.from {
            let number = self.registry.trust().policy.number;
            let what = format!("policy {number}, which trust.json names, is not in the log");
            self.passing.push(Finding::new(FindingKind::Policy, what));
        }
    }
}

//! What is published beside the commits: tiles and the checkpoint must be what follows from them.

use futures::stream;
use futures::{StreamExt as _, TryStreamExt as _};
use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::limits::ENTRY_BYTES_MAX;
use holdfast_formats::note::Note;
use holdfast_formats::tile::{TILE_WIDTH, TileKind, TileLevel, TilePath, decode_bundle, encode_hashes};
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_verify::facts::Facts as _;

use super::Audit;
use super::finding::{Finding, FindingKind};
use super::replay::FullTile;
use super::source::{Commits, Object, Objects, Source};
use crate::blocking;
use crate::error::ClientError;

const CHECKPOINT_KEY: &str = "log/checkpoint";
const CHECKPOINT_BYTES_MAX: u64 = 64 * 1024;
/// A full bundle of the largest entries.
const TILE_BYTES_MAX: u64 = (TILE_WIDTH as u64) * (ENTRY_BYTES_MAX as u64 + 2);
/// How many tiles are read at a time.
const AT_ONCE: usize = 4;

impl Audit {
    /// The checkpoint that lies in the store, not believed yet. What is none is a finding.
    pub(super) async fn published_checkpoint(
        &mut self,
        commits: &Commits,
    ) -> Result<Option<Checkpoint>, ClientError> {
        let Object::Here(bytes) = commits.objects.get(CHECKPOINT_KEY, CHECKPOINT_BYTES_MAX).await? else {
            return Ok(None);
        };
        let body = Note::parse(&bytes).map(|note| Checkpoint::from_body(note.unverified_text()));
        if let Ok(Ok(checkpoint)) = body {
            return Ok(Some(checkpoint));
        }
        self.passing.push(Finding::new(FindingKind::Checkpoint, "log/checkpoint is no checkpoint"));
        Ok(None)
    }

    /// Commits end where they say that they end: nothing lies behind the first empty slot.
    pub(super) async fn check_end_of_commits(&mut self, commits: &Commits) -> Result<(), ClientError> {
        let slot = self.replay().position().slot;
        if self.replay().is_stopped() {
            return Ok(());
        }
        if let Some(later) = commits.later_than(slot).await? {
            // It may have been written in between.
            if commits.objects.get(&super::source::commit_key(slot), TILE_BYTES_MAX).await? == Object::Missing
            {
                let what = format!("commit {slot} is missing, but commit {later} is there");
                self.keep(vec![Finding::new(FindingKind::CommitMissing, what)]).await?;
            }
        }
        Ok(())
    }

    /// The published checkpoint is signed by the log, and over the root that the entries give.
    pub(super) async fn check_published(
        &mut self,
        commits: &Commits,
        checkpoint: Option<Checkpoint>,
    ) -> Result<(), ClientError> {
        let wrong = |what: String| Finding::new(FindingKind::Checkpoint, what);
        let Some(checkpoint) = checkpoint else {
            if self.replay().size() > TreeSize::ZERO && self.passing.is_empty() {
                self.passing.push(wrong("log/checkpoint is missing".to_owned()));
            }
            return Ok(());
        };
        let (size, judged) = (checkpoint.size(), self.replay().size());
        let signed = commits.objects.get(CHECKPOINT_KEY, CHECKPOINT_BYTES_MAX).await?;
        let keys = self.facts(move |facts| facts.policy_at(size.next_index())).await?;
        let keys = keys.map(|fact| fact.policy.log_keys.clone()).unwrap_or_default();
        let origin = self.registry.origin().clone();
        if let Object::Here(bytes) = signed
            && let Err(error) = Checkpoint::from_signed(&bytes, &origin, &keys)
        {
            self.passing.push(wrong(format!("log/checkpoint is not signed by the log: {error}")));
        }
        if size > judged {
            let what = format!(
                "log/checkpoint is of {size} entries, but the commits that can be read have {judged}"
            );
            self.passing.push(Finding::new(FindingKind::CommitMissing, what));
        } else if let Some(tree) = self.replay().tree_at(size).cloned() {
            if tree.root() != checkpoint.root() {
                let what = format!("log/checkpoint has another root of {size} entries than its commits give");
                self.passing.push(wrong(what));
            }
            let partial = tree.partial_tiles().map(|(path, hashes)| (path, hashes.to_vec())).collect();
            let findings = self.check_tiles(partial).await?;
            self.passing.extend(findings);
        } else {
            let what =
                format!("log/checkpoint went back to {size} entries: {} were audited before", self.resumed);
            self.passing.push(wrong(what));
        }
        Ok(())
    }

    /// Compares tiles with those that lie in the store, and bundles of entries with theirs.
    pub(super) async fn check_tiles(&self, tiles: Vec<FullTile>) -> Result<Vec<Finding>, ClientError> {
        let Source::Store(commits) = &self.source else { return Ok(Vec::new()) };
        let (objects, published) = (&commits.objects, self.published);
        let checked = stream::iter(tiles)
            .map(|tile| check_tile(objects.clone(), published, tile))
            .buffered(AT_ONCE)
            .try_fold(Vec::new(), |mut all, found| async move {
                all.extend(found);
                Ok(all)
            });
        checked.await
    }
}

async fn check_tile(
    objects: Objects,
    published: Option<TreeSize>,
    (path, hashes): FullTile,
) -> Result<Vec<Finding>, ClientError> {
    let is_leaves = path.kind() == TileKind::Hashes(TileLevel::LEAVES);
    // What the checkpoint does not cover yet may be published a moment later.
    let is_due = published.is_none_or(|size| covers(size, &path));
    let expected = encode_hashes(&hashes).ok();
    let mut findings = Vec::new();
    let stored = objects.get(&format!("log/{path}"), TILE_BYTES_MAX).await?;
    if is_wrong(&stored, is_due, |bytes| Some(bytes) == expected.as_deref()) {
        findings.push(wrong_tile(&path, &stored));
    }
    if is_leaves && let Ok(bundle) = TilePath::new(TileKind::Entries, path.index(), path.width()) {
        let stored = objects.get(&format!("log/{bundle}"), TILE_BYTES_MAX).await?;
        let compare = move || {
            let wrong = is_wrong(&stored, is_due, |bytes| is_bundle_of(bytes, &hashes));
            wrong.then(|| wrong_tile(&bundle, &stored))
        };
        findings.extend(blocking::run(compare).await);
    }
    Ok(findings)
}

fn is_wrong(stored: &Object, is_due: bool, holds: impl FnOnce(&[u8]) -> bool) -> bool {
    match stored {
        Object::Here(bytes) => !holds(bytes),
        Object::Missing => is_due,
        Object::TooLarge => true,
    }
}

fn is_bundle_of(bytes: &[u8], hashes: &[TreeHash]) -> bool {
    let Ok(width) = u16::try_from(hashes.len()) else { return false };
    let Ok(entries) = decode_bundle(bytes, width) else { return false };
    entries.iter().zip(hashes).all(|(entry, hash)| TreeHash::leaf(entry) == *hash)
}

/// Whether a tree of this size has the whole tile.
fn covers(size: TreeSize, path: &TilePath) -> bool {
    let TileKind::Hashes(level) = path.kind() else { return false };
    level.width_in(size) >= path.index() * u64::from(TILE_WIDTH) + u64::from(path.width())
}

fn wrong_tile(path: &TilePath, stored: &Object) -> Finding {
    let how = if *stored == Object::Missing { "is missing" } else { "is not what follows from the entries" };
    Finding::new(FindingKind::Tile, format!("log/{path} {how}"))
}

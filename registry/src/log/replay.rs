//! Replay: the index follows the commits of the store, from wherever it is to the end.
//!
//! A commit's writer signature, its place in the chain and its root are checked for every commit. The statements inside
//! are judged again; their own signatures and attachments were checked by the node that committed them and vouched for
//! with its signature, and auditors check them once more.

use std::sync::Arc;

use futures::{StreamExt as _, future};
use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::Predicate;
use holdfast_formats::tile::{TILE_WIDTH, TileKind, TileLevel, TilePath};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash, TreeSize};
use holdfast_verify::facts::{Effect, Facts as _, FactsError};
use holdfast_verify::judge::{Candidate, judge_logged};
use holdfast_verify::merkle::{Edge, MerkleError};
use holdfast_verify::refusal::JudgeError;

use super::LogParts;
use super::batch::{BatchError, push};
use super::decode::{DecodedCommit, DecodedEntry};
use super::entries::{Entries, EntriesError};
use super::head::Halt;
use super::keys::KeysError;
use super::read_ahead::ReadAhead;
use crate::index::{EntryPlace, IndexError, Position, View, Writer};
use crate::objects::{KeyPrefix, ObjectError, ObjectKey};

/// A state of the log, before it is signed.
#[derive(Debug, Clone)]
pub struct Replayed {
    pub(super) edge: Edge,
    pub(super) slot: u64,
    pub(super) hash: Sha256Digest,
    pub(super) time: Option<Timestamp>,
    pub(super) policy: Option<Arc<Policy>>,
    pub(super) halted: Option<Halt>,
}

impl Replayed {
    /// The tree size.
    pub const fn size(&self) -> TreeSize {
        self.edge.size()
    }
}

/// Why the log could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log contradicts itself or the index. Nothing is repaired by skipping.
    #[error("the log does not recompute: {0}")]
    Halt(String),
    /// The next commit needs a rule book that this version does not have.
    #[error("the next commit needs rule book {needs}")]
    Newer {
        /// The version that is needed.
        needs: u32,
    },
    /// The policy in force names no keys of this node.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The store failed.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The facts could not be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// An entry could not be read.
    #[error(transparent)]
    Entries(#[from] EntriesError),
}

impl From<MerkleError> for ReplayError {
    fn from(error: MerkleError) -> Self {
        Self::Halt(error.to_string())
    }
}

impl From<BatchError> for ReplayError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Index(error) => Self::Index(error),
            BatchError::Facts(error) => Self::Facts(error),
            other => Self::Halt(other.to_string()),
        }
    }
}

/// Follows the log from the index's position to the newest commit of the store. Only then is a refused entry acknowledged:
/// an index that was made anew has not met it before.
pub async fn replay(
    parts: &LogParts,
    writer: Writer,
    acknowledged: Option<LeafIndex>,
) -> Result<(Replayed, Writer), ReplayError> {
    let state = resume(parts, &writer).await?;
    settle(parts, state.slot).await?;
    let Following { mut writer, mut state } = follow(parts, Following { writer, state }).await?;
    check_end(parts, &state).await?;
    if let Some(entry) = acknowledged {
        writer.acknowledge(entry)?;
    }
    let refused = writer.view().unacknowledged()?.map(|refused| {
        Halt::because(format!("entry {} is in the log although the rule book refuses it ({}); when a person has looked at it, start with --acknowledge-refused {}", refused.index, refused.reason, refused.index))
    });
    state.halted = refused.or(state.halted);
    Ok((state, writer))
}

/// Makes the commits durable that an earlier process left, before one of them is read: nothing is answered from a commit
/// that a power cut could take back.
async fn settle(parts: &LogParts, slot: u64) -> Result<(), ReplayError> {
    let commits = KeyPrefix::commits();
    let left = match slot.checked_sub(1) {
        Some(applied) => parts.store.list_after(&commits, &ObjectKey::commit(applied)),
        None => parts.store.list(&commits),
    };
    Ok(parts.store.settle(left).await?)
}

/// An index and the state of the log that it has come to.
struct Following {
    writer: Writer,
    state: Replayed,
}

/// Applies part after part, each while the next is read.
async fn follow(parts: &LogParts, mut following: Following) -> Result<Following, ReplayError> {
    let mut commits = ReadAhead::from(parts, following.state.slot);
    let mut applied = Vec::new();
    let mut next = commits.part().await;
    loop {
        let part = match next {
            Ok(part) if !part.is_empty() => part,
            ended => {
                // What was applied counts even when the store cannot be read any further now.
                let mut finished = parts.blocking.run(move || following.finish()).await?;
                finished.state.halted = commits.rules_needed().map(Halt::behind);
                return ended.map(|_| finished);
            }
        };
        let applying = parts.blocking.run(move || (following.apply(&part), part));
        // Whoever applies sets the pace, so others clear away what was applied before.
        let reading = async {
            drop(std::mem::take(&mut applied));
            commits.part().await
        };
        let ((outcome, part), read) = future::join(applying, reading).await;
        (following, applied, next) = (outcome?, part, read);
    }
}

impl Following {
    /// Applies successive commits in one transaction.
    fn apply(mut self, part: &[DecodedCommit]) -> Result<Self, ReplayError> {
        self.writer.begin()?;
        for commit in part {
            apply(&mut self.writer, &mut self.state, commit)?;
        }
        keep(&mut self.writer, &self.state)?;
        Ok(self)
    }

    fn finish(mut self) -> Result<Self, ReplayError> {
        self.writer.finish()?;
        Ok(self)
    }
}

/// Keeps what was applied, and how far that is.
pub(super) fn keep(writer: &mut Writer, state: &Replayed) -> Result<(), IndexError> {
    let (size, root) = (state.edge.size(), state.edge.root());
    let time = state.time.unwrap_or(Timestamp::from_ms(0));
    writer.set_position(&Position { commits: state.slot, hash: state.hash, size, root, time })?;
    writer.commit()
}

/// An empty slot is the end of the log only when no commit stands behind it and the published checkpoint ends here, too.
/// Whoever wrote into a slot that somebody emptied would fork the log.
async fn check_end(parts: &LogParts, state: &Replayed) -> Result<(), ReplayError> {
    let slot = state.slot;
    let mut later = parts.store.list_after(&KeyPrefix::commits_beside(slot), &ObjectKey::commit(slot));
    let is_inner = later.next().await.transpose()?.is_some();
    // Another node may have filled the slot in between.
    if is_inner && parts.store.head(&ObjectKey::commit(slot)).await?.is_none() {
        return Err(ReplayError::Halt(format!(
            "commit {slot} is gone, but later ones are there; restore log/commits from a replica"
        )));
    }
    let published = match parts.store.get(&ObjectKey::checkpoint()).await {
        Err(error) if error.is_not_found() => return Ok(()),
        published => published?,
    };
    let checkpoint = {
        let keys = parts.keys.checkpoint_keys(state.policy.as_deref());
        Checkpoint::from_signed(&published, &parts.keys.held().origin, &keys)
    };
    match checkpoint {
        // It follows the commits and never runs ahead of them.
        Ok(checkpoint)
            if checkpoint.size() > state.size()
                && parts.store.head(&ObjectKey::commit(slot)).await?.is_none() =>
        {
            Err(ReplayError::Halt(format!(
                "the published checkpoint has {} entries, the commits only {}; restore log/commits from a replica",
                checkpoint.size(),
                state.size()
            )))
        }
        _ => Ok(()),
    }
}

/// Where the index stands, checked against the store.
async fn resume(parts: &LogParts, writer: &Writer) -> Result<Replayed, ReplayError> {
    let Some(position) = writer.view().position()? else {
        let hash = Sha256Digest::from_bytes([0; 32]);
        return Ok(Replayed { edge: Edge::empty(), slot: 0, hash, time: None, policy: None, halted: None });
    };
    let last = position.commits.saturating_sub(1);
    let stored = parts.store.get(&ObjectKey::commit(last)).await;
    let matches = match stored {
        Ok(object) => holdfast_formats::commit::Commit::parse(&object).is_ok_and(|c| c.hash == position.hash),
        Err(error) if error.is_not_found() => false,
        Err(error) => return Err(error.into()),
    };
    if !matches {
        return Err(ReplayError::Halt(format!(
            "the index has applied commit {last}, but the store does not hold that commit; restore log/commits from a replica, or delete the index if it belongs to another store"
        )));
    }
    let edge = rebuild_edge(parts, &writer.view(), position.size).await?;
    if edge.root() != position.root {
        return Err(ReplayError::Halt(
            "the index's tiles do not give its root; delete the index, it is rebuilt from the store"
                .to_owned(),
        ));
    }
    let policy = writer.view().policy()?.map(|fact| fact.policy);
    let Position { commits, hash, time, .. } = position;
    Ok(Replayed { edge, slot: commits, hash, time: Some(time), policy, halted: None })
}

/// The partial tiles of every level: leaves from the log, higher levels from the roots of full tiles.
async fn rebuild_edge(parts: &LogParts, view: &View<'_>, size: TreeSize) -> Result<Edge, ReplayError> {
    let width = u64::from(TILE_WIDTH);
    let first = LeafIndex::new(size.get() / width * width).map_err(MerkleError::from)?;
    let count = usize::try_from(size.get() % width).unwrap_or(0);
    let leaves = Entries::new(parts.clone()).read_many(first, count).await?;
    let mut partial = vec![leaves.iter().map(|leaf| TreeHash::leaf(leaf)).collect::<Vec<_>>()];
    for level in 1..7_u8 {
        let elements = size.get() >> (8 * level);
        if elements == 0 {
            break;
        }
        let range = elements / width * width..elements;
        partial.push(range.map(|index| tile_root(view, level, index)).collect::<Result<_, _>>()?);
    }
    Ok(Edge::from_parts(size, partial)?)
}

/// An element of a level: the root over one full tile of the level below.
fn tile_root(view: &View<'_>, level: u8, index: u64) -> Result<TreeHash, ReplayError> {
    let kind =
        TileLevel::new(level - 1).map(TileKind::Hashes).map_err(|e| ReplayError::Halt(e.to_string()))?;
    let tile = TilePath::new(kind, index, TILE_WIDTH).map_err(|e| ReplayError::Halt(e.to_string()))?;
    let hashes = view.full_tile(tile)?.ok_or(IndexError::Damaged("a full tile is missing"))?;
    let (mut row, mut width) = (hashes, usize::from(TILE_WIDTH));
    while width > 1 {
        row = row
            .chunks_exact(2)
            .filter_map(|p| if let [l, r] = p { Some(TreeHash::node(l, r)) } else { None })
            .collect();
        width /= 2;
    }
    row.first().copied().ok_or_else(|| IndexError::Damaged("an empty tile").into())
}

/// Applies a decoded commit inside the writer's open transaction; [`keep`] ends it.
pub(super) fn apply(
    writer: &mut Writer,
    state: &mut Replayed,
    commit: &DecodedCommit,
) -> Result<(), ReplayError> {
    let number = state.slot;
    let halt = |reason: &str| ReplayError::Halt(format!("commit {number} {reason}"));
    let header = &commit.header;
    if header.number != number || header.previous != state.hash || header.previous_size != state.edge.size() {
        return Err(halt("does not follow the commit before it"));
    }
    check_writer(state, commit).map_err(|reason| halt(&reason))?;
    let mut offset = commit.body_at;
    for entry in &commit.entries {
        let index = state.edge.size().next_index();
        writer.note_place(index, EntryPlace { commit: number, offset: offset + 2, length: entry.length })?;
        offset += entry.length + 2;
        if state.time.is_some_and(|newest| entry.entry.time < newest) {
            return Err(halt("has an entry older than the one before it"));
        }
        state.time = Some(entry.entry.time);
        let is_first = writer.note_payload(index, &entry.payload_sha256)?;
        apply_entry(writer, state, index, entry, is_first)?;
        push(&mut state.edge, writer, entry.leaf)?;
        writer.note_newest(state.edge.size(), entry.entry.time);
    }
    if state.edge.root() != header.root {
        return Err(halt("has a root that its entries do not give"));
    }
    (state.slot, state.hash) = (number + 1, commit.hash);
    Ok(())
}

/// The writer is one of the registry keys of the policy in force, or of the policy that the commit itself brings.
fn check_writer(state: &Replayed, commit: &DecodedCommit) -> Result<(), String> {
    let brought = commit.entries.iter().filter_map(|e| match e.statement.as_ref().map(|s| &s.predicate) {
        Ok(Predicate::Policy(policy)) => Some(policy.as_ref()),
        _ => None,
    });
    let mut policies = state.policy.as_deref().into_iter().chain(brought);
    if policies.any(|p| p.origin == commit.header.origin && commit.is_signed_by_one_of(&p.registry_keys)) {
        return Ok(());
    }
    Err("is not signed by a registry key of the policy in force, or is for another log".to_owned())
}

fn apply_entry(
    writer: &mut Writer,
    state: &mut Replayed,
    index: LeafIndex,
    decoded: &DecodedEntry,
    is_first: bool,
) -> Result<(), ReplayError> {
    let statement = match &decoded.statement {
        Ok(statement) => statement,
        Err(reason) => return Ok(writer.note_refused(index, reason)?),
    };
    let candidate = Candidate {
        index,
        time: decoded.entry.time,
        rules: decoded.entry.rules,
        payload_sha256: decoded.payload_sha256,
        statement,
        signatures: &decoded.entry.signatures,
        manifest: decoded.manifest.as_ref().map(|(bytes, manifest)| (bytes.as_ref(), manifest)),
        attached: decoded.attached.as_deref(),
    };
    let view = if is_first { writer.view().judging_first(decoded.payload_sha256) } else { writer.view() };
    let judgement = match judge_logged(&candidate, &view) {
        Ok(judgement) => judgement,
        Err(JudgeError::Refused(refusal)) => return Ok(writer.note_refused(index, &refusal.to_string())?),
        Err(JudgeError::Facts(error)) => return Err(error.into()),
        Err(JudgeError::Newer { needs }) => return Err(ReplayError::Newer { needs }),
    };
    for effect in judgement.effects(decoded.leaf) {
        if let Effect::Policy(fact) = &effect {
            state.policy = Some(Arc::clone(&fact.policy));
        }
        writer.apply(&effect)?;
    }
    Ok(())
}

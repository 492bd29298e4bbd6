//! One batch: judged entry by entry inside one transaction, then frozen into the bytes of one commit.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_formats::commit::{CommitError, CommitHeader};
use holdfast_formats::entry::{Entry, EntryError, EntryPayload};
use holdfast_formats::id::RandomId;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{Predicate, Statement};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeHash};
use holdfast_verify::facts::{Effect, FactsError};
use holdfast_verify::judge::{Candidate, judge};
use holdfast_verify::merkle::{Edge, MerkleError};
use holdfast_verify::refusal::{JudgeError, Refusal};
use holdfast_verify::rule_book::RuleBook;

use super::LogParts;
use super::append::{AppendError, Appended, Pending, Prepared};
use super::at_slot::{self, SlotFacts};
use super::head::Head;
use super::keyring::Keyring;
use super::replay::Replayed;
use crate::index::{EntryPlace, IndexError, Position, Writer};
use crate::randomness::random_array;

/// A judged batch whose transaction is still open.
pub(super) struct Batch {
    /// What to create in the slot; `None` when nothing new was accepted.
    pub(super) frozen: Option<Frozen>,
    /// One outcome a submission, in order; acceptances hold only once the slot is won.
    pub(super) outcomes: Vec<Result<Appended, AppendError>>,
}

/// A commit that may become the next one.
pub(super) struct Frozen {
    pub(super) object: Bytes,
    pub(super) after: Replayed,
    pub(super) leaves: Vec<(LeafIndex, Bytes)>,
}

/// Why a batch could not be judged at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum BatchError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Facts(#[from] FactsError),
    #[error(transparent)]
    Merkle(#[from] MerkleError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Entry(#[from] EntryError),
}

/// What grows while a batch is judged.
struct Growing<'a> {
    writer: &'a mut Writer,
    keys: &'a Keyring,
    edge: Edge,
    time: Timestamp,
    policy: Option<Arc<Policy>>,
    leaves: Vec<Vec<u8>>,
    first: LeafIndex,
    newest_rules: RuleBook,
    foreign_publish: Option<LeafIndex>,
}

/// Judges a batch against the head, whose newest publish by another node stands at `foreign_publish`. The writer's transaction
/// stays open: keep it when the slot is won, else undo it.
pub(super) fn judge_batch(
    writer: &mut Writer,
    head: &Head,
    parts: &LogParts,
    now: Timestamp,
    foreign_publish: Option<LeafIndex>,
    pending: &[Pending],
) -> Result<Batch, BatchError> {
    writer.begin()?;
    let time = head.time().map_or(now, |newest| newest.max(now));
    let policy = head.policy().cloned();
    let first = head.size().next_index();
    let edge = head.edge().clone();
    let (keys, newest_rules) = (parts.keys.as_ref(), parts.newest_rules);
    let leaves = Vec::new();
    let mut growing =
        Growing { writer, keys, edge, time, policy, leaves, first, newest_rules, foreign_publish };
    let mut outcomes = Vec::with_capacity(pending.len());
    for submission in pending {
        outcomes.push(growing.take(&submission.prepared)?);
    }
    let frozen = if growing.leaves.is_empty() { None } else { Some(growing.freeze(head)?) };
    Ok(Batch { frozen, outcomes })
}

impl Growing<'_> {
    fn take(&mut self, prepared: &Prepared) -> Result<Result<Appended, AppendError>, BatchError> {
        if let Some(index) = self.writer.view().entry_by_payload(&prepared.payload_sha256)? {
            return Ok(Ok(Appended { index, new: false }));
        }
        let newest_sweep = self.writer.newest_sweep();
        if let Err(error) =
            at_slot::check(prepared, SlotFacts { newest_sweep, foreign_publish: self.foreign_publish })
        {
            return Ok(Err(error));
        }
        if let Some(needs) = rules_needed(&prepared.statement, self.newest_rules) {
            return Ok(Err(self.needs_newer(needs)));
        }
        let index = self.edge.size().next_index();
        let rules = rules_for(self.policy.as_deref(), &prepared.statement);
        let candidate = Candidate {
            index,
            time: self.time,
            rules,
            payload_sha256: prepared.payload_sha256,
            statement: &prepared.statement,
            signatures: &prepared.signatures,
            manifest: prepared.manifest.as_ref().map(|(bytes, manifest)| (bytes.as_slice(), manifest)),
            attached: prepared.attached.as_deref(),
        };
        let view = self.writer.view().judging_first(prepared.payload_sha256);
        let judgement = match judge(&candidate, &view) {
            Ok(judgement) => judgement,
            Err(JudgeError::Refused(Refusal::AlreadyPublished { index, .. })) => {
                return Ok(Ok(Appended { index, new: false }));
            }
            Err(JudgeError::Refused(refusal)) => return Ok(Err(AppendError::Refused(refusal))),
            Err(JudgeError::Facts(error)) => return Err(error.into()),
            Err(JudgeError::Newer { needs }) => return Ok(Err(self.needs_newer(needs))),
        };
        if let Predicate::Policy(policy) = &prepared.statement.predicate
            && let Err(error) = self.keys.acting(Some(policy))
        {
            return Ok(Err(AppendError::Keys(error.to_string())));
        }
        let payload = EntryPayload::place(&prepared.payload);
        let entry = Entry { time: self.time, rules, payload, signatures: judgement.counted.clone() };
        let leaf = match entry.encode() {
            Ok(leaf) => leaf,
            Err(EntryError::TooLarge(_)) => {
                return Ok(Err(AppendError::Refused(Refusal::Malformed {
                    rule: "its entry would be larger than a leaf may be",
                })));
            }
            Err(other) => return Err(other.into()),
        };
        let hash = TreeHash::leaf(&leaf);
        for effect in judgement.effects(hash) {
            self.apply(&effect)?;
        }
        self.writer.note_payload(index, &prepared.payload_sha256)?;
        push(&mut self.edge, self.writer, hash)?;
        self.writer.note_newest(self.edge.size(), self.time);
        self.leaves.push(leaf);
        Ok(Ok(Appended { index, new: true }))
    }

    fn needs_newer(&self, given: u32) -> AppendError {
        AppendError::Refused(Refusal::UnknownRuleBook { given, known: self.newest_rules.version() })
    }

    fn apply(&mut self, effect: &Effect) -> Result<(), BatchError> {
        if let Effect::Policy(fact) = effect {
            self.policy = Some(Arc::clone(&fact.policy));
        }
        Ok(self.writer.apply(effect)?)
    }

    fn freeze(self, head: &Head) -> Result<Frozen, BatchError> {
        // A policy that changes the registry's key is still committed by the key before it.
        let key = &head.keys().registry;
        let header = CommitHeader {
            origin: self.keys.held().origin.clone(),
            number: head.slot,
            previous: head.hash,
            previous_size: head.size(),
            count: self.leaves.len() as u64,
            root: self.edge.root(),
            writer: key.public().id(),
            nonce: RandomId::from_bytes(random_array()),
        };
        let (object, hash) = header.encode(key, &self.leaves)?;
        let framed: usize = self.leaves.iter().map(|leaf| leaf.len() + 2).sum();
        let object = Bytes::from(object);
        let mut leaves = Vec::with_capacity(self.leaves.len());
        let mut index = self.first;
        let mut offset = object.len() - framed;
        for leaf in &self.leaves {
            let start = offset + 2;
            let place = EntryPlace { commit: head.slot, offset: start as u64, length: leaf.len() as u64 };
            self.writer.note_place(index, place)?;
            leaves.push((index, object.slice(start..start + leaf.len())));
            index = index.checked_add(1).map_err(MerkleError::from)?;
            offset = start + leaf.len();
        }
        let (size, root) = (self.edge.size(), header.root);
        self.writer.set_position(&Position { commits: head.slot + 1, hash, size, root, time: self.time })?;
        let after = Replayed {
            edge: self.edge,
            slot: head.slot + 1,
            hash,
            time: Some(self.time),
            policy: self.policy,
            halted: None,
        };
        Ok(Frozen { object, after, leaves })
    }
}

/// The rule book that a statement is judged by: the one in force, and for policy 1 its own.
pub fn rules_for(in_force: Option<&Policy>, statement: &Statement) -> u32 {
    match (in_force, &statement.predicate) {
        (Some(policy), _) => policy.rules,
        (None, Predicate::Policy(first)) => first.rules,
        (None, _) => RuleBook::RELEASED.version(),
    }
}

/// The rule book that a policy wants to be in force, when it is newer than `newest`.
pub(super) fn rules_needed(statement: &Statement, newest: RuleBook) -> Option<u32> {
    match &statement.predicate {
        Predicate::Policy(policy) => Some(policy.rules).filter(|rules| *rules > newest.version()),
        _ => None,
    }
}

/// Appends a leaf to the tree and keeps the tiles that it fills.
pub(super) fn push(edge: &mut Edge, writer: &mut Writer, leaf: TreeHash) -> Result<(), BatchError> {
    let mut kept = Ok(());
    edge.push(leaf, &mut |tile, hashes| {
        if kept.is_ok() {
            kept = writer.note_tile(tile, hashes);
        }
    })?;
    Ok(kept?)
}

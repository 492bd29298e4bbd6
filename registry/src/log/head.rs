//! The head: the newest state of the log, as everything that answers reads it.

use holdfast_formats::checkpoint::{Checkpoint, sign_checkpoint_by_all};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::note::NoteKey;
use holdfast_formats::origin::Origin;
use holdfast_formats::policy::Policy;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_verify::merkle::Edge;
use std::sync::Arc;

use super::LogParts;
use super::keyring::ActingKeys;
use super::replay::{ReplayError, Replayed};

/// Why nothing is written any more.
#[derive(Debug, Clone)]
pub(super) struct Halt {
    reason: String,
    is_behind: bool,
}

impl Halt {
    /// The log contradicts itself, or holds what the rule book refuses: a person must look at it.
    pub(super) const fn because(reason: String) -> Self {
        Self { reason, is_behind: false }
    }

    /// The log goes on, but only a newer version can follow it.
    pub(super) fn behind(needs: u32) -> Self {
        let reason = format!(
            "the log goes on by rule book {needs}, which this version of holdfast-registry does not have; start a newer one"
        );
        Self { reason, is_behind: true }
    }
}

/// One state of the log. Immutable: a newer state is a new head.
#[derive(Debug, Clone)]
pub struct Head {
    pub(super) edge: Edge,
    pub(super) root: TreeHash,
    /// The number of the next slot.
    pub(super) slot: u64,
    /// The hash of the last commit.
    pub(super) hash: Sha256Digest,
    time: Option<Timestamp>,
    checkpoint: String,
    origin: Origin,
    keys: Arc<ActingKeys>,
    policy: Option<Arc<Policy>>,
    seen: Timestamp,
    halted: Option<Halt>,
    /// What is wrong with this node's clock.
    wrong_clock: Option<String>,
}

impl Head {
    /// Signs the checkpoint of a state that is durable, with the keys that the policy of that state names. Never called
    /// for a slot that may still be lost.
    pub(super) fn sign(state: Replayed, parts: &LogParts) -> Result<Self, ReplayError> {
        let keys = parts.keys.acting(state.policy.as_deref())?;
        let root = state.edge.root();
        let origin = parts.keys.held().origin.clone();
        let checkpoint = Checkpoint::new(origin.clone(), state.edge.size(), root)
            .map_err(|_| ReplayError::Halt("the tree's size and root contradict each other".to_owned()))?;
        Ok(Self {
            root,
            slot: state.slot,
            hash: state.hash,
            time: state.time,
            checkpoint: sign_checkpoint_by_all(&checkpoint, &keys.log),
            origin,
            keys: Arc::new(keys),
            policy: state.policy,
            seen: Timestamp::from_ms(parts.clock.now_ms()),
            halted: state.halted,
            wrong_clock: None,
            edge: state.edge,
        })
    }

    /// The same state, with the next slot seen empty at a later time.
    pub(super) fn seen_again(&self, now: Timestamp) -> Self {
        Self { seen: now, ..self.clone() }
    }

    /// The same state, which nothing more is written to.
    pub(super) fn halted_by(&self, halt: Halt) -> Self {
        Self { halted: Some(halt), ..self.clone() }
    }

    /// The same state, on a node whose clock is wrong or right again.
    pub(super) fn with_clock(&self, wrong: Option<String>) -> Self {
        Self { wrong_clock: wrong, ..self.clone() }
    }

    /// The tree size.
    pub const fn size(&self) -> TreeSize {
        self.edge.size()
    }

    /// The root.
    pub const fn root(&self) -> TreeHash {
        self.root
    }

    /// The time of the newest entry.
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The signed checkpoint.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The keys that sign what follows from this state.
    pub fn keys(&self) -> &ActingKeys {
        &self.keys
    }

    /// What verifies the signed checkpoint: the newest of the keys that sign.
    pub fn verifier_key(&self) -> NoteKey {
        let newest = self.keys.log.last().expect("a policy's log keys are held, or nothing is signed");
        NoteKey::of_log(&self.origin, newest.public())
    }

    /// The policy in force.
    pub const fn policy(&self) -> Option<&Arc<Policy>> {
        self.policy.as_ref()
    }

    /// When the next slot was last seen empty. On a local store, which one node holds, that is always now.
    pub const fn seen(&self) -> Timestamp {
        self.seen
    }

    /// Why nothing is written any more.
    pub fn halted(&self) -> Option<&str> {
        self.halted.as_ref().map(|halt| halt.reason.as_str())
    }

    /// What is wrong with this node's clock.
    pub(super) fn wrong_clock(&self) -> Option<&str> {
        self.wrong_clock.as_deref()
    }

    /// Whether this node takes entries now.
    pub const fn is_writable(&self) -> bool {
        self.halted.is_none() && self.wrong_clock.is_none()
    }

    /// Whether the log has more entries that only a newer version can judge: what this node answers is old.
    pub fn is_behind(&self) -> bool {
        self.halted.as_ref().is_some_and(|halt| halt.is_behind)
    }

    /// The growing edge of the tree.
    pub const fn edge(&self) -> &Edge {
        &self.edge
    }
}

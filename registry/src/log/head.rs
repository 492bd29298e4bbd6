//! The head: the newest state of the log, as everything that answers reads it.

use holdfast_formats::checkpoint::{Checkpoint, sign_checkpoint_by_all};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::policy::Policy;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_verify::merkle::Edge;
use std::sync::Arc;

use super::LogParts;
use super::keyring::ActingKeys;
use super::replay::{ReplayError, Replayed};

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
    keys: Arc<ActingKeys>,
    policy: Option<Arc<Policy>>,
    seen: Timestamp,
    halted: Option<String>,
}

impl Head {
    /// Signs the checkpoint of a state that is durable, with the keys that the policy of that state names. Never called
    /// for a slot that may still be lost.
    pub(super) fn sign(state: Replayed, parts: &LogParts) -> Result<Self, ReplayError> {
        let keys = parts.keys.acting(state.policy.as_deref())?;
        let root = state.edge.root();
        let checkpoint = Checkpoint::new(parts.keys.held().origin.clone(), state.edge.size(), root)
            .map_err(|_| ReplayError::Halt("the tree's size and root contradict each other".to_owned()))?;
        Ok(Self {
            root,
            slot: state.slot,
            hash: state.hash,
            time: state.time,
            checkpoint: sign_checkpoint_by_all(&checkpoint, &keys.log),
            keys: Arc::new(keys),
            policy: state.policy,
            seen: Timestamp::from_ms(parts.clock.now_ms()),
            halted: state.halted,
            edge: state.edge,
        })
    }

    /// The same state, with the next slot seen empty at a later time.
    pub(super) fn seen_again(&self, now: Timestamp) -> Self {
        Self { seen: now, ..self.clone() }
    }

    /// The same state, which nothing more is written to.
    pub(super) fn halted_by(&self, reason: String) -> Self {
        Self { halted: Some(reason), ..self.clone() }
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
        self.halted.as_deref()
    }

    /// The growing edge of the tree.
    pub const fn edge(&self) -> &Edge {
        &self.edge
    }
}

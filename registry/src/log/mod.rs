//! The log: one sequencer appends, anybody reads and proves. It owns commits, attachments, tiles and the checkpoint; it
//! never decides what a statement may say (that is the rule book's) and knows nothing of HTTP.
//!
//! ```text
//! append → queue → sequencer: judge the batch → freeze → create the slot → keep → answer
//!                                    ↑ lost: apply the winner, judge again
//! ```

mod append;
mod at_slot;
mod attachments;
mod batch;
mod cosigned;
mod decode;
mod entries;
mod head;
mod in_flight;
mod keyring;
mod keys;
mod own;
mod places;
mod proofs;
mod publisher;
mod read_ahead;
mod replay;
mod sequencer;
mod slot;
mod store_clock;
mod sweeps;

#[cfg(test)]
mod tests;

pub use append::{Announced, AppendError, Appended, Prepared};
pub use at_slot::{AtSlot, ReadyPublish, SweepCheck};
pub use attachments::{AttachmentError, Attachments};
pub use batch::rules_for;
pub use cosigned::{Cosignature, Cosignatures};
pub use entries::{EntriesError, Found, Leaf};
pub use head::Head;
pub use in_flight::Publishing;
pub use keyring::{ActingKeys, Keyring};
pub use keys::{KeyKind, KeysError, NodeKeys};
pub use own::OwnError;
pub use proofs::{ProofsError, ProvenLeaf, Prover};
pub use replay::{ReplayError, Replayed, replay};
pub use sweeps::Ending;

use std::sync::Arc;

use bytes::Bytes;
use holdfast_formats::tile::TilePath;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::rule_book::RuleBook;
use tokio::sync::{mpsc, watch};

use crate::blocking::Blocking;
use crate::clock::SharedClock;
use crate::index::{Index, Writer};
use crate::objects::{ObjectError, ObjectKey, Store};
use crate::telemetry::Metrics;

/// Everything the log needs of its node.
#[derive(Clone)]
pub struct LogParts {
    /// Where commits, attachments and tiles are.
    pub store: Store,
    /// The projection that it keeps.
    pub index: Index,
    /// The node's keys.
    pub keys: Arc<Keyring>,
    /// What time it is.
    pub clock: SharedClock,
    /// Where blocking work runs.
    pub blocking: Blocking,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The newest rule book that this node judges by.
    pub newest_rules: RuleBook,
}

/// A handle on the log; clones share it. When all are dropped the sequencer ends.
#[derive(Clone)]
pub struct Log {
    parts: LogParts,
    heads: watch::Receiver<Arc<Head>>,
    queue: mpsc::Sender<append::Pending>,
    expecting: append::Expecting,
    in_flight: in_flight::InFlight,
    entries: entries::Entries,
    prover: Prover,
    cosignatures: Cosignatures,
    published: watch::Receiver<Option<Arc<Head>>>,
}

/// The log's own tasks, to be awaited after every handle is dropped.
pub struct LogTasks {
    sequencer: tokio::task::JoinHandle<()>,
    publisher: tokio::task::JoinHandle<()>,
}

impl LogTasks {
    /// Waits until everything queued is answered and the last tiles are written.
    pub async fn finished(self) {
        if let Err(error) = self.sequencer.await {
            tracing::error!(%error, "the sequencer ended abnormally");
        }
        if let Err(error) = self.publisher.await {
            tracing::error!(%error, "the tile publisher ended abnormally");
        }
    }
}

/// How many submissions may wait for the sequencer.
const QUEUE_LENGTH: usize = 4096;

impl Log {
    /// Follows the store's log to its end and starts the sequencer. `writer` is the index's one writer; a refused entry
    /// that a person acknowledges no longer halts the log.
    pub async fn open(
        parts: LogParts,
        writer: Writer,
        acknowledged: Option<LeafIndex>,
    ) -> Result<(Self, LogTasks), ReplayError> {
        let (replayed, writer) = replay(&parts, writer, acknowledged).await?;
        let head = Arc::new(Head::sign(replayed, &parts)?);
        let (publish, heads) = watch::channel(head);
        let (queue, pending) = mpsc::channel(QUEUE_LENGTH);
        let entries = entries::Entries::new(parts.clone());
        let prover = Prover::new(parts.index.clone());
        let expecting = append::Expecting::default();
        let sequencer =
            sequencer::Sequencer::new(parts.clone(), writer, publish, entries.clone(), expecting.clone());
        let cosignatures = Cosignatures::none();
        let (publishing, published) =
            publisher::Publisher::new(parts.clone(), heads.clone(), entries.clone(), cosignatures.clone());
        let tasks = LogTasks {
            sequencer: parts.blocking.spawn_alone(sequencer.run(pending)),
            publisher: tokio::spawn(publishing.run()),
        };
        let in_flight = in_flight::InFlight::default();
        let log =
            Self { parts, heads, queue, expecting, in_flight, entries, prover, cosignatures, published };
        Ok((log, tasks))
    }

    /// The newest state: size, root, signed checkpoint.
    pub fn head(&self) -> Arc<Head> {
        Arc::clone(&self.heads.borrow())
    }

    /// To be called before a publish looks for its content, and once more when that has to be looked for again.
    pub fn ready_publish(&self) -> AtSlot {
        // On its way before it is known which sweep is the newest: who waits for it must not miss it.
        let publishing = self.in_flight.enter();
        let sweeps_seen = self.parts.index.newest_sweep();
        AtSlot::Published(Arc::new(ReadyPublish { sweeps_seen, _publishing: publishing }))
    }

    /// Waits until the log has at least `size` entries, or until the sequencer ends.
    pub async fn reached(&self, size: holdfast_formats::tree::TreeSize) -> Arc<Head> {
        let mut heads = self.heads.clone();
        let reached = heads.wait_for(|head| head.size() >= size).await.map(|head| Arc::clone(&head));
        reached.unwrap_or_else(|_| self.head())
    }

    /// The projection to read from: at least as new as any head taken before.
    pub fn index(&self) -> &Index {
        &self.parts.index
    }

    /// Entries by their place.
    pub fn entries(&self) -> &entries::Entries {
        &self.entries
    }

    /// Proofs from tiles.
    pub fn prover(&self) -> &Prover {
        &self.prover
    }

    /// What witnesses cosigned.
    pub const fn cosignatures(&self) -> &Cosignatures {
        &self.cosignatures
    }

    /// The newest state of which all tiles are published; `None` before the first. It ends with the log.
    pub fn published(&self) -> watch::Receiver<Option<Arc<Head>>> {
        self.published.clone()
    }

    /// The newest checkpoint, with the lines of the witnesses that cosigned it already.
    pub fn checkpoint(&self) -> String {
        let head = self.head();
        self.cosignatures.below(head.checkpoint(), head.size())
    }

    /// The node's keys. Those that sign now are the head's.
    pub fn keys(&self) -> Arc<NodeKeys> {
        self.parts.keys.held()
    }

    /// Attachments by SHA-256.
    pub fn attachments(&self) -> Attachments {
        Attachments::new(self.parts.store.clone())
    }

    /// A tile as it is published; `None` when it is not.
    pub async fn published_tile(&self, tile: TilePath) -> Result<Option<Bytes>, ObjectError> {
        found(self.parts.store.get(&ObjectKey::tile(&tile.to_string())?).await)
    }

    /// The checkpoint as it is published; `None` before the first.
    pub async fn published_checkpoint(&self) -> Result<Option<Bytes>, ObjectError> {
        found(self.parts.store.get(&ObjectKey::checkpoint()).await)
    }
}

fn found(read: Result<Bytes, ObjectError>) -> Result<Option<Bytes>, ObjectError> {
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

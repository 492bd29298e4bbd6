//! A node: every part put together, without a socket. The binary and the tests both start one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use holdfast_verify::rule_book::RuleBook;

use crate::blobs::Blobs;
use crate::clock::SharedClock;
use crate::config::{RequestRates, ScrubConfig, SweepConfig, WitnessConfig};
use crate::http::{ApiLimits, router};
use crate::index::{Index, IndexError};
use crate::log::{Keyring, KeysError, Log, LogParts, LogTasks, NodeKeys, ReplayError};
use crate::objects::Store;
use crate::retention::{SweepTask, Sweeper, SweeperParts};
use crate::service::{ScrubWorker, Service, ServiceParts};
use crate::telemetry::Metrics;
use crate::witness::{self, WitnessTasks};

/// The file beside the index that has what grants with quotas have used.
const USAGE_FILE: &str = "usage.json";
/// What part of the memory tells what sweeps have named from all else.
const FILTER_SHARE: u64 = 64;

/// What a node is started with.
pub struct NodeParts {
    /// The store, opened and probed.
    pub store: Store,
    /// The node's keys.
    pub keys: NodeKeys,
    /// Where they are, and the login secret's hash.
    pub keys_folder: PathBuf,
    /// The index file.
    pub index_path: PathBuf,
    /// What time it is.
    pub clock: SharedClock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Bytes of bodies, chunks and records held at a time.
    pub memory_bytes: u64,
    /// The newest rule book that this node judges by.
    pub newest_rules: RuleBook,
    /// How often one caller may ask.
    pub rates: RequestRates,
    /// How it sweeps by itself.
    pub sweep: SweepConfig,
    /// When it reads back by itself what is stored.
    pub scrub: ScrubConfig,
    /// The witnesses to ask for cosignatures.
    pub witnesses: Vec<WitnessConfig>,
    /// A refused entry that a person has looked at.
    pub acknowledge_refused: Option<holdfast_formats::tree::LeafIndex>,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The keys are unusable.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The index is unusable.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The log could not be followed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// A running node.
pub struct Node {
    service: Service,
    router: Router,
    log: Log,
    blobs: Blobs,
    tasks: LogTasks,
    witnesses: WitnessTasks,
    sweeps: SweepTask,
    scrubs: ScrubWorker,
}

impl Node {
    /// Follows the log and starts the node's tasks. Needs a runtime with several threads.
    pub async fn start(parts: NodeParts) -> Result<Self, NodeError> {
        let (index, writer) = open_index(&parts)?;
        // Bodies and what they are decoded into share the budget.
        let half = parts.memory_bytes / 2;
        let blocking = parts.store.blocking().clone();
        let blobs = Blobs::new(parts.store.clone(), index.clone(), blocking.clone(), half);
        let usage_file = parts.index_path.with_file_name(USAGE_FILE);
        let shared_store = !parts.store.is_local();
        let store = parts.store.clone();
        let folder = parts.index_path.parent().map(Path::to_owned).unwrap_or_default();
        let log_parts = LogParts {
            store: parts.store,
            index,
            keys: Arc::new(Keyring::new(parts.keys, &parts.keys_folder)),
            clock: Arc::clone(&parts.clock),
            blocking: blocking.clone(),
            metrics: Arc::clone(&parts.metrics),
            newest_rules: parts.newest_rules,
        };
        let (log, tasks) = Box::pin(Log::open(log_parts, writer, parts.acknowledge_refused)).await?;
        let sweeping = SweeperParts {
            log: log.clone(),
            blobs: blobs.clone(),
            store,
            clock: Arc::clone(&parts.clock),
            blocking: blocking.clone(),
            metrics: Arc::clone(&parts.metrics),
            folder,
            grace: parts.sweep.grace,
        };
        let (sweeper, sweeps) = Sweeper::start(sweeping, parts.sweep.every);
        let (asked, witnesses) = witness::start(parts.witnesses, &log, &parts.metrics);
        let service = Service::new(ServiceParts {
            log: log.clone(),
            blobs: blobs.clone(),
            clock: parts.clock,
            metrics: parts.metrics,
            witnesses: asked,
            sweeper,
            keys_folder: parts.keys_folder,
            usage_file,
            blocking,
            shared_store,
        });
        let router = router(service.clone(), ApiLimits { body_bytes: half, rates: parts.rates });
        let scrubs = service.start_scrubbing(parts.scrub);
        Ok(Self { service, router, log, blobs, tasks, witnesses, sweeps, scrubs })
    }

    /// The use cases.
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// The log.
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// The content.
    pub const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// The routes, to be served.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Ends the node: what is queued is answered first. Every clone of its router must be gone.
    pub async fn stop(self) {
        let Self { service, router, log, blobs, tasks, witnesses, sweeps, scrubs } = self;
        scrubs.end().await;
        sweeps.end().await;
        drop((service, router, log, blobs, witnesses));
        tasks.finished().await;
    }
}

fn open_index(parts: &NodeParts) -> Result<(Index, crate::index::Writer), NodeError> {
    if let Some(folder) = parts.index_path.parent() {
        std::fs::create_dir_all(folder).map_err(IndexError::Folder)?;
    }
    let filter_bytes = parts.memory_bytes / FILTER_SHARE;
    Ok(Index::open(&parts.index_path, parts.store.blocking().clone(), filter_bytes)?)
}

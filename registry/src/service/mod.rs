//! The use cases of the registry, one a file: parse nothing, render nothing, decide who may and put the parts together.
//!
//! Called by HTTP and by nothing else; knows nothing of it. Every answer about content goes through [`access`] first.

pub mod access;
mod artifacts;
mod assembly;
mod channels;
mod cosigned;
mod exchange;
mod failure;
mod granted;
mod grants;
mod known_good;
mod listing;
mod lookup_cache;
mod manifests;
mod operator;
mod proven;
mod quotas;
mod receipts;
mod retention;
mod schedules;
mod scrub;
mod snapshots;
mod status;
mod submission;
mod sweep;
mod tiles;
mod upload;
mod usage;

pub use access::Identity;
pub use artifacts::BlobRange;
pub use failure::Failure;
pub use known_good::LookupAnswer;
pub use scrub::ScrubWorker;
pub use submission::Submitted;

use std::path::PathBuf;
use std::sync::Arc;

use crate::blobs::Blobs;
use crate::blocking::Blocking;
use crate::clock::SharedClock;
use crate::log::Log;
use crate::oidc::Issuers;
use crate::retention::Sweeper;
use crate::telemetry::Metrics;
use crate::witness::Witnesses;

/// What the use cases share; clones share it.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    log: Log,
    blobs: Blobs,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    witnesses: Witnesses,
    sweeper: Sweeper,
    /// Where the hash of the login secret is, as long as nobody logged in.
    keys_folder: PathBuf,
    shared_store: bool,
    started_ms: u64,
    lookups: lookup_cache::LookupCache,
    manifests: manifests::Manifests,
    tokens: access::TokenCache,
    signers: granted::SignerCache,
    issuers: Issuers,
    usage: Arc<usage::Usage>,
    scrubbing: scrub::Scrubbing,
    counting: schedules::Counting,
    blocking: Blocking,
}

/// What a service is made of.
pub struct ServiceParts {
    /// The log.
    pub log: Log,
    /// The content.
    pub blobs: Blobs,
    /// What time it is.
    pub clock: SharedClock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who cosigns, and how that goes.
    pub witnesses: Witnesses,
    /// What sweeps.
    pub sweeper: Sweeper,
    /// Where the keys are.
    pub keys_folder: PathBuf,
    /// Where what grants have used is written now and then.
    pub usage_file: PathBuf,
    /// Slots for jobs that block.
    pub blocking: Blocking,
    /// Whether other nodes may write to the same store.
    pub shared_store: bool,
}

impl Service {
    /// Puts the parts together.
    pub fn new(parts: ServiceParts) -> Self {
        let ServiceParts {
            log,
            blobs,
            clock,
            metrics,
            witnesses,
            sweeper,
            keys_folder,
            usage_file,
            blocking,
            shared_store,
        } = parts;
        let started_ms = clock.now_ms();
        let manifests = manifests::Manifests::new(log.attachments());
        let (tokens, signers) = (access::TokenCache::new(), granted::SignerCache::new());
        let inner = Inner {
            log,
            blobs,
            clock,
            metrics,
            witnesses,
            sweeper,
            keys_folder,
            shared_store,
            started_ms,
            lookups: lookup_cache::LookupCache::new(),
            manifests,
            tokens,
            signers,
            issuers: Issuers::unasked(),
            usage: Arc::new(usage::Usage::open(usage_file)),
            scrubbing: scrub::Scrubbing::new(),
            counting: schedules::Counting::default(),
            blocking,
        };
        Self { inner: Arc::new(inner) }
    }

    fn log(&self) -> &Log {
        &self.inner.log
    }

    fn now(&self) -> holdfast_formats::time::Timestamp {
        holdfast_formats::time::Timestamp::from_ms(self.inner.clock.now_ms())
    }

    /// What sweeps.
    pub fn sweeper(&self) -> &Sweeper {
        &self.inner.sweeper
    }

    /// What is measured.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }
}

//! The chunks in memory: each fetched once while it is needed, many at once, within a budget of bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use holdfast_formats::digest::Blake3Digest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fetch::Fetcher;
use crate::catalog::CatalogFile;
use crate::error::ClientError;

/// What all chunks in memory take at most, decoded. Their stored objects take as much again at most while they arrive.
const BUDGET_BYTES: usize = 64 * 1024 * 1024;
const UNIT_BYTES: usize = 1024;
/// How much of that waits for its next use at most; the rest always comes back.
const HELD_BYTES_MAX: usize = BUDGET_BYTES / 2;
/// How many are fetched at once.
const IN_FLIGHT: usize = 16;

/// A chunk in memory, and its place in the budget.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Chunk {
    /// Some of its bytes; the catalog's format says that it has them.
    pub(super) fn part(&self, offset: u32, length: u32) -> &[u8] {
        let start = offset as usize;
        self.bytes.get(start..start + length as usize).unwrap_or_default()
    }
}

/// A chunk that is coming; nothing when it could not be had, for which [`Trouble`] has the reason.
pub(super) type Coming = Shared<BoxFuture<'static, Option<Arc<Chunk>>>>;

/// The first thing that went wrong; what follows from it is not told.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Option<ClientError>>);

impl Trouble {
    /// Notes why the restore cannot go on.
    pub(super) fn note(&self, error: ClientError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// What went wrong.
    pub(super) fn take(&self) -> Option<ClientError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The chunks of one catalog.
#[derive(Debug)]
pub(super) struct Pool {
    fetcher: Fetcher,
    catalog: CatalogFile,
    trouble: Arc<Trouble>,
    budget: Arc<Semaphore>,
    fetching: Arc<Semaphore>,
    /// How often each chunk is still needed.
    uses: Vec<u32>,
    held: HashMap<usize, Held>,
    clock: u64,
}

#[derive(Debug)]
struct Held {
    coming: Coming,
    used_at: u64,
    bytes: usize,
}

impl Pool {
    pub(super) fn new(fetcher: Fetcher, catalog: CatalogFile, uses: Vec<u32>, trouble: Arc<Trouble>) -> Self {
        Self {
            fetcher,
            catalog,
            trouble,
            budget: Arc::new(Semaphore::new(BUDGET_BYTES / UNIT_BYTES)),
            fetching: Arc::new(Semaphore::new(IN_FLIGHT)),
            uses,
            held: HashMap::new(),
            clock: 0,
        }
    }

    /// A chunk for one of its uses. Waits for room, which those who were given chunks before will make.
    pub(super) async fn want(&mut self, digest: &Blake3Digest) -> Coming {
        let index = self.catalog.index();
        let Some((at, chunk)) = index.position(digest).and_then(|at| Some((at, *index.chunks().get(at)?)))
        else {
            return futures::future::ready(None).boxed().shared();
        };
        self.clock += 1;
        let is_last = self.uses.get_mut(at).is_none_or(|uses| {
            *uses = uses.saturating_sub(1);
            *uses == 0
        });
        if let Some(held) = self.held.get_mut(&at) {
            held.used_at = self.clock;
            let coming = held.coming.clone();
            if is_last {
                self.held.remove(&at);
            }
            return coming;
        }
        let room = self.room(chunk.length as usize).await;
        let (fetcher, trouble, fetching) =
            (self.fetcher.clone(), Arc::clone(&self.trouble), Arc::clone(&self.fetching));
        let task = tokio::spawn(async move {
            let _turn = fetching.acquire().await;
            match fetcher.fetch(chunk).await {
                Ok(bytes) => Some(Arc::new(Chunk { bytes, _room: room })),
                Err(error) => {
                    trouble.note(error);
                    None
                }
            }
        });
        let coming = task.map(|done| done.ok().flatten()).boxed().shared();
        if !is_last {
            self.hold(at, coming.clone(), chunk.length as usize);
        }
        coming
    }

    /// Keeps a chunk for its next use, in the place of those not used for longest.
    fn hold(&mut self, at: usize, coming: Coming, bytes: usize) {
        while self.held.values().map(|held| held.bytes).sum::<usize>() + bytes > HELD_BYTES_MAX {
            let oldest = self.held.iter().min_by_key(|(_, held)| held.used_at).map(|(at, _)| *at);
            let Some(oldest) = oldest else { break };
            self.held.remove(&oldest);
        }
        self.held.insert(at, Held { coming, used_at: self.clock, bytes });
    }

    /// Room for so many bytes, when it comes back from those who had chunks before.
    async fn room(&self, bytes: usize) -> OwnedSemaphorePermit {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        Arc::clone(&self.budget).acquire_many_owned(units).await.expect("the budget is never closed")
    }
}

//! What lies between a node and the store: requests take time, get lost before or after they were applied, arrive late (by
//! moments or by a day), twice, or not at all for a while.
//!
//! What happens to a request follows from the seed, the node, the operation, the key and how often it was tried. So it
//! repeats as far as the node asks the same again, whatever else goes on at the time.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bucket::{Bucket, Deed};
use super::chance::roll;
use super::time::DAY_MS;
use super::trace::Trace;

/// The key of a probe is new each time and means nothing.
const PROBE: &str = "probe/";

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done, and answered.
    Good,
    /// It never arrives.
    Lost,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It is done, and the answer is a server error.
    ServerError,
    /// It is done, and the store's client tries again and is told of its own success.
    OwnSuccess,
    /// No answer comes, and it is done so much later.
    Late(u64),
    /// It is done and answered, and done once more so much later.
    Twice(u64),
}

/// The weather between all nodes and the store.
#[derive(Debug)]
pub(crate) struct Sea {
    seed: u64,
    /// The store itself.
    pub(crate) bucket: Arc<Bucket>,
    /// What was asked, and how it went.
    pub(crate) trace: Arc<Trace>,
    /// Of a thousand requests, so many go wrong.
    rough: AtomicU64,
    tries: Mutex<HashMap<u64, u32>>,
}

impl Sea {
    /// A calm one.
    pub(crate) fn calm(seed: u64, bucket: Arc<Bucket>, trace: Arc<Trace>) -> Arc<Self> {
        let (rough, tries) = (AtomicU64::new(0), Mutex::default());
        Arc::new(Self { seed, bucket, trace, rough, tries })
    }

    /// From now on so many requests of a thousand go wrong.
    pub(crate) fn set_rough(&self, of_thousand: u64) {
        self.rough.store(of_thousand, Ordering::SeqCst);
    }

    /// How often this was asked before.
    fn again(&self, node: usize, operation: &str, key: &str) -> u32 {
        let what = roll(node as u64, &[operation.as_bytes(), key.as_bytes()]);
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let count = tries.entry(what).or_default();
        *count += 1;
        *count
    }

    fn fate(&self, luck: u64, operation: &str) -> Fate {
        if luck % 1000 >= self.rough.load(Ordering::SeqCst) {
            return Fate::Good;
        }
        let moments_ms = 20 + (luck >> 24) % 3000;
        match (operation, (luck >> 12) % 8) {
            ("put" | "delete", 0) => Fate::Lost,
            ("put" | "delete", 1) => Fate::AnswerLost,
            ("put" | "delete", 2) => Fate::ServerError,
            ("put", 3) => Fate::OwnSuccess,
            ("put" | "delete", 4) => Fate::Late(moments_ms),
            ("put" | "delete", 5) => Fate::Late(DAY_MS + moments_ms),
            ("put" | "delete", 6) => Fate::Twice(moments_ms),
            ("put" | "delete", _) => Fate::Twice(DAY_MS + moments_ms),
            _ => Fate::Lost,
        }
    }
}

/// One node's way to the store, for as long as that node lives.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    sea: Arc<Sea>,
    node: usize,
    alive: Arc<AtomicBool>,
    cut: Arc<AtomicBool>,
}

impl Wire {
    /// A way to the store for the node of this number.
    pub(crate) fn of(sea: &Arc<Sea>, node: usize) -> Self {
        let (alive, cut) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        Self { sea: Arc::clone(sea), node, alive, cut }
    }

    /// The node is dead: nothing of it is sent any more, and what it waits for never comes.
    pub(crate) fn kill(&self) {
        self.alive.store(false, Ordering::SeqCst);
    }

    /// Cuts the node off, or lets it through again.
    pub(crate) fn set_cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }

    pub(super) fn bucket(&self) -> &Bucket {
        &self.sea.bucket
    }

    /// Waits as long as a request takes, and says what happens to it.
    pub(super) async fn ask(&self, operation: &'static str, key: &str) -> Fate {
        self.require_life().await;
        let key = if key.starts_with(PROBE) { PROBE } else { key };
        let again = self.sea.again(self.node, operation, key);
        let node = [u8::try_from(self.node).unwrap_or(u8::MAX)];
        let luck = roll(self.sea.seed, &[&node, operation.as_bytes(), key.as_bytes(), &again.to_be_bytes()]);
        let takes_ms = if luck.is_multiple_of(64) { 400 } else { 1 + (luck >> 40) % 9 };
        tokio::time::sleep(Duration::from_millis(takes_ms)).await;
        self.require_life().await;
        let fate = if self.cut.load(Ordering::SeqCst) { Fate::Lost } else { self.sea.fate(luck, operation) };
        self.sea.trace.note(|| format!("node {} {operation} {key} try {again}: {fate:?}", self.node));
        if fate == Fate::Lost {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        fate
    }

    /// Does it as its fate says, apart from what is answered.
    pub(super) fn later(&self, deed: Deed, later_ms: u64) {
        self.sea.bucket.apply_later(deed, later_ms);
    }

    async fn require_life(&self) {
        if !self.alive.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the wire of node {}", self.node)
    }
}

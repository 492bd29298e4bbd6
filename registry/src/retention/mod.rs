//! The sweeper: says which artifacts will end, ends them when that may be, and deletes what nothing refers to any more.
//!
//! One run first finishes what an earlier one left, then *plans*: which windows are over ([`windows`]), what every
//! living artifact refers to ([`mark`]), and what is stored beyond that ([`compare`]). Nothing is written for a plan, so a
//! dry run is a plan that is printed. Then it is carried out ([`run`]): each step is one entry of the log, and whatever
//! follows from a committed entry can be repeated by anybody, so a run may end at any point. Any doubt aborts it: a
//! manifest, record or catalog of a living artifact that cannot be read, a listing out of order, a policy that is not there.
//!
//! **Memory** does not grow with what is stored. References and candidates are sorted in files on the node's own disk
//! ([`spill`]), namespace by namespace, and merged with the listing of the store, which comes sorted, too. 100 million
//! chunks that 400 snapshots refer to are 32 bytes each, written once for each level of the sort (two or three), of which
//! what is named twice is dropped at every level: 3 GB that differ take 3 to 50 GB of the disk and 50 MB of memory.
//!
//! **Others** notice little: what a plan reads takes one thread, and every deletion is a small step with a rest three times
//! as long behind it ([`pace`]): some hundred objects a second where a deletion takes a millisecond, so that 10 million dead
//! chunks go within half a day, in 10,000 entries of 1,024 objects. Whatever cuts that short, the next run goes on behind the
//! last entry.
//!
//! This module never decides what may end or go: the rule book judges every entry at its slot, and only what a committed
//! sweep named is deleted, by `blobs`.

mod compare;
mod error;
mod last;
mod late;
mod mark;
mod pace;
mod plan;
mod report;
mod run;
mod schedule;
mod spill;
mod uptime;
mod windows;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::blobs::Blobs;
use crate::blocking::Blocking;
use crate::clock::SharedClock;
use crate::log::Log;
use crate::objects::Store;
use crate::telemetry::Metrics;

pub use error::SweepError;
pub use schedule::SweepTask;

/// What a sweeper is made of.
pub struct SweeperParts {
    /// The log.
    pub log: Log,
    /// The content.
    pub blobs: Blobs,
    /// Where it is stored.
    pub store: Store,
    /// What time it is, and how long the node runs.
    pub clock: SharedClock,
    /// Where blocking work runs.
    pub blocking: Blocking,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The folder of what this node keeps for itself.
    pub folder: PathBuf,
    /// How old an object must be that nothing refers to.
    pub grace: Duration,
}

/// The sweeper of a node; clones share it.
#[derive(Clone)]
pub struct Sweeper {
    inner: Arc<Inner>,
}

struct Inner {
    parts: SweeperParts,
    uptime: uptime::Uptime,
    last: last::Last,
    runs: schedule::Runs,
    /// One run at a time.
    turn: Mutex<()>,
}

impl Sweeper {
    /// A sweeper that goes on where the files of its node say, and its tasks: they sweep at this interval, where there is one,
    /// and whenever it is ordered.
    pub fn start(parts: SweeperParts, every: Option<Duration>) -> (Self, SweepTask) {
        let uptime = uptime::Uptime::open(parts.folder.join(UPTIME_FILE), Arc::clone(&parts.clock));
        let last = last::Last::open(parts.folder.join(LAST_FILE));
        let (runs, ordered) = schedule::Runs::new();
        let sweeper = Self { inner: Arc::new(Inner { parts, uptime, last, runs, turn: Mutex::new(()) }) };
        let tasks = schedule::start(&sweeper, ordered, every);
        (sweeper, tasks)
    }
}

/// How long the node has run.
const UPTIME_FILE: &str = "uptime.json";
/// How the last run ended.
const LAST_FILE: &str = "last-sweep.json";
/// What one run sorts.
const SCRATCH_FOLDER: &str = "sweep";

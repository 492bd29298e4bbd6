//! What runs have done, as far as it is shown.

use std::sync::{Mutex, MutexGuard, PoisonError};

use holdfast_formats::number::{ByteSize, Count};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{ProblemCode, ScrubRequest, ScrubRun, ScrubStatus};
use tokio::sync::mpsc;

use super::super::{Failure, Service};
use super::order::Order;
use super::worker::Job;

/// How many jobs wait for the worker at most.
const JOBS_MAX: usize = 64;

/// What one run counted so far.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) started: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) artifacts: u64,
    pub(super) bad: u64,
    pub(super) touched: u64,
    pub(super) unread: u64,
    pub(super) bytes: u64,
    pub(super) stopped: Option<String>,
}

impl Counted {
    fn from(started: Timestamp) -> Self {
        Self { started, ended: None, artifacts: 0, bad: 0, touched: 0, unread: 0, bytes: 0, stopped: None }
    }

    fn shown(&self) -> Result<ScrubRun, Failure> {
        let count = |n| Count::new(n).map_err(Failure::internal);
        Ok(ScrubRun {
            started: self.started,
            ended: self.ended,
            artifacts: count(self.artifacts)?,
            bad: count(self.bad)?,
            touched: count(self.touched)?,
            unread: count(self.unread)?,
            bytes: ByteSize::new(self.bytes).map_err(Failure::internal)?,
            stopped: self.stopped.clone(),
        })
    }
}

/// The run that goes on, and the one before.
#[derive(Debug, Default)]
struct Runs {
    running: Option<Counted>,
    last: Option<Counted>,
}

/// How the worker is reached, and what it does.
pub(in super::super) struct Scrubbing {
    jobs: mpsc::Sender<Job>,
    /// Until the worker takes it.
    waiting: Mutex<Option<mpsc::Receiver<Job>>>,
    runs: Mutex<Runs>,
    /// Whoever logs what was found holds it, so that nothing old is logged behind something new.
    pub(super) logging: tokio::sync::Mutex<()>,
}

impl Scrubbing {
    pub(in super::super) fn new() -> Self {
        let (jobs, waiting) = mpsc::channel(JOBS_MAX);
        let waiting = Mutex::new(Some(waiting));
        Self { jobs, waiting, runs: Mutex::default(), logging: tokio::sync::Mutex::new(()) }
    }

    pub(super) fn take_jobs(&self) -> Option<mpsc::Receiver<Job>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Hands a job to the worker, unless it has more than enough.
    pub(super) fn hand(&self, job: Job) -> bool {
        self.jobs.try_send(job).is_ok()
    }

    /// Begins a run, unless one goes on.
    pub(super) fn begin(&self, now: Timestamp) -> bool {
        let mut runs = self.runs();
        let is_free = runs.running.is_none();
        if is_free {
            runs.running = Some(Counted::from(now));
        }
        is_free
    }

    /// Counts something in the run that goes on.
    pub(super) fn count(&self, count: impl FnOnce(&mut Counted)) {
        if let Some(running) = &mut self.runs().running {
            count(running);
        }
    }

    /// Ends the run. One that had nothing to do is not worth to be shown.
    pub(super) fn end(&self, now: Timestamp, stopped: Option<String>) -> Option<Counted> {
        let mut runs = self.runs();
        let mut ended = runs.running.take()?;
        (ended.ended, ended.stopped) = (Some(now), stopped);
        runs.last = Some(ended.clone());
        Some(ended)
    }

    /// Forgets a run that never was.
    pub(super) fn forget(&self) {
        self.runs().running = None;
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Begins a run when it is asked to, and says how scrubbing does. For whoever may work on this node.
    pub async fn operate_scrub(&self, request: ScrubRequest) -> Result<ScrubStatus, Failure> {
        if let Some(order) = request.start {
            self.begin_run(order.try_into()?)?;
        }
        self.scrub_status().await
    }

    fn begin_run(&self, order: Order) -> Result<(), Failure> {
        let scrubbing = &self.inner.scrubbing;
        if !scrubbing.begin(self.now()) {
            let detail = "a run goes on already: ask again when it has ended";
            return Err(Failure::new(ProblemCode::Conflict, detail));
        }
        if scrubbing.hand(Job::Run(order)) {
            return Ok(());
        }
        scrubbing.forget();
        let detail = "the registry is shutting down, or busy with what it found bad: ask again later";
        Err(Failure::new(ProblemCode::Unavailable, detail))
    }

    /// How scrubbing does, over all namespaces.
    pub(in super::super) async fn scrub_status(&self) -> Result<ScrubStatus, Failure> {
        let soundness = self.log().index().scan(|view| view.soundness().map_err(Failure::from)).await?;
        let (running, last) = {
            let runs = self.inner.scrubbing.runs();
            let shown = |counted: &Option<Counted>| counted.as_ref().map(Counted::shown).transpose();
            (shown(&runs.running)?, shown(&runs.last)?)
        };
        let oldest = soundness.oldest;
        Ok(ScrubStatus {
            full: oldest.as_ref().and_then(|fact| fact.scrub).map(|scrub| scrub.time),
            oldest: oldest.map(|fact| fact.artifact.r#ref),
            unsound: Count::new(soundness.unsound).map_err(Failure::internal)?,
            running,
            last,
        })
    }
}

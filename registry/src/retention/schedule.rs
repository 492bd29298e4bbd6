//! Runs by itself and on demand, one at a time: the first some minutes after the start, then one whenever the interval is
//! over. Whatever goes wrong is logged and counted, and tried again the next time.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{SweepReport, SweepRun, SweepStatus};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::{SweepError, Sweeper};

/// Whoever starts a node to look at it wants nothing to be swept meanwhile.
const FIRST: Duration = Duration::from_mins(15);
/// How often the uptime is written down.
const MINUTE: Duration = Duration::from_mins(1);

/// The tasks of a sweeper; they end when this is dropped.
pub struct SweepTask {
    sweeper: Sweeper,
    tasks: JoinSet<()>,
}

impl SweepTask {
    /// Ends them wherever they are, and writes down how long the node has run.
    pub async fn end(mut self) {
        self.tasks.shutdown().await;
        self.sweeper.save_uptime().await;
    }
}

/// How the runs of the task do, and orders for it.
#[derive(Debug)]
pub(super) struct Runs {
    orders: mpsc::Sender<bool>,
    status: Mutex<SweepStatus>,
}

impl Runs {
    /// With the receiving end of its orders: one may wait.
    pub(super) fn new() -> (Self, mpsc::Receiver<bool>) {
        let (orders, ordered) = mpsc::channel(1);
        (
            Self { orders, status: Mutex::new(SweepStatus { running: None, last: None, newest: None }) },
            ordered,
        )
    }

    fn status(&self) -> MutexGuard<'_, SweepStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the uptime, and sweeps at this interval and whenever it is ordered.
pub(super) fn start(sweeper: &Sweeper, ordered: mpsc::Receiver<bool>, every: Option<Duration>) -> SweepTask {
    let mut tasks = JoinSet::new();
    tasks.spawn(count_uptime(sweeper.clone()));
    tasks.spawn(sweep_in_turn(sweeper.clone(), ordered, every));
    SweepTask { sweeper: sweeper.clone(), tasks }
}

impl Sweeper {
    /// Orders a run; whether none goes on and none was ordered yet.
    pub fn order(&self, dry_run: bool) -> bool {
        let mut status = self.inner.runs.status();
        let is_free = status.running.is_none() && self.inner.runs.orders.try_send(dry_run).is_ok();
        if is_free {
            status.running = Some(self.clock_time());
        }
        is_free
    }

    /// How its runs do.
    pub fn status(&self) -> SweepStatus {
        SweepStatus { newest: self.last(), ..self.inner.runs.status().clone() }
    }

    async fn run_in_turn(&self, dry_run: bool) {
        let started = *self.inner.runs.status().running.get_or_insert(self.clock_time());
        let outcome = AssertUnwindSafe(self.sweep(dry_run)).catch_unwind().await;
        let outcome = outcome.map_err(|_| "it failed inside".to_owned()).and_then(|swept| {
            log_end(&swept);
            swept.map_err(|error| error.to_string())
        });
        let (report, failed) = match outcome {
            Ok(report) => (Some(report), None),
            Err(reason) => (None, Some(reason)),
        };
        let run = SweepRun { started, ended: self.clock_time(), report, failed };
        *self.inner.runs.status() = SweepStatus { running: None, last: Some(run), newest: None };
    }

    async fn save_uptime(&self) {
        let inner = self.inner.clone();
        if let Err(error) = self.inner.parts.blocking.run(move || inner.uptime.save()).await {
            tracing::warn!(%error, "the uptime cannot be written down; windows end later");
        }
    }

    fn clock_time(&self) -> Timestamp {
        Timestamp::from_ms(self.inner.parts.clock.now_ms())
    }
}

fn log_end(swept: &Result<SweepReport, SweepError>) {
    match swept {
        Ok(report) if report.dry_run => {}
        Ok(report) => tracing::info!(
            announced = report.announced.len(),
            ended = report.ended.len(),
            objects = report.objects.get(),
            bytes = report.bytes.get(),
            "swept"
        ),
        Err(SweepError::Busy | SweepError::NoPolicy) => {}
        Err(error) => tracing::error!(error = error as &dyn std::error::Error, "a sweep was cut short"),
    }
}

async fn sweep_in_turn(sweeper: Sweeper, mut ordered: mpsc::Receiver<bool>, every: Option<Duration>) {
    let mut next = every.map(|every| Instant::now() + FIRST.min(every));
    loop {
        let dry_run = tokio::select! {
            order = ordered.recv() => match order {
                Some(dry_run) => dry_run,
                None => return,
            },
            () = due(next) => {
                next = every.map(|every| Instant::now() + every);
                false
            }
        };
        sweeper.run_in_turn(dry_run).await;
    }
}

/// Waits for a moment; for ever where there is none.
async fn due(next: Option<Instant>) {
    match next {
        Some(next) => sleep_until(next).await,
        None => std::future::pending().await,
    }
}

/// Writes down how long the node runs, and since when it knows of each intention.
async fn count_uptime(sweeper: Sweeper) {
    loop {
        sleep(MINUTE).await;
        match sweeper.standing(sweeper.log_time()).await {
            Ok(standing) => sweeper.inner.uptime.note(&standing),
            Err(error) => tracing::warn!(%error, "what is announced to end cannot be read"),
        }
        sweeper.save_uptime().await;
    }
}

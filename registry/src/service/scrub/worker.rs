//! The task that reads back what is stored: one run at a time, when it is asked to and by itself.

use std::num::NonZeroU64;
use std::time::Duration;

use holdfast_formats::name::Namespace;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::super::Service;
use super::order::{Choice, Order};
use super::quarantine::Quarantine;
use crate::blobs::BadObjects;
use crate::config::ScrubConfig;

/// How long after its start a node begins by itself.
const FIRST_LOOK: Duration = Duration::from_mins(10);
/// How often it looks whether anything is due.
const LOOK_EVERY: Duration = Duration::from_hours(1);
/// A run that it began by itself ends then, and the next one goes on.
const RUN_MAX: Duration = Duration::from_hours(6);

/// What the worker does.
#[derive(Debug)]
pub(super) enum Job {
    /// A run, which was noted already.
    Run(Order),
    /// To find what needs these objects.
    Touched(Namespace, BadObjects),
}

/// The task; it ends when this is dropped.
pub struct ScrubWorker(JoinSet<()>);

impl ScrubWorker {
    /// Ends it wherever it is. What it logged is kept, and the next run goes on behind that.
    pub async fn end(mut self) {
        self.0.shutdown().await;
    }
}

impl Service {
    /// Starts the worker. Without an interval it works only when it is asked to.
    pub fn start_scrubbing(&self, config: ScrubConfig) -> ScrubWorker {
        let mut task = JoinSet::new();
        if let Some(jobs) = self.inner.scrubbing.take_jobs() {
            task.spawn(work(self.clone(), jobs, config));
            task.spawn(doubt(self.clone(), self.log().index().damage()));
        }
        ScrubWorker(task)
    }
}

async fn work(service: Service, mut jobs: Receiver<Job>, config: ScrubConfig) {
    let mut quarantine = Quarantine::new();
    let mut look_at = Instant::now() + FIRST_LOOK;
    loop {
        tokio::select! {
            job = jobs.recv() => match job {
                Some(Job::Run(order)) => service.run(order, &mut quarantine, &mut jobs).await,
                Some(Job::Touched(namespace, bad)) => {
                    quarantine.add(&namespace, &bad);
                    service.pass_quietly(&mut quarantine).await;
                }
                None => return,
            },
            () = tokio::time::sleep_until(look_at), if config.every.is_some() => {
                look_at = Instant::now() + LOOK_EVERY;
                if let Some(order) = due(config.every, config.bytes_per_s)
                    && service.inner.scrubbing.begin(service.now())
                {
                    service.run(order, &mut quarantine, &mut jobs).await;
                }
            }
        }
    }
}

/// Whatever any node found damaged, this one looks at what it took for good.
async fn doubt(service: Service, mut damage: watch::Receiver<u64>) {
    while damage.changed().await.is_ok() {
        service.inner.blobs.doubt_all();
    }
}

fn due(every: Option<Duration>, bytes_per_s: Option<NonZeroU64>) -> Option<Order> {
    let choice = Choice::Due(every?);
    Some(Order { choice, namespace: None, bytes_per_s, ends_after: Some(RUN_MAX) })
}

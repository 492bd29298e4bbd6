//! Bounded blocking work: file system calls, hashing and SQLite leave the async threads through here only.
//!
//! Without a bound, each waiting request would hold a thread and a buffer of its own. Hashing has a bound of its own, one
//! job a core: more of them at once finish no sooner, and keep everybody else from the cores. Short jobs have few threads
//! of their own.

mod lane;

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use lane::Lane;

/// Hashing and unpacking so many bytes takes less than to hand them to another thread and back.
const SMALL_BYTES_MAX: usize = 16 * 1024;

/// A pool of blocking slots; clones share them.
#[derive(Clone, Debug)]
pub struct Blocking {
    slots: Arc<Semaphore>,
    cores: Arc<Semaphore>,
    reads: Lane,
    writes: Lane,
}

impl Blocking {
    /// At most `limit` jobs at a time; the others wait in order of arrival.
    pub fn new(limit: NonZeroUsize) -> Self {
        let slots = Arc::new(Semaphore::new(limit.get().min(Semaphore::MAX_PERMITS)));
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let (reads, writes) = (Lane::of(cores, "reads"), Lane::of(2 * cores, "writes"));
        Self { slots, cores: Arc::new(Semaphore::new(cores)), reads, writes }
    }

    /// Runs `job` on a blocking thread.
    ///
    /// A job runs to its end, and keeps its slot, even when the caller stops waiting. A panic in it continues in the
    /// caller. When the runtime is shutting down, a job that has not begun never will, and this never returns.
    pub async fn run<T, F>(&self, job: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        run_within(&self.slots, job).await
    }

    /// [`run`](Self::run) for a job that reads a little of what is most likely in memory, such as the index.
    pub async fn read<T, F>(&self, job: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        finished(self.reads.begin(job)).await
    }

    /// [`run`](Self::run) for a job that writes a little and flushes nothing. It may wait for the file system's journal,
    /// so readers do not wait for it.
    pub async fn write<T, F>(&self, job: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        finished(self.writes.begin(job)).await
    }

    /// Runs pure work on so many bytes: a little of it at once, the rest on a blocking thread when a core is free for it.
    pub async fn compute<T, F>(&self, bytes: usize, job: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if bytes <= SMALL_BYTES_MAX { job() } else { run_within(&self.cores, job).await }
    }
}

/// A place that is given to somebody whom nobody polls is lost to all others: a task of its own waits for one.
async fn run_within<T, F>(places: &Arc<Semaphore>, job: F) -> T
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let places = Arc::clone(places);
    let task = match Arc::clone(&places).try_acquire_owned() {
        Ok(place) => begin(place, job),
        Err(_) => tokio::spawn(async move {
            let place = places.acquire_owned().await.expect("the semaphore is never closed");
            finished(begin(place, job)).await
        }),
    };
    finished(task).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that spawns blocking work, behind the semaphores"
)]
fn begin<T, F>(place: OwnedSemaphorePermit, job: F) -> JoinHandle<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    tokio::task::spawn_blocking(move || {
        let _place = place;
        job()
    })
}

async fn finished<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => std::future::pending().await,
    }
}

/// Runs a task that blocks between its awaits, on a thread of its own: it takes no slot, and no async thread.
#[expect(clippy::disallowed_methods, reason = "a task that runs as long as its process, and there is one")]
pub fn spawn_on_own_thread<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let runtime = Handle::current();
    // Boxed, because its type would be compiled once for each way in which a runtime runs a future.
    let task: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(task);
    tokio::task::spawn_blocking(move || runtime.block_on(task))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[tokio::test]
    async fn no_more_jobs_run_at_once_than_there_are_slots() {
        let blocking = Blocking::new(NonZeroUsize::new(2).expect("two is not zero"));
        let running = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let jobs = (0..12).map(|_| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            blocking.run(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
                running.fetch_sub(1, Ordering::SeqCst);
            })
        });
        futures::future::join_all(jobs).await;
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn whoever_is_not_polled_while_it_waits_holds_up_nobody() {
        let blocking = Blocking::new(NonZeroUsize::MIN);
        let mut first = Box::pin(blocking.run(|| std::thread::sleep(Duration::from_millis(20))));
        let mut second = Box::pin(blocking.run(|| {}));
        assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());
        let third = tokio::time::timeout(Duration::from_secs(10), blocking.run(|| 3)).await;
        assert_eq!(third, Ok(3), "the second has its turn, and nobody asks it");
    }

    #[tokio::test]
    #[should_panic(expected = "from inside")]
    async fn panic_of_a_job_reaches_the_caller() {
        let blocking = Blocking::new(NonZeroUsize::MIN);
        blocking.run(|| panic!("from inside")).await;
    }
}

//! Bounded blocking work: file system calls, hashing and SQLite leave the async threads through here only.
//!
//! Without a bound, each waiting request would hold a thread and a buffer of its own. Hashing has a bound of its own, one
//! job a core: more of them at once finish no sooner, and keep everybody else from the cores. Short jobs have few threads
//! of their own.

mod lane;

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

use futures::future;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;

use lane::Lane;

/// Hashing and unpacking so many bytes takes less than to hand them to another thread and back.
const SMALL_BYTES_MAX: usize = 16 * 1024;

/// Where blocking work runs; clones share it.
#[derive(Clone, Debug)]
pub struct Blocking {
    /// `None`: nowhere else, but at once.
    pool: Option<Pool>,
}

/// Threads, and how many jobs they may have.
#[derive(Clone, Debug)]
struct Pool {
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
        Self { pool: Some(Pool { slots, cores: Arc::new(Semaphore::new(cores)), reads, writes }) }
    }

    /// No thread but the one that asks: every job runs at once, in its caller's turn. For simulations, in which the order of
    /// events must not depend on threads. A server would stand still during each job.
    pub const fn at_once() -> Self {
        Self { pool: None }
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
        match &self.pool {
            Some(pool) => run_within(&pool.slots, job).await,
            None => job(),
        }
    }

    /// [`run`](Self::run) for a job that reads a little of what is most likely in memory, such as the index.
    pub async fn read<T, F>(&self, job: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match &self.pool {
            Some(pool) => finished(pool.reads.begin(job)).await,
            None => job(),
        }
    }

    /// [`run`](Self::run) for a job that writes a little and flushes nothing. It may wait for the file system's journal,
    /// so readers do not wait for it.
    pub async fn write<T, F>(&self, job: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match &self.pool {
            Some(pool) => finished(pool.writes.begin(job)).await,
            None => job(),
        }
    }

    /// Runs pure work on so many bytes: a little of it at once, the rest on a blocking thread when a core is free for it.
    pub async fn compute<T, F>(&self, bytes: usize, job: F) -> T
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match &self.pool {
            Some(pool) if bytes > SMALL_BYTES_MAX => run_within(&pool.cores, job).await,
            _ => job(),
        }
    }

    /// Runs a task that blocks between its awaits, on a thread of its own: it takes no slot, and no async thread.
    pub fn spawn_alone(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        // Boxed, because its type would be compiled once for each way in which a runtime runs a future.
        let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(task);
        if self.pool.is_some() { on_own_thread(task) } else { tokio::spawn(task) }
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

#[expect(clippy::disallowed_methods, reason = "a task that runs as long as its process, and there is one")]
fn on_own_thread(task: Pin<Box<dyn Future<Output = ()> + Send>>) -> JoinHandle<()> {
    let runtime = Handle::current();
    // A runtime that ends drops its tasks, and waits for its threads: this one would wait for a job that is never run.
    let (mut up, down) = oneshot::channel::<()>();
    drop(tokio::spawn(async move { up.closed().await }));
    tokio::task::spawn_blocking(move || drop(runtime.block_on(future::select(task, down))))
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
        future::join_all(jobs).await;
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
    async fn without_threads_every_job_is_done_when_its_caller_goes_on() {
        let (blocking, here) = (Blocking::at_once(), std::thread::current().id());
        let mut first = Box::pin(blocking.run(move || std::thread::current().id() == here));
        assert_eq!(futures::poll!(&mut first), std::task::Poll::Ready(true));
        assert!(blocking.read(move || std::thread::current().id() == here).await);
        let alone = blocking.spawn_alone(async move { assert_eq!(std::thread::current().id(), here) });
        alone.await.expect("it ends well");
    }

    #[test]
    fn a_runtime_that_ends_does_not_wait_for_what_waits_for_it() {
        let (ended, end) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("it starts");
            runtime.block_on(async {
                drop(Blocking::new(NonZeroUsize::MIN).spawn_alone(std::future::pending()));
            });
            drop(runtime);
            ended.send(())
        });
        assert_eq!(end.recv_timeout(Duration::from_secs(10)), Ok(()));
    }

    #[tokio::test]
    #[should_panic(expected = "from inside")]
    async fn panic_of_a_job_reaches_the_caller() {
        let blocking = Blocking::new(NonZeroUsize::MIN);
        blocking.run(|| panic!("from inside")).await;
    }
}

//! Bounded blocking work: files, hashing and compression leave the async threads through here only.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;

use tokio::sync::{Semaphore, oneshot};

/// More jobs than this would only wait for the same disk and cores, each holding its buffer.
static SLOTS: Semaphore = Semaphore::const_new(8);

/// Compressing so many bytes takes less than to hand them to another thread and back.
const SMALL_BYTES_MAX: u64 = 16 * 1024;

/// Runs `job` on a blocking thread. A panic in it continues in the caller.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that spawns blocking work, behind the semaphore"
)]
pub(crate) async fn run<T, F>(job: F) -> T
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let slot = SLOTS.acquire().await.expect("the semaphore is never closed");
    let task = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        job()
    });
    match task.await {
        Ok(value) => value,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        // The runtime is shutting down, and whoever waits is being dropped.
        Err(_) => std::future::pending().await,
    }
}

/// Runs pure work on so many bytes: a little of it at once.
pub(crate) async fn compute<T, F>(bytes: u64, job: F) -> T
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if bytes <= SMALL_BYTES_MAX { job() } else { run(job).await }
}

/// Runs a job that waits for whoever takes what it makes, on a thread of its own: with slots held by such jobs, those
/// who are to take it could wait for one for ever.
#[expect(clippy::disallowed_methods, reason = "one such job an upload, and it ends with it")]
pub(crate) fn spawn(job: impl FnOnce() + Send + 'static) {
    // It reports to whoever takes what it makes.
    drop(tokio::task::spawn_blocking(job));
}

/// Runs a job that waits for whoever takes what it makes, like [`spawn`], and gives back what it comes to.
pub(crate) async fn alone<T, F>(job: F) -> T
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let (done, result) = oneshot::channel();
    spawn(move || drop(done.send(catch_unwind(AssertUnwindSafe(job)))));
    match result.await {
        Ok(Ok(value)) => value,
        Ok(Err(panic)) => resume_unwind(panic),
        // The runtime is shutting down, and whoever waits is being dropped.
        Err(_) => std::future::pending().await,
    }
}

/// One thread for jobs that keep what they allocate. Run wherever there is a free thread, each gets its memory from another
/// arena of the allocator, and what they keep takes several times the room.
#[derive(Debug)]
pub(crate) struct OneThread(mpsc::Sender<Box<dyn FnOnce() + Send>>);

impl OneThread {
    /// Starts it; it ends when this is dropped and its jobs are done.
    pub(crate) fn start() -> Self {
        let (jobs, coming) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        drop(thread::spawn(move || coming.into_iter().for_each(|job| job())));
        Self(jobs)
    }

    /// Runs `job` when those before it are done. A panic in it continues in the caller.
    pub(crate) fn run<T, F>(&self, job: F) -> impl Future<Output = T> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let job = move || drop(done.send(catch_unwind(AssertUnwindSafe(job))));
        // No job of its ends the thread, so it takes all that come.
        drop(self.0.send(Box::new(job)));
        async move {
            match result.await.expect("a job always says what became of it") {
                Ok(value) => value,
                Err(panic) => resume_unwind(panic),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_of_one_thread_run_there_in_their_order_and_a_panic_is_the_caller_s() {
        let one = OneThread::start();
        let first = one.run(|| thread::current().id());
        let broken = one.run(|| panic!("on purpose"));
        let last = one.run(|| thread::current().id());
        assert_eq!(last.await, first.await);
        let caught = tokio::spawn(broken).await;
        assert!(caught.unwrap_err().is_panic());
    }
}

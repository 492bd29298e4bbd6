//! Bounded blocking work: files, hashing and compression leave the async threads through here only.

use tokio::sync::Semaphore;

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
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
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
    let (done, result) = tokio::sync::oneshot::channel();
    spawn(move || drop(done.send(std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)))));
    match result.await {
        Ok(Ok(value)) => value,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        // The runtime is shutting down, and whoever waits is being dropped.
        Err(_) => std::future::pending().await,
    }
}

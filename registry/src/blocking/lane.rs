//! Short jobs: reading the index, writing small files. To wake a thread for each would cost more than the job itself; a few
//! threads that find the next job waiting do not sleep in between.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Some threads of their own; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Lane(Arc<Threads>);

/// A scheduler that runs nothing but such jobs, so that what blocks in it holds up nothing else.
#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Lane {
    /// Starts so many threads.
    pub(super) fn of(threads: usize, name: &str) -> Self {
        let started = Builder::new_multi_thread().worker_threads(threads).thread_name(name).build();
        Self(Arc::new(Threads(Some(started.expect("a process that may start no thread can do nothing")))))
    }

    /// Puts a job in line.
    pub(super) fn begin<T, F>(&self, job: F) -> JoinHandle<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let threads = self.0.0.as_ref().expect("they are there until the last clone is dropped");
        threads.spawn(async move { job() })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // The last clone may go on a thread that must not wait for others.
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}

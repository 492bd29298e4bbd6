//! The durability barrier: one flush for all who asked before it began.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use super::durability::Flush;
use crate::blocking::Blocking;
use crate::objects::error::ObjectError;
use crate::telemetry::Fatal;

/// How long a flush waits for others when some have come already: it costs about the same for one and for many.
const GATHER: Duration = Duration::from_millis(2);

/// Whoever comes while a flush runs waits for the next one: the running one may have passed their files already.
#[derive(Debug)]
pub(in crate::objects) struct Barrier {
    flush: Arc<Flush>,
    fatal: Fatal,
    /// Tickets given out.
    asked: AtomicU64,
    /// Tickets up to this one are durable.
    covered: AtomicU64,
    turn: Mutex<()>,
}

impl Barrier {
    pub(super) fn new(flush: Arc<Flush>, fatal: Fatal) -> Self {
        Self { flush, fatal, asked: AtomicU64::new(0), covered: AtomicU64::new(0), turn: Mutex::new(()) }
    }

    /// Returns when everything written before the call is durable. Whether it ran a flush itself is returned for tests.
    pub(in crate::objects) async fn wait(&self, blocking: &Blocking) -> Result<bool, ObjectError> {
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let _turn = self.turn.lock().await;
        if self.covered.load(Ordering::SeqCst) >= ticket {
            return Ok(false);
        }
        if self.asked.load(Ordering::SeqCst) > ticket {
            tokio::time::sleep(GATHER).await;
        }
        let upto = self.asked.load(Ordering::SeqCst);
        let flush = Arc::clone(&self.flush);
        blocking.run(move || flush.flush()).await.map_err(|source| {
            self.fatal.end(&format!("flushing the store failed: {source}"));
            ObjectError::NotDurable { what: "the store".to_owned(), source }
        })?;
        self.covered.fetch_max(upto, Ordering::SeqCst);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;
    use std::sync::atomic::AtomicBool;

    fn slots() -> Blocking {
        Blocking::new(NonZeroUsize::new(4).expect("four is not zero"))
    }

    #[tokio::test]
    async fn all_who_ask_while_a_flush_runs_share_the_next_one() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let flush = Flush::open(directory.path()).expect("the directory opens");
        let barrier = Barrier::new(Arc::new(flush), Fatal::process());
        let blocking = slots();
        let ran = futures::future::join_all((0..64).map(|_| barrier.wait(&blocking))).await;
        let flushes = ran.into_iter().filter(|ran| matches!(ran, Ok(true))).count();
        // The first asked alone; the 63 that came while it ran share one.
        assert_eq!(flushes, 2);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn t2_failed_flush_ends_the_process_and_acknowledges_nobody() {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let fatal = Fatal::hook(move |_| seen.store(true, Ordering::SeqCst));
        let barrier = Barrier::new(Arc::new(Flush::failing()), fatal);
        let blocking = slots();
        assert!(matches!(barrier.wait(&blocking).await, Err(ObjectError::NotDurable { .. })));
        assert!(matches!(barrier.wait(&blocking).await, Err(ObjectError::NotDurable { .. })));
        assert!(ended.load(Ordering::SeqCst));
    }
}

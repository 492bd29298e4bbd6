//! Publishes on their way into the log: from before their content is looked for until their entry is logged or refused.
//!
//! Whoever is about to name objects in a sweep waits for those that began before: they may have found the objects in
//! their place. What may still stand in the queue counts, whether or not anybody waits for it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The publishes of one node; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tickets: Mutex<Tickets>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Tickets {
    next: u64,
    open: BTreeSet<u64>,
}

/// One publish on its way; dropped when it is there, or given up.
#[derive(Debug)]
pub struct Publishing {
    in_flight: InFlight,
    ticket: u64,
}

impl InFlight {
    pub(super) fn enter(&self) -> Publishing {
        let mut tickets = self.lock();
        let ticket = tickets.next;
        tickets.next += 1;
        tickets.open.insert(ticket);
        Publishing { in_flight: self.clone(), ticket }
    }

    /// Returns when all that are on their way now have arrived.
    pub(super) async fn settled(&self) {
        let upto = self.lock().next;
        loop {
            let ended = self.0.ended.notified();
            if self.lock().open.first().is_none_or(|oldest| *oldest >= upto) {
                return;
            }
            ended.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tickets> {
        // Whole after any panic: it is changed by single calls.
        self.0.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.in_flight.lock().open.remove(&self.ticket);
        self.in_flight.0.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_those_on_their_way_does_not_wait_for_later_ones() {
        let in_flight = InFlight::default();
        let (first, second) = (in_flight.enter(), in_flight.enter());
        let mut settled = Box::pin(in_flight.settled());
        assert!(futures::poll!(&mut settled).is_pending());
        let _later = in_flight.enter();
        drop(second);
        assert!(futures::poll!(&mut settled).is_pending());
        drop(first);
        assert!(futures::poll!(&mut settled).is_ready());
    }
}

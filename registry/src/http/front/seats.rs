//! Who has a place when there are more connections than places.
//!
//! A limit alone would let anybody who opens that many silent connections lock out everybody else until the head deadline.
//! So a newcomer takes the place of whoever has the least claim to one: first the oldest connection that never sent a
//! whole request head, then one that has kept us waiting for a while. Whoever is being answered stays.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::task::AbortHandle;

use super::activity::{Activity, Standing};

/// How many who have asked before are looked at for one newcomer.
const LOOKS_MAX: usize = 64;

/// The places in the order in which they were taken.
#[derive(Debug)]
pub(super) struct Seats {
    /// Who had not sent a whole request head when last looked at.
    strangers: VecDeque<Seat>,
    /// Who had.
    known: VecDeque<Seat>,
    /// Seats are looked through for those who left when there are so many.
    tidied_at: usize,
}

#[derive(Debug)]
struct Seat {
    activity: Arc<Activity>,
    task: AbortHandle,
}

impl Seats {
    /// For so many connections at a time.
    pub(super) fn at_most(connections_max: usize) -> Self {
        Self {
            strangers: VecDeque::new(),
            known: VecDeque::new(),
            tidied_at: connections_max.saturating_mul(2),
        }
    }

    /// A connection is served by this task.
    pub(super) fn take(&mut self, activity: Arc<Activity>, task: AbortHandle) {
        if self.strangers.len() + self.known.len() >= self.tidied_at {
            self.strangers.retain(|seat| !seat.task.is_finished());
            self.known.retain(|seat| !seat.task.is_finished());
        }
        self.strangers.push_back(Seat { activity, task });
    }

    /// Ends the connection with the least claim; false when there is none.
    pub(super) fn give_up_one(&mut self) -> bool {
        self.give_up_stranger() || self.give_up_known()
    }

    fn give_up_stranger(&mut self) -> bool {
        while let Some(seat) = self.strangers.pop_front() {
            match seat.activity.standing() {
                _ if seat.task.is_finished() => {}
                Standing::Stranger => {
                    seat.task.abort();
                    return true;
                }
                Standing::KeepsUsWaiting | Standing::Busy => self.known.push_back(seat),
            }
        }
        false
    }

    fn give_up_known(&mut self) -> bool {
        for _ in 0..self.known.len().min(LOOKS_MAX) {
            let Some(seat) = self.known.pop_front() else { break };
            match seat.activity.standing() {
                _ if seat.task.is_finished() => {}
                Standing::KeepsUsWaiting => {
                    seat.task.abort();
                    return true;
                }
                Standing::Stranger | Standing::Busy => self.known.push_back(seat),
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::task::JoinSet;
    use tokio::task::yield_now;

    use super::*;
    use crate::telemetry::Metrics;

    struct Hall {
        seats: Seats,
        tasks: JoinSet<()>,
    }

    impl Hall {
        fn new() -> Self {
            Self { seats: Seats::at_most(4), tasks: JoinSet::new() }
        }

        fn enter(&mut self) -> Arc<Activity> {
            let activity = Activity::new(Arc::new(Metrics::new()));
            self.seats.take(Arc::clone(&activity), self.tasks.spawn(pending()));
            activity
        }
    }

    #[tokio::test]
    async fn strangers_go_oldest_first_and_whoever_is_being_answered_stays() {
        let mut hall = Hall::new();
        let (busy, _stranger) = (hall.enter(), hall.enter());
        let _running = busy.request_started(false);
        assert!(hall.seats.give_up_one(), "the stranger goes");
        assert!(!hall.seats.give_up_one(), "the other is being answered");
        yield_now().await;
        assert_eq!(hall.tasks.len(), 2);
        assert!(hall.tasks.join_next().await.expect("one ended").expect_err("by force").is_cancelled());
    }

    #[tokio::test]
    async fn whoever_has_asked_goes_only_after_a_while_of_silence() {
        let mut hall = Hall::new();
        drop(hall.enter().request_started(false));
        assert!(!hall.seats.give_up_one(), "it has just asked");
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        assert!(hall.seats.give_up_one());
    }

    #[tokio::test]
    async fn seats_of_those_who_left_are_forgotten() {
        let mut hall = Hall::new();
        for _ in 0..100 {
            hall.enter();
            hall.tasks.abort_all();
            while hall.tasks.join_next().await.is_some() {}
        }
        assert!(hall.seats.strangers.len() <= 8, "{} seats", hall.seats.strangers.len());
        assert!(!hall.seats.give_up_one());
    }
}

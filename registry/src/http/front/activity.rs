//! What happens on one connection, and whether it has taken too long.
//!
//! Written by the stream and the service, read by the connection's watchdog. Atomics, so that a request costs a few
//! nanoseconds and no timer of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::limits::FrontLimits;
use crate::telemetry::Metrics;

/// No moment: nothing of the kind is going on.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    requests_running: AtomicU32,
    had_request: AtomicBool,
    is_http2: AtomicBool,
    /// When the last request ended.
    idle_since_ms: AtomicU64,
    /// When the first byte of a head came that is not whole yet.
    head_since_ms: AtomicU64,
    /// Bytes that came since the last request began and stand against no byte of a body.
    unasked_bytes: AtomicU64,
    /// Since when the socket has taken no bytes.
    blocked_since_ms: AtomicU64,
    /// Responses of which a piece was handed over and the next not asked for.
    responses_owed: AtomicU32,
    /// When the last such piece was handed over.
    owed_since_ms: AtomicU64,
    metrics: Arc<Metrics>,
}

/// What the watchdog does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again after this time.
    Fine(Duration),
    /// Close the connection, for this reason.
    Expired(&'static str),
}

/// What a connection is to us when another one wants its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// No whole request head has come yet.
    Stranger,
    /// For a while now it has asked for nothing, or taken nothing of what it asked for.
    KeepsUsWaiting,
    /// It is being answered, or was a moment ago.
    Busy,
}

/// What is received and not read yet counts too, and windows leave room for 1 MiB of that.
const UNASKED_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// A client that goes on asking pauses for less.
const A_WHILE: Duration = Duration::from_secs(1);

impl Activity {
    pub(super) fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            requests_running: AtomicU32::new(0),
            had_request: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            idle_since_ms: AtomicU64::new(0),
            head_since_ms: AtomicU64::new(0),
            unasked_bytes: AtomicU64::new(0),
            blocked_since_ms: AtomicU64::new(NEVER),
            responses_owed: AtomicU32::new(0),
            owed_since_ms: AtomicU64::new(NEVER),
            metrics,
        })
    }

    /// A whole request head was read. The request runs until the guard is dropped, after its last response byte.
    pub(super) fn request_started(self: &Arc<Self>, is_http2: bool) -> Running {
        self.had_request.store(true, Ordering::Relaxed);
        self.is_http2.store(is_http2, Ordering::Relaxed);
        self.head_since_ms.store(NEVER, Ordering::Relaxed);
        self.unasked_bytes.store(0, Ordering::Relaxed);
        self.requests_running.fetch_add(1, Ordering::Relaxed);
        Running { activity: Arc::clone(self), is_owed: false }
    }

    /// Bytes came. Between two requests of HTTP/1 they begin a head; HTTP/2 also answers pings, so there it says nothing.
    ///
    /// False when too many came with which HTTP/2 asks for nothing: pings, settings and the like keep a processor busy.
    pub(super) fn received(&self, bytes: u64) -> bool {
        let (had_request, is_http2) =
            (self.had_request.load(Ordering::Relaxed), self.is_http2.load(Ordering::Relaxed));
        let between = self.requests_running.load(Ordering::Relaxed) == 0 && !is_http2;
        if between && self.head_since_ms.load(Ordering::Relaxed) == NEVER {
            self.head_since_ms.store(self.now_ms(), Ordering::Relaxed);
        }
        let unasked = self.unasked_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        unasked <= UNASKED_BYTES_MAX || (had_request && !is_http2)
    }

    /// So many bytes of a request's body were read.
    pub(super) fn read(&self, bytes: u64) {
        self.moved(bytes);
        self.metrics.http.received_bytes.inc_by(bytes);
    }

    /// So many bytes of a body were read or sent: what came was for them. Who reads much must often grant a window.
    fn moved(&self, bytes: u64) {
        let less = |unasked: u64| Some(unasked.saturating_sub(bytes));
        let updated = self.unasked_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        debug_assert!(updated.is_ok(), "the closure always gives a value");
    }

    /// The client takes no more bytes for now.
    pub(super) fn blocked(&self) {
        if self.blocked_since_ms.load(Ordering::Relaxed) == NEVER {
            self.blocked_since_ms.store(self.now_ms(), Ordering::Relaxed);
        }
    }

    /// The client takes bytes.
    pub(super) fn unblocked(&self) {
        if self.blocked_since_ms.load(Ordering::Relaxed) != NEVER {
            self.blocked_since_ms.store(NEVER, Ordering::Relaxed);
        }
    }

    fn owed(&self) {
        self.owed_since_ms.store(self.now_ms(), Ordering::Relaxed);
        self.responses_owed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn verdict(&self, limits: &FrontLimits) -> Verdict {
        self.verdict_at(self.now_ms(), limits)
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing_at(self.now_ms())
    }

    fn standing_at(&self, now_ms: u64) -> Standing {
        if !self.had_request.load(Ordering::Relaxed) {
            return Standing::Stranger;
        }
        let is_idle = self.requests_running.load(Ordering::Relaxed) == 0;
        let is_owed = self.responses_owed.load(Ordering::Relaxed) > 0;
        let moments =
            [(true, &self.blocked_since_ms), (is_owed, &self.owed_since_ms), (is_idle, &self.idle_since_ms)];
        let keeps_waiting = moments
            .into_iter()
            .any(|(counts, moment)| counts && since(moment, now_ms).is_some_and(|waited| waited >= A_WHILE));
        if keeps_waiting { Standing::KeepsUsWaiting } else { Standing::Busy }
    }

    fn verdict_at(&self, now_ms: u64, limits: &FrontLimits) -> Verdict {
        let since = |moment: &AtomicU64| since(moment, now_ms);
        let is_owed = self.responses_owed.load(Ordering::Relaxed) > 0;
        let owed_since = is_owed.then(|| since(&self.owed_since_ms)).flatten();
        let blocked = left(since(&self.blocked_since_ms).max(owed_since), limits.stall);
        let head = left(since(&self.head_since_ms), limits.head_deadline);
        let is_idle = self.requests_running.load(Ordering::Relaxed) == 0;
        let had_request = self.had_request.load(Ordering::Relaxed);
        let idle_since = (is_idle && had_request).then(|| since(&self.idle_since_ms)).flatten();
        let idle = left(idle_since, limits.idle);
        if blocked == Some(Duration::ZERO) {
            return Verdict::Expired("the client took no bytes");
        }
        if is_idle && head == Some(Duration::ZERO) {
            return Verdict::Expired("the request head did not arrive in time");
        }
        if idle == Some(Duration::ZERO) {
            return Verdict::Expired("no request came");
        }
        // What starts after this look cannot expire before the shortest limit has passed.
        let shortest = limits.stall.min(limits.head_deadline).min(limits.idle);
        let soonest =
            [blocked, head.filter(|_| is_idle), idle].into_iter().flatten().min().unwrap_or(shortest);
        Verdict::Fine(soonest.min(shortest))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }
}

fn since(moment: &AtomicU64, now_ms: u64) -> Option<Duration> {
    match moment.load(Ordering::Relaxed) {
        NEVER => None,
        ms => Some(Duration::from_millis(now_ms.saturating_sub(ms))),
    }
}

fn left(since: Option<Duration>, limit: Duration) -> Option<Duration> {
    since.map(|since| limit.saturating_sub(since))
}

/// One request that runs; dropping it ends it.
#[derive(Debug)]
pub(super) struct Running {
    activity: Arc<Activity>,
    is_owed: bool,
}

impl Running {
    /// So many bytes of the response were sent.
    pub(super) fn sent(&self, bytes: u64) {
        self.activity.moved(bytes);
        self.activity.metrics.http.sent_bytes.inc_by(bytes);
    }

    /// A piece of the response was handed over, and more will follow: from now on it is the client that keeps us waiting.
    ///
    /// An HTTP/2 client can do so while its socket flows, by granting no window.
    pub(super) fn handed_over(&mut self) {
        if !std::mem::replace(&mut self.is_owed, true) {
            self.activity.owed();
        }
    }

    /// The next piece was asked for: from now on we keep the client waiting.
    pub(super) fn asked_for(&mut self) {
        if std::mem::take(&mut self.is_owed) {
            self.activity.responses_owed.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.asked_for();
        self.activity.idle_since_ms.store(self.activity.now_ms(), Ordering::Relaxed);
        self.activity.requests_running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity() -> Arc<Activity> {
        Activity::new(Arc::new(Metrics::new()))
    }

    fn verdict_after(activity: &Activity, seconds: u64) -> Verdict {
        let limits = FrontLimits {
            connections_max: 1,
            head_deadline: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            body_deadline: Duration::from_secs(30),
            upload_deadline: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            drain_deadline: Duration::from_secs(20),
            streams_max: 1,
        };
        activity.verdict_at(activity.now_ms() + seconds * 1_000, &limits)
    }

    fn expires_between(activity: &Activity, early: u64, late: u64) -> bool {
        matches!(verdict_after(activity, early), Verdict::Fine(_))
            && matches!(verdict_after(activity, late), Verdict::Expired(_))
    }

    #[test]
    fn connection_without_a_head_expires_and_one_with_a_running_request_does_not() {
        let (silent, busy) = (activity(), activity());
        let _running = busy.request_started(false);
        assert!(expires_between(&silent, 9, 11));
        assert!(matches!(verdict_after(&busy, 3_600), Verdict::Fine(_)));
    }

    #[test]
    fn half_a_second_head_expires_sooner_than_an_idle_connection() {
        let (half, idle, http2) = (activity(), activity(), activity());
        drop((half.request_started(false), idle.request_started(false), http2.request_started(true)));
        assert!(half.received(1) && http2.received(1));
        assert!(expires_between(&half, 9, 11));
        assert!(expires_between(&idle, 74, 76));
        assert!(expires_between(&http2, 74, 76), "a ping is no head");
    }

    #[test]
    fn client_that_takes_no_bytes_expires_in_mid_response() {
        let stalled = activity();
        let _running = stalled.request_started(true);
        stalled.blocked();
        assert!(expires_between(&stalled, 29, 31));
        stalled.unblocked();
        assert!(matches!(verdict_after(&stalled, 31), Verdict::Fine(_)));
    }

    #[test]
    fn client_that_asks_for_no_more_expires_and_a_slow_handler_does_not() {
        let activity = activity();
        let mut running = activity.request_started(true);
        running.handed_over();
        assert!(expires_between(&activity, 29, 31));
        running.asked_for();
        assert!(matches!(verdict_after(&activity, 3_600), Verdict::Fine(_)));
        running.handed_over();
        drop(running);
        assert!(expires_between(&activity, 74, 76));
    }

    #[test]
    fn who_asks_has_a_better_standing_than_who_pauses_and_a_stranger_has_none() {
        let activity = activity();
        let in_a_while = activity.now_ms() + 2_000;
        assert_eq!(activity.standing_at(in_a_while), Standing::Stranger);
        let mut running = activity.request_started(true);
        assert_eq!(activity.standing_at(in_a_while), Standing::Busy, "we keep it waiting");
        running.handed_over();
        assert_eq!(activity.standing_at(in_a_while), Standing::KeepsUsWaiting, "it takes nothing");
        running.asked_for();
        activity.blocked();
        assert_eq!(activity.standing_at(in_a_while), Standing::KeepsUsWaiting, "its socket takes nothing");
        activity.unblocked();
        drop(running);
        assert_eq!(activity.standing(), Standing::Busy, "it may ask again at once");
        assert_eq!(activity.standing_at(in_a_while), Standing::KeepsUsWaiting);
    }

    #[test]
    fn bytes_with_which_http2_asks_for_nothing_are_limited_and_bodies_that_are_read_are_not() {
        let activity = activity();
        let _running = activity.request_started(true);
        for _ in 0..10 {
            assert!(activity.received(UNASKED_BYTES_MAX));
            activity.moved(UNASKED_BYTES_MAX);
        }
        assert!(activity.received(UNASKED_BYTES_MAX));
        assert!(!activity.received(1));
        let _next = activity.request_started(true);
        assert!(activity.received(1), "it asks again");
    }
}

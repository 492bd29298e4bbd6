//! Bodies with a deadline on the way in, and a count on the way out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::{Activity, Running};
use super::limits::FrontLimits;

/// Why a request body ended early.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The whole of it took too long, drip by drip.
    #[error("the request body did not arrive in time: send it faster, or in smaller parts")]
    Deadline,
    /// Nothing of it came for too long.
    #[error("the request body stopped arriving: check the connection and send it again")]
    Stalled,
    /// The client went away or broke the protocol.
    #[error("the request body was cut short")]
    Cut(#[from] hyper::Error),
}

/// A request body that must arrive in time.
///
/// An idle timeout alone is beaten by a client that sends a byte now and then, hence the deadline.
#[derive(Debug)]
pub(super) struct TimedBody {
    incoming: Incoming,
    deadline: Instant,
    stall: Duration,
    /// Made when the body first keeps us waiting: most small ones never do.
    alarm: Option<Pin<Box<Sleep>>>,
    alarm_is_stale: bool,
    activity: Arc<Activity>,
}

impl TimedBody {
    pub(super) fn new(incoming: Incoming, limits: &FrontLimits, activity: Arc<Activity>) -> Self {
        let deadline = Instant::now() + limits.deadline_of_body(incoming.size_hint().exact());
        Self { incoming, deadline, stall: limits.stall, alarm: None, alarm_is_stale: false, activity }
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        let at = self.deadline.min(Instant::now() + self.stall);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if std::mem::take(&mut self.alarm_is_stale) {
            alarm.as_mut().reset(at);
        }
        alarm
            .as_mut()
            .poll(cx)
            .map(|()| if Instant::now() < self.deadline { BodyError::Stalled } else { BodyError::Deadline })
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            return self.poll_alarm(cx).map(|error| Some(Err(error)));
        };
        self.alarm_is_stale = true;
        let Some(frame) = frame else { return Poll::Ready(None) };
        if Instant::now() >= self.deadline {
            return Poll::Ready(Some(Err(BodyError::Deadline)));
        }
        if let Ok(data) = frame.as_ref().map(Frame::data_ref) {
            self.activity.read(data.map_or(0, len));
        }
        Poll::Ready(Some(frame.map_err(BodyError::Cut)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// A response body that keeps its request running until it was sent or given up.
#[derive(Debug)]
pub(super) struct CountedBody {
    body: axum::body::Body,
    running: Running,
}

impl CountedBody {
    pub(super) fn new(body: axum::body::Body, mut running: Running) -> Self {
        // An HTTP/2 client that grants no window at all never lets us ask for the first piece.
        if !body.is_end_stream() {
            running.handed_over();
        }
        Self { body, running }
    }
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.running.asked_for();
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            if !self.body.is_end_stream() {
                self.running.handed_over();
            }
            self.running.sent(frame.data_ref().map_or(0, len));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn len(data: &Bytes) -> u64 {
    u64::try_from(data.remaining()).unwrap_or(u64::MAX)
}

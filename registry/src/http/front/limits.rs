//! How much and how long a client may take.

use std::time::Duration;

use crate::config::Limits;

/// Limits of the front door. Each has a deadline or a number; none depends on what a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontLimits {
    /// Connections at a time; one more takes the place of whoever has the least claim to it.
    pub connections_max: usize,
    /// For the TLS handshake; also from accepting to the first whole request head, and for each head after it.
    pub head_deadline: Duration,
    /// How long a connection may stay open without a request.
    pub idle: Duration,
    /// For a whole request body that is declared to be small.
    pub body_deadline: Duration,
    /// For a whole request body that is large or of unknown length.
    pub upload_deadline: Duration,
    /// Between two pieces of a request body, and for a client that takes no bytes of a response.
    pub stall: Duration,
    /// From the signal to the end, however many requests are left.
    pub drain_deadline: Duration,
    /// Requests at a time on one HTTP/2 connection.
    pub streams_max: u32,
}

/// A body is small up to here.
const SMALL_BODY_BYTES_MAX: u64 = 1024 * 1024;

impl FrontLimits {
    /// The configured limits; what is no setting is fixed here.
    pub fn configured(limits: &Limits) -> Self {
        Self {
            connections_max: limits.connections_max.get(),
            head_deadline: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            body_deadline: limits.body_deadline,
            upload_deadline: limits.upload_deadline,
            stall: Duration::from_secs(30),
            drain_deadline: limits.drain_deadline,
            streams_max: 128,
        }
    }

    /// How long a body of the declared length may take.
    pub(super) fn deadline_of_body(&self, declared_bytes: Option<u64>) -> Duration {
        match declared_bytes {
            Some(..=SMALL_BODY_BYTES_MAX) => self.body_deadline,
            Some(_) | None => self.upload_deadline,
        }
    }
}

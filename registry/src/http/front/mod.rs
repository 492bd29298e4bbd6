//! The front door: the accept loop, its limits and deadlines, TLS, drain, and what every request gets.
//!
//! It knows no routes. `axum::serve` is not used because it has no header deadline, no connection limit, and waits for
//! ever for a stalled client when it shuts down.

mod accept;
mod activity;
mod body;
mod connection;
mod limits;
mod listener;
mod observe;
mod open_files;
mod peer;
mod request_id;
mod seats;
mod stream;
mod tls;

#[cfg(test)]
mod tests;

pub use accept::{ServeOutcome, serve};
pub use body::BodyError;
pub use limits::FrontLimits;
pub use listener::{BindError, Listener};
pub use observe::observed;
pub use open_files::connections_within_open_files;
pub use peer::Peer;
pub use request_id::RequestId;
pub use tls::{TlsAcceptor, TlsError};

//! The accept loop: who gets in, and how everybody leaves.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::activity::Activity;
use super::connection::Door;
use super::limits::FrontLimits;
use super::listener::Listener;
use super::observe::observed;
use super::peer::Peer;
use super::seats::Seats;
use crate::telemetry::Metrics;

/// Out of file descriptors: let some connections end before trying again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServeOutcome {
    /// Every request that had begun was answered.
    Drained,
    /// The drain deadline passed; these connections were cut.
    Aborted {
        /// Connections that were still open.
        connections: usize,
    },
}

/// Serves `router` on `listener` until `shutdown` resolves, then drains.
///
/// Returns at the latest one drain deadline after `shutdown`.
pub async fn serve(
    listener: Listener,
    router: Router,
    limits: FrontLimits,
    metrics: Arc<Metrics>,
    shutdown: impl Future<Output = ()>,
) -> ServeOutcome {
    let Listener { socket, tls, .. } = listener;
    let router = observed(router, Arc::clone(&metrics));
    let mut hall = Hall::new(Door::new(router, limits, metrics, tls));
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = shutdown.as_mut() => break,
            Some(ended) = hall.connections.join_next() => hall.left(ended),
            accepted = socket.accept() => hall.entered(accepted).await,
        }
    }
    // Closed before draining, so that a load balancer sees a refusal and no silence.
    drop(socket);
    hall.drain().await
}

/// The connections that are open.
struct Hall {
    door: Arc<Door>,
    connections: JoinSet<()>,
    seats: Seats,
    draining: watch::Sender<bool>,
}

impl Hall {
    fn new(door: Door) -> Self {
        let seats = Seats::at_most(door.limits().connections_max);
        Self { door: Arc::new(door), connections: JoinSet::new(), seats, draining: watch::Sender::new(false) }
    }

    async fn entered(&mut self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((stream, address)) => {
                if self.has_room().await {
                    self.welcome(stream, Peer(address.ip()));
                } else {
                    self.door.metrics().http.connections_refused.inc();
                }
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(error = %error, "no connection could be accepted; raise the limit of open files");
                self.make_room().await;
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    async fn has_room(&mut self) -> bool {
        self.connections.len() < self.door.limits().connections_max || self.make_room().await
    }

    /// Sends away whoever has the least claim to its place; false when everybody is being answered.
    async fn make_room(&mut self) -> bool {
        if !self.seats.give_up_one() {
            return false;
        }
        self.door.metrics().http.connections_refused.inc();
        if let Some(ended) = self.connections.join_next().await {
            self.left(ended);
        }
        true
    }

    fn welcome(&mut self, stream: TcpStream, peer: Peer) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "small answers on this connection may be delayed");
        }
        let (door, draining) = (Arc::clone(&self.door), self.draining.subscribe());
        self.door.metrics().http.connections.inc();
        let activity = Activity::new(Arc::clone(self.door.metrics()));
        let seen = Arc::clone(&activity);
        let task = self.connections.spawn(async move { door.serve(stream, peer, seen, draining).await });
        self.seats.take(activity, task);
    }

    fn left(&self, ended: Result<(), JoinError>) {
        self.door.metrics().http.connections.dec();
        if let Err(error) = ended
            && error.is_panic()
        {
            tracing::error!(error = %error, "a request handler panicked; its connection was closed");
        }
    }

    async fn drain(mut self) -> ServeOutcome {
        let deadline = self.door.limits().drain_deadline;
        tracing::info!(connections = self.connections.len(), "draining");
        self.draining.send_replace(true);
        let all_left = async {
            while let Some(ended) = self.connections.join_next().await {
                self.left(ended);
            }
        };
        if timeout(deadline, all_left).await.is_ok() {
            return ServeOutcome::Drained;
        }
        let connections = self.connections.len();
        self.connections.shutdown().await;
        ServeOutcome::Aborted { connections }
    }
}

/// The client gave up between its SYN and our accept.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted)
}

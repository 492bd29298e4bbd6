//! One connection from its first byte to its last.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::http::{Request, Response, Version};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep, timeout};
use tower::Service;

use super::activity::{Activity, Running, Verdict};
use super::body::{CountedBody, TimedBody};
use super::limits::FrontLimits;
use super::peer::Peer;
use super::stream::WatchedStream;
use super::tls::TlsAcceptor;
use crate::telemetry::Metrics;

/// Buffered per HTTP/1 connection; a head must fit.
const HTTP1_BUFFER_BYTES: usize = 128 * 1024;
const HTTP1_HEADERS_MAX: usize = 64;
/// Received and not yet read, per stream and per connection of HTTP/2.
const HTTP2_STREAM_WINDOW_BYTES: u32 = 512 * 1024;
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
const HTTP2_FRAME_BYTES: u32 = 64 * 1024;
const HTTP2_SEND_BUFFER_BYTES: usize = 256 * 1024;
const HTTP2_HEADER_LIST_BYTES: u32 = 16 * 1024;
/// Streams that a client opened and reset before we looked at them; beyond, the connection ends (rapid reset).
const HTTP2_PENDING_RESETS_MAX: usize = 20;
const HTTP2_LOCAL_RESETS_MAX: usize = 256;
const HTTP2_PING_EVERY: Duration = Duration::from_secs(20);
const HTTP2_PONG_WITHIN: Duration = Duration::from_secs(10);

/// What all connections share.
#[derive(Debug)]
pub(super) struct Door {
    router: Router,
    limits: FrontLimits,
    metrics: Arc<Metrics>,
    tls: Option<TlsAcceptor>,
    protocol: Builder<TokioExecutor>,
}

impl Door {
    pub(super) fn new(
        router: Router,
        limits: FrontLimits,
        metrics: Arc<Metrics>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let protocol = protocol(&limits);
        Self { router, limits, metrics, tls, protocol }
    }

    pub(super) fn limits(&self) -> &FrontLimits {
        &self.limits
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Serves one connection until either side ends it, a deadline passes, or `draining` turns true and it is idle.
    pub(super) async fn serve<S>(
        self: Arc<Self>,
        stream: S,
        peer: Peer,
        activity: Arc<Activity>,
        draining: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(tls) = &self.tls else {
            return self.serve_http(stream, peer, activity, draining).await;
        };
        match timeout(self.limits.head_deadline, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve_http(stream, peer, activity, draining).await,
            Ok(Err(error)) => tracing::debug!(error = %error, "TLS handshake failed"),
            Err(_) => self.expired("the TLS handshake did not end in time"),
        }
    }

    async fn serve_http<S>(
        self: &Arc<Self>,
        stream: S,
        peer: Peer,
        activity: Arc<Activity>,
        mut draining: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = TokioIo::new(WatchedStream::new(stream, Arc::clone(&activity)));
        // HTTP/2 answers each request in a task of its own, which must own what it uses. What all connections share is
        // counted once a connection: a count that every request changes keeps the cores waiting for each other.
        let visit = Arc::new(Visit { door: Arc::clone(self), activity: Arc::clone(&activity) });
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            let running = visit.activity.request_started(is_http2(&request));
            Arc::clone(&visit).answer(request, running)
        });
        let mut connection = pin!(self.protocol.serve_connection(stream, service));
        let mut watchdog = pin!(sleep(self.limits.head_deadline));
        let mut is_draining = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error = %error, "connection ended early");
                    }
                    return;
                }
                () = watchdog.as_mut() => match activity.verdict(&self.limits) {
                    Verdict::Fine(again) => watchdog.as_mut().reset(Instant::now() + again),
                    Verdict::Expired(reason) => return self.expired(reason),
                },
                _ = draining.wait_for(|draining| *draining), if !is_draining => {
                    is_draining = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }

    fn expired(&self, reason: &'static str) {
        self.metrics.http.connections_expired.inc();
        tracing::debug!(reason, "connection closed by its deadline");
    }
}

/// One connection, as the requests on it share it.
struct Visit {
    door: Arc<Door>,
    activity: Arc<Activity>,
}

impl Visit {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        running: Running,
    ) -> Result<Response<CountedBody>, Infallible> {
        let request = request.map(|body| {
            // Most requests have no body, and nothing to wait for.
            if body.is_end_stream() {
                return axum::body::Body::empty();
            }
            axum::body::Body::new(TimedBody::new(body, &self.door.limits, Arc::clone(&self.activity)))
        });
        // A router is always ready; the clone is one reference count.
        let response = self.door.router.clone().call(request).await?;
        Ok(response.map(|body| CountedBody::new(body, running)))
    }
}

fn is_http2(request: &Request<Incoming>) -> bool {
    request.version() == Version::HTTP_2
}

fn protocol(limits: &FrontLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // The watchdog of the connection has a deadline for heads; a timer of its own for each would cost every request.
    builder.http1().header_read_timeout(None).max_buf_size(HTTP1_BUFFER_BYTES).max_headers(HTTP1_HEADERS_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .max_frame_size(HTTP2_FRAME_BYTES)
        .max_send_buf_size(HTTP2_SEND_BUFFER_BYTES)
        .max_header_list_size(HTTP2_HEADER_LIST_BYTES)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS_MAX)
        .max_local_error_reset_streams(HTTP2_LOCAL_RESETS_MAX)
        .keep_alive_interval(HTTP2_PING_EVERY)
        .keep_alive_timeout(HTTP2_PONG_WITHIN);
    builder
}

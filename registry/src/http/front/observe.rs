//! What every request gets: an id, a log line, a measurement, and headers that keep browsers from guessing.
//!
//! One middleware, because each costs a boxed future per request.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use prometheus_client::metrics::gauge::Gauge;
use tokio::time::Instant;

use super::request_id::{RequestId, X_REQUEST_ID};
use crate::telemetry::Metrics;

const INERT: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const UNMATCHED: &str = "unmatched";

/// `router`, each request of it named, measured and logged. `serve` does this; tests without a socket do it themselves.
pub fn observed(router: Router, metrics: Arc<Metrics>) -> Router {
    router.layer(from_fn_with_state(metrics, observe))
}

async fn observe(State(metrics): State<Arc<Metrics>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let _in_flight = InFlight::new(&metrics.http.in_flight);
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let path = is_logged_in_full(&method).then(|| request.uri().path().to_owned());

    let mut response = next.run(request).await;

    let took = started.elapsed();
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    metrics.http.answered(route, &method, response.status(), took);
    log(&id, &method, route, path.as_deref(), response.status(), took);
    add_headers(&mut response, id);
    response
}

/// Reads are debug lines, so their paths are copied only when somebody listens.
fn is_logged_in_full(method: &Method) -> bool {
    is_write(method) || tracing::enabled!(tracing::Level::DEBUG)
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The query is left out: it may hold what nobody should read. The path is escaped.
fn log(id: &RequestId, method: &Method, route: &str, path: Option<&str>, status: StatusCode, took: Duration) {
    let ms = took.as_secs_f64() * 1_000.0;
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request.id = id.as_str(),
                http.method = method.as_str(),
                http.route = route,
                http.path = path.map(tracing::field::debug),
                http.status = status.as_u16(),
                ms,
                "request"
            )
        };
    }
    if is_write(method) || status.is_server_error() {
        line!(info);
    } else {
        line!(debug);
    }
}

fn add_headers(response: &mut Response, id: RequestId) {
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, id.into_header());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A page brings its own policy; everything else may load nothing and stand in no frame.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(INERT);
}

/// Counts a request for as long as it is handled, also when its client goes away in the middle.
struct InFlight<'a> {
    gauge: &'a Gauge,
}

impl<'a> InFlight<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self { gauge }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

//! Counters, gauges and histograms, and their text for Prometheus. Handles are cheap; nothing here blocks.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::schedules::ScheduleMetrics;
use super::scrubs::ScrubMetrics;
use super::sweeps::SweepMetrics;
use super::witnesses::WitnessMetrics;

/// The media type of [`Metrics::render`].
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is measured. Made once, shared behind an `Arc`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// What the front door sees.
    pub http: HttpMetrics,
    /// How the log grows.
    pub log: LogMetrics,
    /// How the registry does with its witnesses.
    pub witnesses: WitnessMetrics,
    /// How sweeps do.
    pub sweeps: SweepMetrics,
    /// How reading back what is stored does.
    pub scrubs: ScrubMetrics,
    /// What is overdue in channels, and what they do not reach.
    pub schedules: ScheduleMetrics,
    /// Operations of the object store that failed, other than "not found".
    pub store_errors: Counter,
    refusals: Family<Refusal, Counter>,
}

impl Metrics {
    /// All metrics at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("holdfast");
        let store_errors = Counter::default();
        registry.register("store_errors", "Object store operations that failed", store_errors.clone());
        let refusals = Family::default();
        registry.register("refusals", "Requests refused, by error code", refusals.clone());
        let http = HttpMetrics::registered(registry.sub_registry_with_prefix("http"));
        let log = LogMetrics::registered(registry.sub_registry_with_prefix("log"));
        let witnesses = WitnessMetrics::registered(registry.sub_registry_with_prefix("witness"));
        let sweeps = SweepMetrics::registered(registry.sub_registry_with_prefix("sweep"));
        let scrubs = ScrubMetrics::registered(registry.sub_registry_with_prefix("scrub"));
        let schedules = ScheduleMetrics::registered(&mut registry);
        Self { registry, http, log, witnesses, sweeps, scrubs, schedules, store_errors, refusals }
    }

    /// Lets another module add metrics of its own, before the `Arc` closes around them.
    pub fn register(&mut self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry);
    }

    /// Counts a refusal under its stable error code.
    pub fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&Refusal { code }).inc();
    }

    /// The text that `/metrics` answers, of media type [`METRICS_CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut page = String::new();
        text::encode(&mut page, &self.registry).expect("writing to a String does not fail");
        page
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    code: &'static str,
}

/// Connections and requests.
#[derive(Debug)]
pub struct HttpMetrics {
    /// Connections open now.
    pub connections: Gauge,
    /// Connections closed at once because the limit was reached.
    pub connections_refused: Counter,
    /// Connections closed by a deadline.
    pub connections_expired: Counter,
    /// Requests being handled now.
    pub in_flight: Gauge,
    /// Bytes of request bodies.
    pub received_bytes: Counter,
    /// Bytes of response bodies.
    pub sent_bytes: Counter,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: Method,
    status: StatusClass,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// Closed, so that nobody makes series by inventing methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Other,
}

impl Method {
    fn of(method: &axum::http::Method) -> Self {
        match method.as_str() {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum StatusClass {
    Informational,
    Success,
    Redirection,
    ClientError,
    ServerError,
}

impl StatusClass {
    fn of(status: axum::http::StatusCode) -> Self {
        match status.as_u16() {
            ..200 => Self::Informational,
            200..300 => Self::Success,
            300..400 => Self::Redirection,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

impl HttpMetrics {
    fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            connections_expired: Counter::default(),
            in_flight: Gauge::default(),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(request_seconds),
        };
        registry.register("connections", "Connections open now", metrics.connections.clone());
        let refused = metrics.connections_refused.clone();
        registry.register(
            "connections_refused",
            "Connections closed at once, the limit being reached",
            refused,
        );
        let expired = metrics.connections_expired.clone();
        registry.register("connections_expired", "Connections closed by a deadline", expired);
        registry.register("in_flight", "Requests being handled now", metrics.in_flight.clone());
        registry.register("received_bytes", "Bytes of request bodies", metrics.received_bytes.clone());
        registry.register("sent_bytes", "Bytes of response bodies", metrics.sent_bytes.clone());
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register(
            "request_seconds",
            "Time from request head to response head",
            metrics.seconds.clone(),
        );
        metrics
    }

    /// Counts one answered request. `route` is the template it matched, never the path that was asked for.
    pub fn answered(
        &self,
        route: &str,
        method: &axum::http::Method,
        status: axum::http::StatusCode,
        took: Duration,
    ) {
        let labels = RequestLabels {
            route: route.to_owned(),
            method: Method::of(method),
            status: StatusClass::of(status),
        };
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&RouteLabels { route: labels.route }).observe(took.as_secs_f64());
    }
}

fn request_seconds() -> Histogram {
    // 100 µs to 26 s.
    Histogram::new(exponential_buckets(0.000_1, 4.0, 10))
}

/// The log as this node sees it.
#[derive(Debug)]
pub struct LogMetrics {
    /// Entries that this node committed.
    pub entries: Counter,
    /// Entries per commit.
    pub batch_entries: Histogram,
    /// From the first submission of a batch to its commit.
    pub commit_seconds: Histogram,
    /// Entries in the log.
    pub size: Gauge,
    /// How long ago this node last saw the next slot empty.
    pub head_age_seconds: Gauge<f64, AtomicU64>,
}

impl LogMetrics {
    fn registered(registry: &mut Registry) -> Self {
        let metrics = Self {
            entries: Counter::default(),
            batch_entries: Histogram::new(exponential_buckets(1.0, 4.0, 8)),
            commit_seconds: Histogram::new(exponential_buckets(0.000_5, 3.0, 10)),
            size: Gauge::default(),
            head_age_seconds: Gauge::default(),
        };
        registry.register("entries", "Log entries that this node committed", metrics.entries.clone());
        registry.register("batch_entries", "Entries per commit", metrics.batch_entries.clone());
        registry.register("commit_seconds", "Time that a commit took", metrics.commit_seconds.clone());
        registry.register("size", "Entries in the log", metrics.size.clone());
        let age = metrics.head_age_seconds.clone();
        registry.register("head_age_seconds", "Time since the end of the log was last seen", age);
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{Method, StatusCode};

    #[test]
    fn page_names_every_kind_of_metric_with_its_labels() {
        let mut metrics = Metrics::new();
        let extra: Counter = Counter::default();
        metrics.register(|registry| registry.register("scrubs", "Scrubs", extra.clone()));
        extra.inc();
        metrics.http.answered("/v1/{x}", &Method::GET, StatusCode::NOT_FOUND, Duration::from_millis(3));
        metrics.log.entries.inc_by(7);
        metrics.log.head_age_seconds.set(0.25);
        metrics.refused("name-taken");
        let page = metrics.render();
        for line in [
            r#"holdfast_http_requests_total{route="/v1/{x}",method="Get",status="ClientError"} 1"#,
            r#"holdfast_http_request_seconds_count{route="/v1/{x}"} 1"#,
            r#"holdfast_refusals_total{code="name-taken"} 1"#,
            "holdfast_log_entries_total 7",
            "holdfast_log_head_age_seconds 0.25",
            "holdfast_scrubs_total 1",
            "# EOF",
        ] {
            assert!(page.contains(line), "{line} is missing in\n{page}");
        }
    }
}

//! A real router to send requests to.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use holdfast_formats::wire::v1::Problem;
use holdfast_registry::blocking::Blocking;
use holdfast_registry::clock::SystemClock;
use holdfast_registry::log::NodeKeys;
use holdfast_registry::node::{Node, NodeParts};
use holdfast_registry::objects::{Host, Store};
use holdfast_registry::telemetry::{Fatal, Metrics};
use holdfast_verify::rule_book::RuleBook;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// A node with an empty log in memory.
pub(crate) async fn node(folder: &TempDir) -> Node {
    let host = Host { blocking: blocking(), clock: SystemClock::shared(), fatal: Fatal::process() };
    let location = "memory:".parse().expect("it is a location");
    let parts = NodeParts {
        store: Store::open(&location, host).await.expect("memory opens"),
        keys: NodeKeys::generate(folder.path(), None).expect("keys can be made"),
        keys_folder: folder.path().to_owned(),
        index_path: folder.path().join("index.sqlite"),
        clock: SystemClock::shared(),
        metrics: Arc::new(Metrics::new()),
        memory_bytes: 64 * 1024 * 1024,
        newest_rules: RuleBook::RELEASED,
        rates: holdfast_registry::config::RequestRates::UNLIMITED,
        sweep: holdfast_registry::config::SweepConfig::NEVER,
        scrub: holdfast_registry::config::ScrubConfig::NEVER,
        witnesses: Vec::new(),
        acknowledge_refused: None,
    };
    Node::start(parts).await.expect("an empty log can be followed")
}

fn blocking() -> Blocking {
    Blocking::new(NonZeroUsize::new(4).expect("four is not zero"))
}

/// What a request was answered with.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    /// The problem, when it is one.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let problem = self.content_type == "application/problem+json";
        problem.then(|| {
            holdfast_formats::from_json(&self.body, self.body.len()).expect("a problem is strict JSON")
        })
    }
}

/// Sends a request without body or token.
pub(crate) async fn ask(router: &Router, method: &str, path: &str) -> Answered {
    let request = Request::builder().method(method.to_uppercase().as_str()).uri(path);
    let request = request.body(Body::empty()).expect("the request is well-formed");
    let response = router.clone().oneshot(request).await.expect("a router always answers");
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 24).await.expect("the body is short").to_vec();
    Answered { status, content_type, body }
}

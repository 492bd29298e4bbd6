//! Every route of a running registry: a method, a path with its query, perhaps a token, and a body.
//!
//! ```text
//! POST token /v1/submissions
//! {"envelope":…}
//! ```
//! Whatever is asked, the registry answers with something that no browser runs, and never fails itself.

use std::sync::OnceLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::node;

pub(crate) const EXAMPLES: &[&[u8]] = &[
    b"GET token /v1/registry\n",
    b"GET token /v1/status\n",
    b"GET token /v1/policies?after=0\n",
    b"GET token /v1/grants?all=true\n",
    b"GET token /v1/log/checkpoint\n",
    b"GET token /v1/log/consistency?from=1&to=2\n",
    b"GET token /v1/log/entries?start=0&count=5\n",
    b"GET token /v1/log/proof/0\n",
    b"GET token /v1/log/attachments/af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262\n",
    b"GET token /log/checkpoint\n",
    b"GET token /log/tile/0/000.p/1\n",
    b"GET token /log/tile/entries/000.p/1\n",
    b"GET token /v1/channels/shop/prod/known-good?component=shop/web&not=current&at=2026-01-01T00:00:00Z&back=1&min_size=1\n",
    b"GET token /v1/channels/shop/prod/history?after=1&limit=5\n",
    b"GET token /v1/channels/shop/prod/gate?ref=shop/web@1\n",
    b"GET token /v1/artifacts?prefix=shop/&kind=build&after=shop/a@1&limit=3\n",
    b"GET token /v1/artifacts/shop/web@1.4.2\n",
    b"GET token /v1/artifacts/shop/web@1/blobs/af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262\n",
    b"POST token /v1/namespaces/shop/chunks/missing\n{\"chunks\":[],\"blobs\":[]}",
    b"POST token /v1/namespaces/shop/chunks\n\0",
    b"POST token /v1/namespaces/shop/blobs\nHFBR",
    b"POST nobody /v1/submissions\n{\"envelope\":{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[]},\"attachments\":[]}",
];

struct World {
    runtime: Runtime,
    router: Router,
    token: String,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Runtime::new().expect("threads can be started");
        let (router, token) = runtime.block_on(node::start());
        World { runtime, router, token }
    })
}

pub(crate) fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (Some(head), body) = (parts.next(), parts.next().unwrap_or_default()) else { return };
    let Ok(head) = std::str::from_utf8(head) else { return };
    let mut words = head.splitn(3, ' ');
    let (Some(method), Some(who), Some(path)) = (words.next(), words.next(), words.next()) else { return };
    let World { runtime, router, token } = world();
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let mut request = Request::builder().method(method).uri(path);
    if who == "token" {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let Ok(request) = request.body(Body::from(body.to_vec())) else { return };
    runtime.block_on(async {
        let answer = router.clone().oneshot(request).await.expect("a router never fails");
        let status = answer.status();
        let header =
            |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert!(!header("content-type").starts_with("text/html"));
        let body = to_bytes(answer.into_body(), 64 * 1024 * 1024).await.expect("a bounded answer");
        let is_failure = status.is_server_error() && status.as_u16() != 503;
        assert!(!is_failure, "{head:?}: {status}: {}", String::from_utf8_lossy(&body));
    });
}

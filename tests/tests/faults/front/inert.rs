//! T37: text that a browser could take for a page, in every field that holds any. Whatever is served, no browser runs it.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use holdfast_client::{About, Draft, PushRequest};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest::{Body, Kind};
use holdfast_formats::statement::Freeze;
use holdfast_formats::text::Label;
use holdfast_tests::{Folder, deny, of};
use reqwest::{Method, Response};

use super::raw::World;

const CORPUS: [&str; 7] = [
    "<script>alert(1)<\u{2f}script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "javascript:alert(1)//",
    "{{constructor.constructor('alert(1)')()}}",
    "<!--#exec cmd=\"ls\" --><meta http-equiv=refresh content=0>",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
];

const CONTENT_TYPES: [&str; 5] = [
    "application/json",
    "application/problem+json",
    "application/octet-stream",
    "text/plain; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
];

/// Whether a browser may load, frame or guess anything of an answer.
fn assert_inert(path: &str, answer: &Response) {
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'", "{path}");
    let kind = header("content-type");
    let without_body = answer.content_length() == Some(0);
    assert!(CONTENT_TYPES.contains(&kind) || without_body && kind.is_empty(), "{path}: {kind:?}");
    assert!(!path.contains("/blobs/") || !answer.status().is_success() || kind == "application/octet-stream");
}

/// Publishes, pins, denies and freezes with the text wherever text may stand; gives the paths that show it.
async fn store(world: &World, at: usize, text: &str) -> Result<Vec<String>> {
    let ana = &world.ana;
    // A slash would end a segment, a colon and a quote would not be allowed in every place.
    let file: String = text.chars().filter(|c| !matches!(c, '/' | ':')).collect();
    let folder = Folder::with(&format!("{file}.html"), text)?;
    let label: Label = text.parse().with_context(|| format!("{text:?} is a label"))?;
    let reference = format!("shop/web@1.0.{at}");
    let about = About { labels: vec![(of("text"), label)], ..About::nothing() };
    let request = PushRequest {
        artifact: of(&reference),
        source: folder.path().to_owned(),
        body: Body::None(Kind::Build),
        about,
    };
    let pushed = ana.registry().push(&request).await?;
    let channel = format!("shop/c{at}");
    ana.pin(&channel, &pushed.artifact).await?;
    let freeze = Freeze { channel: of(&channel), reason: of(text), until: None };
    let frozen = ana.registry().submit(Draft::new(freeze)).await?;
    let mut denied = deny(&pushed.artifact, Some("shop/other"));
    denied.reason = of(text);
    ana.say(denied).await?;
    let blob = Blake3Digest::of(text.as_bytes());
    Ok(vec![
        format!("/v1/artifacts/{reference}"),
        format!("/v1/artifacts/{reference}/blobs/{blob}"),
        format!("/v1/channels/{channel}/known-good"),
        format!("/v1/channels/{channel}/history"),
        format!("/v1/log/proof/{}", frozen.index.get()),
        format!("/v1/log/attachments/{}", pushed.artifact.digests.sha256),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn t37_stored_markup_is_served_inert_everywhere() -> Result<()> {
    let world = World::start(&[]).await?;
    let mut shown = BTreeSet::new();
    for (at, text) in CORPUS.into_iter().enumerate() {
        shown.extend(store(&world, at, text).await?);
    }
    let fixed = [
        "/v1/artifacts",
        "/v1/policies",
        "/v1/grants",
        "/v1/registry",
        "/v1/status",
        "/v1/openapi.json",
        "/v1/log/checkpoint",
        "/v1/log/entries?start=0",
        "/log/checkpoint",
        "/log/tile/0/000.p/1",
        "/healthz",
        "/readyz",
        "/metrics",
        "/",
        "/<script>alert(1)</script>",
        "/v1/artifacts/<script>alert(1)</script>",
        "/v1/channels/<img src=x onerror=alert(1)>/known-good",
        "/v1/artifacts?<script>=1",
        "/v1/log/proof/<script>",
    ];
    let http = world.ana.http()?;
    let mut served = 0;
    for path in shown.iter().map(String::as_str).chain(fixed) {
        let answer = http.get(path).await?;
        assert_inert(path, &answer);
        served += usize::from(answer.status().is_success());
        for method in [Method::HEAD, Method::OPTIONS, Method::DELETE, Method::POST] {
            assert_inert(path, &http.request(method, path).send().await?);
        }
    }
    assert!(served > shown.len(), "what is stored is shown: {served} of {}", shown.len());
    let mut texts = 0;
    for path in &shown {
        let body = http.get(path).await?.error_for_status()?.text().await?;
        texts += usize::from(
            CORPUS.iter().any(|text| body.contains(text) || body.contains(&text.replace('"', "\\\""))),
        );
    }
    assert!(texts >= 2 * CORPUS.len(), "the corpus stands in answers: {texts}");
    Ok(())
}

//! Whatever a rollback tool asks of the library can be spawned: every future is `Send` and borrows nothing for good.
//!
//! The compiler decides; the closures are never called.

use std::future::Future;
use std::path::PathBuf;

use holdfast_client::{
    ArtifactRecord, AuditRequest, Draft, LoginRequest, PinDraft, Places, Prepared, PushRequest, Registry,
    ReleaseRequest, Tokens, login,
};
use holdfast_formats::name::ChannelName;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::Artifact;
use holdfast_formats::text::Label;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{HistoryQuery, KnownGoodQuery, ListQuery};

const fn spawnable<F: Future + Send + 'static>(_: &F) {}

#[test]
fn everything_that_reads_can_be_spawned() {
    let _ = |r: Registry, c: ChannelName, q: KnownGoodQuery| {
        spawnable(&async move { r.known_good(&c, &q, None).await.map(drop) });
    };
    let _ = |r: Registry, reference: Reference| {
        spawnable(&async move { r.artifact(&reference).await.map(drop) });
    };
    let _ = |r: Registry, reference: Reference| {
        spawnable(&async move { r.resolve(&reference).await.map(drop) });
    };
    let _ = |r: Registry, q: ListQuery| spawnable(&async move { r.list(&q).await.map(drop) });
    let _ = |r: Registry, record: ArtifactRecord, to: PathBuf| {
        spawnable(&async move { r.pull(&record, &to).await.map(drop) });
    };
    let _ = |r: Registry, record: ArtifactRecord| {
        spawnable(&async move { r.verify_artifact(&record).await.map(drop) });
    };
    let _ = |r: Registry, record: ArtifactRecord, to: PathBuf| {
        spawnable(&async move { r.verify_local(&record, &to).await.map(drop) });
    };
    let _ = |r: Registry, c: ChannelName, q: KnownGoodQuery, to: PathBuf| {
        spawnable(&async move { r.bundle(&c, &q, &to).await.map(drop) });
    };
    let _ = |r: Registry, c: ChannelName, q: HistoryQuery| {
        spawnable(&async move { r.history(&c, &q).await.map(drop) });
    };
    let _ = |r: Registry, c: ChannelName, reference: Reference| {
        spawnable(&async move { r.gate(&c, &reference).await.map(drop) });
    };
    let _ = |r: Registry, c: ChannelName, id: Label| {
        spawnable(&async move { r.find_rollback(&c, &id).await.map(drop) });
    };
    let _ = |r: Registry, at: LeafIndex| spawnable(&async move { r.receipt(at).await.map(drop) });
    let _ = |r: Registry, at: LeafIndex| spawnable(&async move { r.entries(at, 1).await.map(drop) });
    let _ = |r: Registry| spawnable(&async move { r.grants(Tokens::All).await.map(drop) });
    let _ = |r: Registry| spawnable(&async move { r.audit(&AuditRequest::of_registry()).await.map(drop) });
    let _ = |r: Registry| spawnable(&async move { r.sync().await.map(drop) });
    let _ = |r: Registry| spawnable(&async move { r.policy().await.map(drop) });
    let _ = |r: Registry| spawnable(&async move { r.status().await.map(drop) });
    let _ = |r: Registry| spawnable(&async move { r.info().await.map(drop) });
}

#[test]
fn everything_that_writes_can_be_spawned() {
    let _ = |places: Places, request: LoginRequest| {
        spawnable(&async move { login(&places, &request).await.map(drop) });
    };
    let _ = |r: Registry, request: PushRequest| {
        spawnable(&async move { r.stage(&request).await.map(drop) });
    };
    let _ = |r: Registry, request: PushRequest| spawnable(&async move { r.push(&request).await.map(drop) });
    let _ = |r: Registry, request: ReleaseRequest| {
        spawnable(&async move { r.release(&request).await.map(drop) });
    };
    let _ = |r: Registry, request: ReleaseRequest| {
        spawnable(&async move { r.draft_release(&request).await.map(drop) });
    };
    let _ = |r: Registry, c: ChannelName, artifact: Artifact, pin: PinDraft| {
        spawnable(&async move { r.draft_pin(&c, &artifact, pin).await.map(drop) });
    };
    let _ = |r: Registry, draft: Draft| spawnable(&async move { r.submit(draft).await.map(drop) });
    let _ = |r: Registry, prepared: Prepared| {
        spawnable(&async move { r.submit_prepared(&prepared).await.map(drop) });
    };
}

//! I4, T11, T15: pushes and sweeps of the same bytes, on one node and on two. Whichever is logged first, nothing that is
//! published loses a byte, and whatever a DELETE does later it finds only what nobody reads any more.
//!
//! The sweeps here name given objects; how a registry finds what to name is tested with its sweeper.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use holdfast_formats::digest::{Digests, NamedDigest};
use holdfast_formats::statement::{Artifact, Delete, ObjectClass};
use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::Problem;
use holdfast_registry::log::{AppendError, AtSlot, Ending, OwnError};
use holdfast_registry::node::Node;
use holdfast_registry::objects::ObjectKey;
use holdfast_tests::{Backing, Fault, FaultyStore, Folder, Index, Person, TestRegistry, of};
use holdfast_verify::facts::Facts as _;
use object_store::{ObjectStore, ObjectStoreExt as _};
use reqwest::StatusCode;
use tokio::sync::Semaphore;

/// How many pushes race with sweeps in one test.
const ROUNDS: u64 = 8;

/// The objects of a blob that is one chunk, as they are stored now.
async fn objects_of(node: &Node, content: &str) -> Result<Vec<SweptObject>> {
    objects_of_bytes(node, content.as_bytes()).await
}

/// Alias and record of a blob, and the chunk that is all of it.
pub(crate) async fn objects_of_bytes(node: &Node, content: &[u8]) -> Result<Vec<SweptObject>> {
    let digests = Digests::of(content);
    let named = [
        (ObjectClass::Alias, NamedDigest::Sha256(digests.sha256)),
        (ObjectClass::Blob, NamedDigest::Blake3(digests.blake3)),
        (ObjectClass::Chunk, NamedDigest::Blake3(digests.blake3)),
    ];
    let mut objects = Vec::new();
    for (class, digest) in named {
        let namespace = of("shop");
        let g = node.log().index().generation(class, &namespace, &digest).await?;
        objects.push(SweptObject { class, namespace, digest, g });
    }
    Ok(objects)
}

async fn is_published(node: &Node, reference: &str) -> Result<bool> {
    let reference = of(reference);
    let found = node.log().index().read(move |view| view.artifact(&reference)).await?;
    Ok(found.is_some_and(|fact| fact.ended.is_none()))
}

/// Sweeps what `reference` would refer to unless it is published by then, as a sweeper does. Whether it was logged.
async fn sweep_unless_published(node: &Node, content: &str, reference: &str) -> Result<Option<LeafIndex>> {
    let objects = objects_of(node, content).await?;
    let condemning = node.blobs().condemn(objects.clone()).context("one sweep at a time")?;
    loop {
        node.log().publishes_settled().await;
        let checked_through = node.log().head().size();
        if is_published(node, reference).await? || !condemning.take_rescued().is_empty() {
            return Ok(None);
        }
        let ending = Ending { artifacts: Vec::new(), intends: None, objects: objects.clone(), bytes: 9 };
        match node.log().end_sweep(&ending, condemning.check(checked_through)).await {
            Ok(sweep) => {
                node.blobs().delete_swept(&objects).await?;
                node.log().log_swept(sweep).await?;
                return Ok(Some(sweep));
            }
            Err(OwnError::Append(AppendError::Needed)) => {}
            Err(other) => return Err(other.into()),
        }
    }
}

pub(crate) async fn delete(ana: &Person, artifact: &Artifact) -> Result<LeafIndex> {
    let reason = of("nobody needs it any more");
    Ok(ana.say(Delete { artifact: artifact.clone(), bypass: false, reason }).await?.index)
}

fn blob_path(reference: &str, content: &str) -> String {
    format!("/v1/artifacts/{reference}/blobs/{}", Digests::of(content.as_bytes()).blake3)
}

async fn bytes_of(ana: &Person, reference: &str, content: &str) -> Result<(StatusCode, Vec<u8>)> {
    let answer = ana.http()?.get(&blob_path(reference, content)).await?;
    let status = answer.status();
    Ok((status, answer.bytes().await?.to_vec()))
}

/// Pushes through one registry race with sweeps on a node. Gives how often a sweep was logged before its publish.
async fn race(ana: &Person, pushing: &TestRegistry, sweeping: &Node) -> Result<u64> {
    let mut swept_first = 0;
    for round in 0..ROUNDS {
        let content = format!("content {round} of nobody");
        let (old, new) = (format!("shop/old@{round}"), format!("shop/new@{round}"));
        let ended = ana.publish(&old, &content).await?;
        delete(ana, &ended).await?;
        let size = pushing.node()?.log().head().size();
        sweeping.log().reached(size).await;
        let folder = Folder::with("app", content.as_str())?;
        let sweep = async {
            tokio::time::sleep(Duration::from_millis(4 * round)).await;
            sweep_unless_published(sweeping, &content, &new).await
        };
        let (pushed, swept) = tokio::join!(ana.push(&new, &folder), sweep);
        let (pushed, swept) = (pushed.context("a push never fails by a sweep")?, swept?);
        if let Some(sweep) = swept {
            assert!(sweep < pushed.submitted.index, "what a published artifact refers to was swept");
            swept_first += 1;
        }
        assert_eq!(bytes_of(ana, &new, &content).await?, (StatusCode::OK, content.into_bytes()), "{new}");
    }
    Ok(swept_first)
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_of_a_push_and_a_sweep_of_its_bytes_on_one_node_either_may_come_first_and_no_byte_is_lost()
-> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    let swept_first = race(&ana, &registry, registry.node()?).await?;
    assert!(swept_first < ROUNDS, "some pushes came first");
    every_byte_is_there_after_any_restart(&ana, &mut registry).await?;
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_of_a_push_on_one_node_and_a_sweep_on_another_either_may_come_first_and_no_byte_is_lost()
-> Result<()> {
    let mut first = TestRegistry::on(Backing::memory()).await?;
    let ana = first.login().await?;
    let second = first.another_node().await?;
    race(&ana, &first, second.node()?).await?;
    every_byte_is_there_after_any_restart(&ana, &mut first).await?;
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

async fn every_byte_is_there_after_any_restart(ana: &Person, registry: &mut TestRegistry) -> Result<()> {
    for index in [Index::Kept, Index::Removed] {
        registry.restart(index).await?;
        for round in 0..ROUNDS {
            let content = format!("content {round} of nobody");
            let reference = format!("shop/new@{round}");
            let (status, bytes) = bytes_of(ana, &reference, &content).await?;
            assert_eq!((status, bytes), (StatusCode::OK, content.into_bytes()), "{index:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_a_publish_that_another_node_logged_since_it_was_looked_for_stops_a_sweep() -> Result<()> {
    let first = TestRegistry::on(Backing::memory()).await?;
    let ana = first.login().await?;
    let second = first.another_node().await?;
    let sweeping = second.node()?;
    let ended = ana.publish("shop/old@1", "shared").await?;
    delete(&ana, &ended).await?;
    sweeping.log().reached(first.node()?.log().head().size()).await;
    let objects = objects_of(sweeping, "shared").await?;
    let condemning = sweeping.blobs().condemn(objects.clone()).context("nothing else is condemned")?;
    let checked_through = sweeping.log().head().size();
    ana.publish("shop/new@1", "shared").await?;
    let ending = Ending { artifacts: Vec::new(), intends: None, objects, bytes: 6 };
    let refused = sweeping.log().end_sweep(&ending, condemning.check(checked_through)).await;
    assert!(matches!(refused, Err(OwnError::Append(AppendError::Needed))), "{refused:?}");
    assert!(is_published(sweeping, "shop/new@1").await?, "now it is known there");
    assert_eq!(bytes_of(&ana, "shop/new@1", "shared").await?.0, StatusCode::OK);
    Ok(())
}

/// A push that stands still between finding its content and its slot, until the gate is opened.
struct Halfway<'a> {
    gate: Arc<Semaphore>,
    pushing: Pin<Box<dyn Future<Output = Result<Artifact>> + Send + 'a>>,
}

impl<'a> Halfway<'a> {
    /// The content is there already, so the first that is written is the manifest.
    async fn begin(store: &FaultyStore, ana: &'a Person, reference: &'a str) -> Result<Self> {
        let gate = Arc::new(Semaphore::new(0));
        store.plan("log/attachments", Fault::Held(Arc::clone(&gate)));
        let mut pushing: Pin<Box<dyn Future<Output = Result<Artifact>> + Send>> =
            Box::pin(ana.publish(reference, SHARED));
        while !store.is_done() {
            let still = tokio::time::timeout(Duration::from_millis(10), &mut pushing).await;
            anyhow::ensure!(still.is_err(), "it ended before its manifest was written: {still:?}");
        }
        Ok(Self { gate, pushing })
    }

    async fn end(self) -> Result<Artifact> {
        self.gate.add_permits(1);
        self.pushing.await
    }
}

const SHARED: &str = "what two artifacts share";

/// Nodes on one store, on which something ended whose bytes somebody is about to publish again.
async fn with_an_end(nodes: usize) -> Result<(Arc<FaultyStore>, Vec<TestRegistry>, Person)> {
    let store = FaultyStore::new();
    let backing = Backing::Objects(Arc::clone(&store) as Arc<dyn ObjectStore>);
    let mut registries = vec![TestRegistry::on(backing).await?];
    let ana = registries[0].login().await?;
    for _ in 1..nodes {
        registries.push(registries[0].another_node().await?);
    }
    let ended = ana.publish("shop/old@1", SHARED).await?;
    delete(&ana, &ended).await?;
    let size = registries[0].node()?.log().head().size();
    for other in &registries[1..] {
        other.node()?.log().reached(size).await;
    }
    Ok((store, registries, ana))
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_a_publish_that_found_its_content_before_another_node_swept_it_looks_again() -> Result<()> {
    let (store, nodes, ana) = with_an_end(2).await?;
    let halfway = Halfway::begin(&store, &ana, "shop/new@1").await?;
    let swept = sweep_unless_published(nodes[1].node()?, SHARED, "shop/new@1").await?;
    assert!(swept.is_some(), "that node knows nothing of the push");
    halfway.end().await?;
    assert_eq!(bytes_of(&ana, "shop/new@1", SHARED).await?, (StatusCode::OK, SHARED.into()));
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_a_sweep_waits_for_publishes_that_found_their_content_before_it_was_condemned() -> Result<()> {
    let (store, nodes, ana) = with_an_end(1).await?;
    let halfway = Halfway::begin(&store, &ana, "shop/new@1").await?;
    let mut sweeping = Box::pin(sweep_unless_published(nodes[0].node()?, SHARED, "shop/new@1"));
    let waited = tokio::time::timeout(Duration::from_millis(200), &mut sweeping).await;
    assert!(waited.is_err(), "it does not wait: {waited:?}");
    let (pushed, swept) = tokio::join!(halfway.end(), sweeping);
    pushed?;
    assert_eq!(swept?, None, "it is published");
    assert_eq!(bytes_of(&ana, "shop/new@1", SHARED).await?, (StatusCode::OK, SHARED.into()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_a_publish_that_comes_to_need_what_is_condemned_stops_the_sweep() -> Result<()> {
    let (_store, nodes, ana) = with_an_end(1).await?;
    let node = nodes[0].node()?;
    let objects = objects_of(node, SHARED).await?;
    let condemning = node.blobs().condemn(objects.clone()).context("nothing else is condemned")?;
    node.log().publishes_settled().await;
    let check = condemning.check(node.log().head().size());
    ana.publish("shop/new@1", SHARED).await?;
    let mut ending = Ending { artifacts: Vec::new(), intends: None, objects, bytes: 6 };
    let refused = node.log().end_sweep(&ending, check.clone()).await;
    assert!(matches!(refused, Err(OwnError::Append(AppendError::Needed))), "{refused:?}");
    let rescued = condemning.take_rescued();
    ending.objects.retain(|object| !rescued.contains(object));
    assert_eq!(ending.objects, [], "it needs all of them");
    node.log().end_sweep(&ending, check).await?;
    assert_eq!(bytes_of(&ana, "shop/new@1", SHARED).await?, (StatusCode::OK, SHARED.into()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_delete_that_comes_late_or_twice_finds_only_the_old_generation() -> Result<()> {
    let store = FaultyStore::new();
    let registry = TestRegistry::on(Backing::Objects(Arc::clone(&store) as Arc<dyn ObjectStore>)).await?;
    let ana = registry.login().await?;
    let node = registry.node()?;
    let ended = ana.publish("shop/old@1", "again and again").await?;
    delete(&ana, &ended).await?;
    let old = objects_of(node, "again and again").await?;
    let sweep =
        sweep_unless_published(node, "again and again", "shop/new@1").await?.context("it is swept")?;
    // The store takes the record in, and its answer is lost: the client sends it again.
    store.plan("blobs/shop", Fault::StoredThenPrecondition);
    ana.publish("shop/new@1", "again and again").await?;
    assert!(store.is_done());
    let objects: Arc<dyn ObjectStore> = store;
    for object in &old {
        let key = ObjectKey::of_content(object)?;
        assert!(objects.head(&key.as_str().into()).await.is_err(), "{key} is gone");
        objects.put(&key.as_str().into(), "a stalled PUT".into()).await?;
    }
    for _ in 0..2 {
        node.blobs().delete_swept(&old).await?;
        assert_eq!(bytes_of(&ana, "shop/new@1", "again and again").await?.0, StatusCode::OK);
    }
    let new = objects_of(node, "again and again").await?;
    assert!(new.iter().all(|object| object.g == sweep), "{new:?}");
    let refused = node.blobs().delete_swept(&new).await;
    assert!(refused.is_err(), "no newer sweep named them: {refused:?}");
    assert_eq!(bytes_of(&ana, "shop/new@1", "again and again").await?.0, StatusCode::OK);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_gives_no_bytes_and_what_shares_them_goes_on() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let ended = ana.publish("shop/web@1", "shared bytes").await?;
    let alive = ana.publish("shop/web@2", "shared bytes").await?;
    assert_eq!(ended.digests, alive.digests);
    let by = delete(&ana, &ended).await?;
    let answer = ana.http()?.get(&blob_path("shop/web@1", "shared bytes")).await?;
    assert_eq!(answer.status(), StatusCode::GONE);
    let problem: Problem = serde_json::from_slice(&answer.bytes().await?)?;
    assert!(problem.detail.contains(&format!("ended by entry {by}")), "{}", problem.detail);
    assert_eq!(
        ana.http()?.get("/v1/artifacts/shop/web@1").await?.status(),
        StatusCode::OK,
        "its record stays"
    );
    assert_eq!(bytes_of(&ana, "shop/web@2", "shared bytes").await?.0, StatusCode::OK);
    let by_digest = format!("shop/web@blake3:{}", alive.digests.blake3);
    assert_eq!(bytes_of(&ana, &by_digest, "shared bytes").await?.0, StatusCode::OK, "one of them is there");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_nobody_checked_against_publishes_is_not_logged() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish("shop/web@1", "needed").await?;
    let node = registry.node()?;
    let list = holdfast_formats::sweep_list::encode(&objects_of(node, "needed").await?)?;
    let sweep = holdfast_formats::statement::Sweep {
        phase: holdfast_formats::statement::SweepPhase::End,
        artifacts: Vec::new(),
        objects: Some(holdfast_formats::statement::AttachmentRef::of(&list)),
        bytes: holdfast_formats::number::ByteSize::new(6)?,
        intends: None,
    };
    let before = node.log().head().size();
    let refused = node.log().append_own(sweep.into(), Some(list), AtSlot::Nothing).await;
    assert!(matches!(refused, Err(OwnError::Append(AppendError::Unchecked))), "{refused:?}");
    assert_eq!(node.log().head().size(), before);
    Ok(())
}

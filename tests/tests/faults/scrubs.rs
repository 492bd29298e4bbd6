//! T8 as a standing job: what is damaged is named, everything that needs it is passed over, and pushing it again heals it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::TryStreamExt as _;
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::wire::v1::{
    ExitCode, MissingAnswer, PassReason, ProblemCode, ScrubOrder, ScrubRequest, ScrubRun, ScrubStatus,
};
use holdfast_tests::{Backing, Folder, Index, Person, TestRegistry, Tree};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use reqwest::Method;

const EVERYTHING: ScrubOrder =
    ScrubOrder { percent: None, older_than_s: None, namespace: None, bytes_per_s: None, ends_after_s: None };

async fn ask(registry: &TestRegistry, start: Option<ScrubOrder>) -> Result<ScrubStatus> {
    Ok(registry.node()?.service().operate_scrub(ScrubRequest { start }).await?)
}

/// Does a run and waits for its end.
async fn scrub(registry: &TestRegistry, order: ScrubOrder) -> Result<ScrubRun> {
    ask(registry, Some(order)).await?;
    for _ in 0..1000 {
        let status = ask(registry, None).await?;
        if status.running.is_none() {
            return status.last.context("a run that ended is shown");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("the run does not end")
}

/// Flips a bit in the only object below a prefix whose name begins so.
async fn flip(objects: &Arc<dyn ObjectStore>, prefix: &str, name: &str) -> Result<()> {
    let all: Vec<Path> =
        objects.list(Some(&Path::from(prefix))).map_ok(|meta| meta.location).try_collect().await?;
    let path = all.iter().find(|path| path.filename().is_some_and(|file| file.starts_with(name)));
    let path = path.with_context(|| format!("{prefix}/…/{name} is among {all:?}"))?;
    let mut bytes = objects.get(path).await?.bytes().await?.to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    objects.put(path, bytes.into()).await?;
    Ok(())
}

fn sharing(own: &str) -> Result<Folder> {
    Ok(Folder::with("own", own)?.file("shared", "what both of them need")?)
}

/// Two names that share a file, each pinned on a channel of its own; one of them has an older pin without it.
async fn sharers(registry: &TestRegistry) -> Result<Person> {
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let web = ana.push("shop/web@2", &sharing("web")?).await?.artifact;
    ana.pin("shop/prod", &web).await?;
    let api = ana.push("shop/api@1", &sharing("api")?).await?.artifact;
    ana.pin("shop/apis", &api).await?;
    ana.publish_and_pin("bank/prod", "bank/web@1").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@2"]);
    assert_eq!(ana.answer("shop/apis").await?, ["shop/api@1"]);
    Ok(ana)
}

async fn assert_quarantined(ana: &Person) -> Result<()> {
    let lookup = ana.known_good("shop/prod").await?;
    let line = &lookup.answer.get().lines[0];
    assert_eq!(line.artifact.r#ref.to_string(), "shop/web@1");
    let reasons: Vec<PassReason> = line.passed_over.iter().map(|passed| passed.reason).collect();
    assert_eq!(reasons, [PassReason::ScrubFailed], "and the client verified the scrub that says so");
    let refused = ana.known_good("shop/apis").await.expect_err("its one pin is damaged");
    assert_eq!(refused.exit(), ExitCode::NothingQualifies, "{refused}");
    assert_eq!(ana.answer("bank/prod").await?, ["bank/web@1"], "another namespace has nothing to do with it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_what_a_damaged_object_touches_is_passed_over_until_it_is_put_again() -> Result<()> {
    let shared = Digests::of(b"what both of them need");
    let damages = [
        ("chunks/shop", shared.blake3.to_string()),
        ("blobs/shop", shared.blake3.to_string()),
        ("aliases/shop", shared.sha256.to_string()),
    ];
    let mut registry = TestRegistry::on(Backing::memory()).await?;
    let ana = sharers(&registry).await?;
    for (prefix, name) in damages {
        flip(&registry.objects()?, prefix, &name).await?;
        let run = scrub(&registry, EVERYTHING).await?;
        let counts = (run.artifacts.get(), run.bad.get(), run.touched.get());
        assert_eq!(counts, (3, 1, 1), "{prefix}: one was read, and its neighbour was not even asked");
        assert_eq!(run.stopped, None);
        assert_eq!(ask(&registry, None).await?.unsound.get(), 2, "{prefix}");
        assert_quarantined(&ana).await?;
        registry.restart(Index::Removed).await?;
        assert_eq!(ask(&registry, None).await?.unsound.get(), 2, "{prefix}: from the log alone");
        assert_quarantined(&ana).await?;

        ana.push("shop/web@2", &sharing("web")?).await?;
        let run = scrub(&registry, EVERYTHING).await?;
        assert_eq!((run.artifacts.get(), run.bad.get(), run.touched.get()), (4, 0, 0), "{prefix}");
        assert_eq!(ask(&registry, None).await?.unsound.get(), 0);
        assert_eq!(ana.answer("shop/prod").await?, ["shop/web@2"], "{prefix}: healed");
        assert_eq!(ana.answer("shop/apis").await?, ["shop/api@1"], "{prefix}: healed");
    }
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_a_damaged_chunk_of_snapshots_touches_every_one_that_lists_it() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    let trees = [
        Tree::of_files(&[("a", &[b"kept in both"]), ("b", &[b"first"])]),
        Tree::of_files(&[("a", &[b"kept in both"]), ("b", &[b"second"])]),
        Tree::of_files(&[("c", &[b"something else"])]),
    ];
    for (at, tree) in trees.iter().enumerate() {
        let pushed = ana.publish_tree(&format!("shop/db@{at}"), tree).await?.artifact;
        ana.pin(&format!("shop/at-{at}"), &pushed).await?;
    }
    let answers = async |channel: &str| ana.answer(channel).await.is_ok();
    // A chunk of its content, then the only chunk of a catalog.
    let shared = Blake3Digest::of(b"kept in both");
    flip(&registry.objects()?, "chunks/shop", &shared.to_string()).await?;
    let run = scrub(&registry, EVERYTHING).await?;
    assert_eq!((run.bad.get(), run.touched.get()), (1, 1));
    assert_eq!([answers("shop/at-0").await, answers("shop/at-1").await], [false, false]);
    assert!(answers("shop/at-2").await);
    ana.publish_tree("shop/db@0", &trees[0]).await?;
    assert_eq!(scrub(&registry, EVERYTHING).await?.bad.get(), 0);
    assert_eq!([answers("shop/at-0").await, answers("shop/at-1").await], [true, true]);

    let catalog = Blake3Digest::of(&trees[1].catalog);
    flip(&registry.objects()?, "blobs/shop", &catalog.to_string()).await?;
    assert_eq!(scrub(&registry, EVERYTHING).await?.bad.get(), 1);
    assert_eq!([answers("shop/at-0").await, answers("shop/at-1").await], [true, false]);
    ana.publish_tree("shop/db@1", &trees[1]).await?;
    assert_eq!(scrub(&registry, EVERYTHING).await?.bad.get(), 0);
    assert!(answers("shop/at-1").await);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_a_pin_that_finds_damage_takes_everything_along_that_needs_it() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = sharers(&registry).await?;
    let new = ana.push("shop/new@1", &sharing("new")?).await?.artifact;
    let shared = Blake3Digest::of(b"what both of them need");
    flip(&registry.objects()?, "chunks/shop", &shared.to_string()).await?;
    ana.pin("shop/news", &new).await.unwrap_err();
    for _ in 0..500 {
        if ask(&registry, None).await?.unsound.get() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_quarantined(&ana).await
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_go_on_where_the_one_before_was_and_take_the_oldest_first() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    for version in 1..=4 {
        ana.publish(&format!("shop/web@{version}"), &format!("version {version}")).await?;
    }
    ana.publish("bank/web@1", "of somebody else").await?;
    assert_eq!(ask(&registry, None).await?.full, None);
    let half = ScrubOrder { percent: Some(50), namespace: Some("shop".parse()?), ..EVERYTHING };
    for wanted in ["shop/web@1", "shop/web@3"] {
        assert_eq!(
            ask(&registry, None).await?.oldest.map(|oldest| oldest.to_string()).as_deref(),
            Some(wanted)
        );
        let run = scrub(&registry, half.clone()).await?;
        assert_eq!((run.artifacts.get(), run.stopped), (2, None));
    }
    let status = ask(&registry, None).await?;
    assert_eq!(status.oldest.map(|oldest| oldest.to_string()).as_deref(), Some("bank/web@1"));
    registry.advance(Duration::from_hours(48)).await?;
    let day = ScrubOrder { older_than_s: Some(86_400.try_into()?), ..EVERYTHING };
    let run = scrub(&registry, day.clone()).await?;
    assert_eq!(run.artifacts.get(), 5);
    let status = ask(&registry, None).await?;
    assert_eq!(status.full, Some(registry.clock().timestamp()));
    assert_eq!(scrub(&registry, day).await?.artifacts.get(), 0, "nothing is old enough");
    let over = ScrubOrder { ends_after_s: Some(0.try_into()?), ..EVERYTHING };
    assert_eq!(scrub(&registry, over).await?.stopped.as_deref(), Some("its time was over"));
    registry.advance(Duration::from_hours(8 * 24)).await?;
    let quiet = scrub(&registry, EVERYTHING).await?;
    assert!(quiet.stopped.is_some_and(|why| why.contains("week")), "nobody would take what it logs");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_a_scrub_of_one_node_is_news_to_another_that_took_an_object_for_good() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = sharers(&registry).await?;
    let other = registry.another_node().await?;
    let shared = Blake3Digest::of(b"what both of them need");
    let body = serde_json::to_vec(&serde_json::json!({ "chunks": [shared] }))?;
    let there = ana.without_memory(registry.clock().clone())?.at(&other.url())?;
    let missing = async || -> Result<Vec<Blake3Digest>> {
        let answer =
            there.http()?.send(Method::POST, "/v1/namespaces/shop/chunks/missing", body.clone()).await?;
        let answer: MissingAnswer = serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?;
        Ok(answer.missing)
    };
    assert_eq!(missing().await?, [], "the other node looks at it, and takes it for good");
    flip(&registry.objects()?, "chunks/shop", &shared.to_string()).await?;
    assert_eq!(scrub(&registry, EVERYTHING).await?.bad.get(), 1);
    for _ in 0..500 {
        if missing().await? == [shared] {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    anyhow::bail!("the other node never heard of it")
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_the_registrys_key_makes_it_work() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    let answer = ana.http()?.send(Method::POST, "/v1/operations/scrub", b"{}".to_vec()).await?;
    let (status, code, _) = holdfast_tests::Http::problem(answer).await?;
    assert_eq!((status, code), (401, ProblemCode::Unauthorized));
    Ok(())
}

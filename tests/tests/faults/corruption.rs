//! T7, T8: objects that are torn or have a bit flipped.

use std::sync::Arc;

use anyhow::Result;
use futures::TryStreamExt as _;
use holdfast_formats::wire::v1::{ExitCode, ProblemCode};
use holdfast_tests::{Backing, Http, Index, Person, TestRegistry, of};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

async fn below(objects: &Arc<dyn ObjectStore>, prefix: &str) -> Result<Vec<Path>> {
    let mut found: Vec<Path> =
        objects.list(Some(&Path::from(prefix))).map_ok(|meta| meta.location).try_collect().await?;
    found.sort();
    Ok(found)
}

async fn read(objects: &Arc<dyn ObjectStore>, path: &Path) -> Result<Vec<u8>> {
    Ok(objects.get(path).await?.bytes().await?.to_vec())
}

/// A registry in memory with some commits, and whoever made them.
async fn busy() -> Result<(TestRegistry, Person, Arc<dyn ObjectStore>)> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let objects = registry.objects()?;
    Ok((registry, ana, objects))
}

#[tokio::test(flavor = "multi_thread")]
async fn t07_a_torn_commit_stops_the_start_and_is_never_skipped() -> Result<()> {
    let (mut registry, ana, objects) = busy().await?;
    registry.stop().await?;
    let commits = below(&objects, "log/commits").await?;
    assert!(commits.len() >= 4, "{commits:?}");
    for commit in [&commits[0], &commits[2], &commits[commits.len() - 1]] {
        let whole = read(&objects, commit).await?;
        for torn in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
            objects.put(commit, whole[..torn].to_vec().into()).await?;
            registry.remove_index()?;
            let refused = registry.try_start().await.expect_err("a torn commit is no log");
            let words = format!("{refused:#}");
            assert!(words.contains("does not recompute") && words.contains("commit"), "{words}");
        }
        objects.put(commit, whole.into()).await?;
    }
    registry.try_start().await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"], "whole again, it goes on");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t07_a_torn_last_commit_stops_a_start_with_an_index_that_has_it_too() -> Result<()> {
    let (mut registry, _ana, objects) = busy().await?;
    registry.stop().await?;
    let commits = below(&objects, "log/commits").await?;
    let last = &commits[commits.len() - 1];
    let whole = read(&objects, last).await?;
    objects.put(last, whole[..whole.len() / 2].to_vec().into()).await?;
    let refused = registry.try_start().await.expect_err("the index has applied what the store lost");
    assert!(format!("{refused:#}").contains("restore log/commits"), "{refused:#}");
    objects.delete(last).await?;
    assert!(registry.try_start().await.is_err(), "nor is a commit that is gone taken for one that never was");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t07_garbage_in_the_next_slot_halts_the_node_that_meets_it() -> Result<()> {
    let (mut registry, ana, objects) = busy().await?;
    let next = below(&objects, "log/commits").await?.len();
    let slot = Path::from(format!("log/commits/0/{next:020}"));
    objects.put(&slot, b"holdfast/commit/v1\ngarbage".to_vec().into()).await?;
    let refused = ana.freeze("shop/prod").await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::Halted), "{refused}");
    assert_eq!(refused.exit(), ExitCode::Integrity);
    assert!(ana.registry().status().await?.halted.is_some());
    assert_eq!(read(&objects, &slot).await?, b"holdfast/commit/v1\ngarbage", "nothing was put in its place");
    assert!(registry.restart(Index::Kept).await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_a_commit_with_any_bit_flipped_stops_a_rebuild() -> Result<()> {
    let (mut registry, _ana, objects) = busy().await?;
    registry.stop().await?;
    for commit in below(&objects, "log/commits").await? {
        let whole = read(&objects, &commit).await?;
        for at in (0..whole.len()).step_by(whole.len() / 7) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            objects.put(&commit, damaged.into()).await?;
            registry.remove_index()?;
            let refused = registry.try_start().await;
            assert!(refused.is_err(), "byte {at} of {commit} is not covered");
        }
        objects.put(&commit, whole.into()).await?;
    }
    registry.remove_index()?;
    registry.try_start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_a_chunk_or_record_with_any_bit_flipped_is_an_error_and_never_data() -> Result<()> {
    let (mut registry, ana, objects) = busy().await?;
    let record = ana.registry().artifact(&of("shop/web@1")).await?;
    for prefix in ["chunks/shop", "blobs/shop"] {
        let stored = below(&objects, prefix).await?;
        let [object] = stored.as_slice() else { panic!("one file is one object: {stored:?}") };
        let whole = read(&objects, object).await?;
        for at in (0..whole.len()).step_by((whole.len() / 6).max(1)) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            objects.put(object, damaged.into()).await?;
            registry.restart(Index::Kept).await?;
            let refused = ana.registry().verify_artifact(&record).await.unwrap_err();
            assert_eq!(refused.exit(), ExitCode::Integrity, "byte {at} of {object}: {refused}");
        }
        objects.put(object, whole.into()).await?;
    }
    registry.restart(Index::Kept).await?;
    assert_eq!(ana.registry().verify_artifact(&record).await?.files, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_a_chunk_that_is_gone_is_an_error_too() -> Result<()> {
    let (mut registry, ana, objects) = busy().await?;
    let record = ana.registry().artifact(&of("shop/web@1")).await?;
    for path in below(&objects, "chunks/shop").await? {
        objects.delete(&path).await?;
    }
    registry.restart(Index::Kept).await?;
    let refused = ana.registry().verify_artifact(&record).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Integrity, "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_a_scrub_names_what_is_bad_and_a_push_mends_it() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    let artifact = ana.publish("shop/web@1", "the only version").await?;
    let objects = registry.objects()?;
    for path in below(&objects, "chunks/shop").await? {
        let mut bytes = read(&objects, &path).await?;
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        objects.put(&path, bytes.into()).await?;
    }
    let refused = ana.pin("shop/prod", &artifact).await.unwrap_err();
    assert!(matches!(refused.exit(), ExitCode::Refused | ExitCode::Integrity), "{refused}");
    let record = ana.registry().artifact(&of("shop/web@1")).await?;
    let scrub = record.scrub().expect("the scrub was logged").get();
    let holdfast_formats::statement::Predicate::Scrub(said) = &scrub.statement().predicate else {
        panic!("it is a scrub")
    };
    assert_ne!(said.outcome, holdfast_formats::statement::ScrubOutcome::Good);
    assert!(said.bad.as_ref().is_some_and(|bad| !bad.is_empty()), "it names the object: {said:?}");

    assert_eq!(ana.publish("shop/web@1", "the only version").await?, artifact);
    ana.pin("shop/prod", &artifact).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
    assert_eq!(ana.registry().verify_artifact(&record).await?.files, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_an_entry_that_was_changed_is_never_answered() -> Result<()> {
    let (mut registry, ana, objects) = busy().await?;
    // What is not in a full tile yet is hashed again at every start, which refuses such a log.
    futures::future::try_join_all((0..256).map(|_| ana.freeze("shop/prod"))).await?;
    let first = Path::from(format!("log/commits/0/{:020}", 0));
    let text = String::from_utf8(read(&objects, &first).await?)?;
    let changed = text.replacen("\"payload\":\"eyJ", "\"payload\":\"eyK", 1);
    assert_ne!(text, changed);
    objects.put(&first, changed.into_bytes().into()).await?;
    registry.restart(Index::Kept).await?;
    let http = ana.http()?;
    let (status, code, _) = Http::problem(http.get("/v1/log/proof/0").await?).await?;
    assert_eq!((status, code), (500, ProblemCode::Corrupt));
    assert!(http.get("/v1/log/proof/1").await?.status().is_success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_a_manifest_that_was_changed_is_never_served() -> Result<()> {
    let (mut registry, ana, objects) = busy().await?;
    for path in below(&objects, "log/attachments").await? {
        let mut bytes = read(&objects, &path).await?;
        bytes[10] ^= 1;
        objects.put(&path, bytes.into()).await?;
    }
    let refused = match registry.restart(Index::Kept).await {
        Ok(()) => ana.registry().artifact(&of("shop/web@1")).await.unwrap_err().exit(),
        Err(_) => ExitCode::Integrity,
    };
    assert_eq!(refused, ExitCode::Integrity);
    assert!(registry.node().is_err() || ana.known_good("shop/prod").await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t08_tiles_that_were_changed_convince_nobody_and_are_written_again() -> Result<()> {
    let (mut registry, ana, objects) = busy().await?;
    registry.stop().await?;
    let tiles = below(&objects, "log/tile").await?;
    assert!(!tiles.is_empty());
    let mut kept = Vec::new();
    for path in tiles {
        let bytes = read(&objects, &path).await?;
        let mut damaged = bytes.clone();
        damaged[5] ^= 1;
        objects.put(&path, damaged.into()).await?;
        kept.push((path, bytes));
    }
    registry.try_start().await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"], "proofs come from the log");
    assert!(ana.audit().await?.findings.is_empty());
    registry.stop().await?;
    let width = |path: &Path| path.filename().and_then(|name| name.parse::<u32>().ok());
    let bundles = kept.iter().filter(|(path, _)| path.as_ref().contains("/entries/"));
    let (path, bytes) = bundles.max_by_key(|(path, _)| width(path)).expect("there is a bundle");
    assert!(&read(&objects, path).await? == bytes, "{path} is as it was");
    Ok(())
}

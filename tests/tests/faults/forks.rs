//! T16, T17, T41: logs that go back, fork, freeze, or have a commit replaced.

use std::path::Path as FilePath;
use std::time::Duration;

use anyhow::{Context as _, Result};
use holdfast_formats::commit::Commit;
use holdfast_formats::id::RandomId;
use holdfast_formats::wire::v1::ExitCode;
use holdfast_registry::log::NodeKeys;
use holdfast_tests::{Backing, Folder, Index, TestRegistry, of};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

pub(crate) fn copy(from: &FilePath, to: &FilePath) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for item in std::fs::read_dir(from)? {
        let item = item?;
        let place = to.join(item.file_name());
        if item.file_type()?.is_dir() {
            copy(&item.path(), &place)?;
        } else {
            std::fs::copy(item.path(), place)?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t16_a_store_that_was_put_back_and_grew_again_is_a_fork_to_who_saw_more() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let Backing::Directory(objects) = registry.backing().clone() else { panic!("it is in a directory") };
    let backup = registry.home().join("backup");
    registry.stop().await?;
    copy(&objects, &backup)?;
    registry.try_start().await?;
    ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@2"]);

    registry.stop().await?;
    registry.remove_index()?;
    std::fs::remove_dir_all(&objects)?;
    copy(&backup, &objects)?;
    registry.try_start().await?;
    let refused = ana.known_good("shop/prod").await.unwrap_err();
    assert!(matches!(refused.exit(), ExitCode::Integrity | ExitCode::Unreachable), "shorter: {refused}");
    let refused = ana.registry().sync().await.unwrap_err();
    assert!(matches!(refused.exit(), ExitCode::Integrity | ExitCode::Unreachable), "shorter: {refused}");

    let newcomer = ana.without_memory(registry.clock().clone())?;
    for version in 3..9 {
        newcomer.publish_and_pin("shop/prod", &format!("shop/web@{version}")).await?;
    }
    assert_eq!(newcomer.answer("shop/prod").await?, ["shop/web@8"], "who saw nothing cannot know");
    for outcome in [
        ana.known_good("shop/prod").await.err().map(|e| (e.exit(), e.to_string())),
        ana.registry().sync().await.err().map(|e| (e.exit(), e.to_string())),
        ana.push("shop/web@9", &Folder::with("app", "9")?).await.err().map(|e| (e.exit(), e.to_string())),
    ] {
        let (exit, words) = outcome.context("a fork is never accepted")?;
        assert_eq!(exit, ExitCode::Integrity, "{words}");
    }
    let again = ana.again()?;
    assert_eq!(again.known_good("shop/prod").await.unwrap_err().exit(), ExitCode::Integrity, "nor later");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_an_answer_from_another_time_is_stale() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    for (minutes, exit) in [(4, None), (6, Some(ExitCode::Unreachable))] {
        let clock = holdfast_tests::TestClock::at_present();
        clock.advance(Duration::from_secs(minutes * 60));
        let late = ana.without_memory(clock)?;
        let outcome = late.known_good("shop/prod").await;
        assert_eq!(
            outcome.as_ref().err().map(holdfast_client::ClientError::exit),
            exit,
            "{minutes} minutes: {:?}",
            outcome.err()
        );
    }
    Ok(())
}

/// The same commit by the same writer, but not the same bytes.
fn created_again(bytes: &[u8], keys: &NodeKeys) -> Result<Vec<u8>> {
    let commit = Commit::parse(bytes)?;
    let header =
        holdfast_formats::commit::CommitHeader { nonce: RandomId::from_bytes([7; 16]), ..commit.header };
    Ok(header.encode(keys.acting(None)?.registry(), &commit.entries)?.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn t41_a_last_commit_that_was_created_again_stops_the_next_start() -> Result<()> {
    let mut registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    ana.publish("shop/web@1", "1").await?;
    let keys = NodeKeys::load(&registry.keys_folder())?.context("it has keys")?;
    let objects = registry.objects()?;
    registry.stop().await?;
    let commits = registry.node().is_err();
    assert!(commits, "it is stopped");
    let mut last = 0;
    while objects.head(&Path::from(format!("log/commits/0/{:020}", last + 1))).await.is_ok() {
        last += 1;
    }
    let path = Path::from(format!("log/commits/0/{last:020}"));
    let genuine = objects.get(&path).await?.bytes().await?;
    objects.put(&path, created_again(&genuine, &keys)?.into()).await?;
    let refused = registry.try_start().await.expect_err("the index knows another commit");
    assert!(format!("{refused:#}").contains("does not hold that commit"), "{refused:#}");
    objects.put(&path, genuine.into()).await?;
    registry.try_start().await?;
    assert_eq!(ana.list().await?, ["shop/web@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t41_an_inner_commit_that_was_created_again_breaks_the_chain() -> Result<()> {
    let mut registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    ana.publish("shop/web@1", "1").await?;
    let keys = NodeKeys::load(&registry.keys_folder())?.context("it has keys")?;
    let objects = registry.objects()?;
    let path = Path::from(format!("log/commits/0/{:020}", 1));
    let genuine = objects.get(&path).await?.bytes().await?;
    objects.put(&path, created_again(&genuine, &keys)?.into()).await?;
    let refused = registry.restart(Index::Removed).await.expect_err("commit 2 names another commit 1");
    assert!(format!("{refused:#}").contains("does not follow the commit before it"), "{refused:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t41_a_slot_that_was_emptied_under_a_running_node_is_not_filled_by_it() -> Result<()> {
    let registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    ana.publish("shop/web@1", "1").await?;
    let objects = registry.objects()?;
    let path = Path::from(format!("log/commits/0/{:020}", 1));
    objects.delete(&path).await?;
    ana.publish("shop/web@2", "2").await?;
    assert!(objects.head(&path).await.is_err(), "nobody writes into a slot of the past");
    let refused = registry.another_node().await.err().context("a new node does not start over the hole")?;
    assert!(format!("{refused:#}").contains("commit 1 is gone"), "{refused:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t41_a_log_that_lost_its_end_is_not_taken_for_a_shorter_one() -> Result<()> {
    let mut registry = TestRegistry::on(Backing::memory()).await?;
    let ana = registry.login().await?;
    ana.publish("shop/web@1", "1").await?;
    registry.stop().await?;
    let objects = registry.objects()?;
    let end = async |slot: u64| objects.head(&Path::from(format!("log/commits/0/{slot:020}"))).await.is_ok();
    let mut last = 0;
    while end(last + 1).await {
        last += 1;
    }
    objects.delete(&Path::from(format!("log/commits/0/{last:020}"))).await?;
    registry.remove_index()?;
    let refused = registry.try_start().await.expect_err("the published checkpoint covers more");
    assert!(format!("{refused:#}").contains("restore log/commits"), "{refused:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_a_client_of_one_log_refuses_another_under_the_same_address() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let other = TestRegistry::start().await?;
    let mallory = other.login().await?;
    mallory.publish_and_pin("shop/prod", "shop/web@1").await?;
    let options = holdfast_client::OpenOptions {
        url: Some(other.url()),
        token: Some(mallory.token()?),
        ..holdfast_client::OpenOptions::new()
    };
    let fooled = holdfast_client::Registry::open(ana.places(), options)?;
    let query = holdfast_formats::wire::v1::KnownGoodQuery::EVERYTHING;
    let refused = fooled.known_good(&of("shop/prod"), &query, None).await.unwrap_err();
    assert!(matches!(refused.exit(), ExitCode::Integrity | ExitCode::Unreachable), "{refused}");
    assert_eq!(fooled.sync().await.unwrap_err().exit(), ExitCode::Integrity);
    Ok(())
}

//! Stopping and starting: nothing acknowledged is lost, and the index is only a projection.

use std::time::Duration;

use anyhow::Result;
use holdfast_formats::statement::DeployPhase;
use holdfast_formats::wire::v1::{ExitCode, ListQuery};
use holdfast_tests::{Index, Person, TestRegistry, entries_of, of};
use reqwest::Method;

/// Everything that a reader can ask of a small registry, as bytes.
async fn everything(ana: &Person) -> Result<Vec<(String, String)>> {
    let http = ana.http()?;
    let mut answers = Vec::new();
    for path in [
        "/v1/registry",
        "/v1/artifacts",
        "/v1/artifacts/shop/web@1",
        "/v1/artifacts/shop/web@2",
        "/v1/artifacts?kind=build&limit=1",
        "/v1/channels/shop/prod/known-good",
        "/v1/channels/shop/prod/known-good?back=1",
        "/v1/channels/shop/prod/known-good?not=current",
        "/v1/channels/shop/prod/history",
        "/v1/channels/shop/prod/gate?ref=shop/web@2",
        "/v1/log/checkpoint",
        "/v1/log/entries?from=0",
        "/v1/log/proof/3",
        "/v1/log/consistency?from=2",
        "/v1/policies",
    ] {
        let answer = http.request(Method::GET, path).send().await?;
        let status = answer.status();
        answers.push((path.to_owned(), format!("{status} {}", answer.text().await?)));
    }
    Ok(answers)
}

async fn busy(registry: &TestRegistry) -> Result<Person> {
    let ana = registry.login().await?;
    let one = ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let two = ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    let three = ana.publish_and_pin("shop/prod", "shop/web@3").await?;
    ana.deploy("shop/prod", &one, DeployPhase::Succeeded).await?;
    ana.deploy("shop/prod", &three, DeployPhase::Succeeded).await?;
    ana.deny(&two, Some("shop/canary")).await?;
    ana.freeze("shop/prod").await?;
    Ok(ana)
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_a_deleted_index_is_made_anew_and_answers_the_same() -> Result<()> {
    for mut registry in [TestRegistry::start().await?, TestRegistry::in_directory().await?] {
        let ana = busy(&registry).await?;
        let before = everything(&ana).await?;
        for (path, answer) in &before {
            assert!(answer.starts_with("200"), "{path}: {answer}");
        }
        registry.restart(Index::Kept).await?;
        assert_eq!(everything(&ana).await?, before, "after a plain restart");
        registry.restart(Index::Removed).await?;
        assert_eq!(everything(&ana).await?, before, "after a restart without index");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_an_old_index_catches_up() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    registry.stop().await?;
    let folder = registry.index_path().parent().expect("it lies in a folder").to_owned();
    let old = entries_of(&folder)?;
    registry.try_start().await?;
    ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    registry.stop().await?;
    registry.remove_index()?;
    std::fs::create_dir_all(&folder)?;
    for (name, (_, bytes)) in old {
        std::fs::write(folder.join(name), bytes)?;
    }
    registry.try_start().await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@2"]);
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_a_corrupt_index_is_not_believed() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    registry.stop().await?;
    std::fs::write(registry.index_path(), b"this is no database, it never was one".repeat(1000))?;
    match registry.try_start().await {
        Ok(()) => assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]),
        Err(refused) => {
            let words = format!("{refused:#}");
            assert!(words.contains("rebuild") || words.contains("delete"), "it says what to do: {words}");
            registry.remove_index()?;
            registry.try_start().await?;
            assert_eq!(ana.answer("shop/prod").await?, ["shop/web@1"]);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t09_a_write_ahead_log_that_is_gone_or_damaged_is_made_up_for() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    let index = registry.index_path();
    let beside = |suffix: &str| {
        let mut name = index.clone().into_os_string();
        name.push(suffix);
        std::path::PathBuf::from(name)
    };
    for (version, damage) in ["gone", "cut", "garbage", "of another state"].into_iter().enumerate() {
        let before: Option<Vec<u8>> = std::fs::read(beside("-wal")).ok();
        let reference = format!("shop/web@{version}");
        ana.publish_and_pin("shop/prod", &reference).await?;
        // A crash leaves the write-ahead log behind: what it holds is taken while the node still runs.
        let wal = std::fs::read(beside("-wal"))?;
        assert!(!wal.is_empty());
        registry.stop().await?;
        match damage {
            "gone" => drop(std::fs::remove_file(beside("-wal"))),
            "cut" => std::fs::write(beside("-wal"), &wal[..wal.len() / 3])?,
            "garbage" => std::fs::write(beside("-wal"), vec![0x5a; wal.len()])?,
            _ => std::fs::write(beside("-wal"), before.unwrap_or_default())?,
        }
        registry.try_start().await?;
        assert_eq!(ana.answer("shop/prod").await?, [reference], "the write-ahead log is {damage}");
    }
    assert_eq!(ana.audit().await?.findings, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_neither_stops_the_log_nor_turns_its_time_back() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    registry.advance(Duration::from_hours(1)).await?;
    let before = ana.publish("shop/web@1", "1").await?;
    let time = ana.registry().artifact(&of("shop/web@1")).await?.published_at();
    registry.clock().set_back(Duration::from_secs(500));
    let after = ana.publish("shop/web@2", "2").await?;
    let later = ana.registry().artifact(&of("shop/web@2")).await?.published_at();
    assert_ne!(before, after);
    assert_eq!(later, time, "log time stands still until the clock has caught up");
    ana.pin("shop/prod", &after).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t31_a_log_that_was_quiet_for_long_wants_a_fresh_signature() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let draft = ana.draft_pin("shop/prod", &artifact, |_| {}).await?;
    let week = Duration::from_hours(168);
    let prepared = ana
        .registry()
        .prepare(holdfast_client::Draft { valid_for: week, ..draft })?
        .signed_by(&ana.signer())
        .await?;
    registry.advance(week + Duration::from_hours(1)).await?;
    let refused = ana.registry().submit_prepared(&prepared).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Refused, "{refused}");
    ana.publish("shop/web@2", "2").await?;
    ana.pin("shop/prod", &artifact).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_on_from_where_the_page_before_ended() -> Result<()> {
    let mut registry = TestRegistry::start().await?;
    let ana = busy(&registry).await?;
    let query = |after| ListQuery { prefix: None, kind: None, after, limit: Some(2), ended: None };
    let first = ana.registry().list(&query(None)).await?;
    registry.restart(Index::Removed).await?;
    let second = ana.registry().list(&query(first.next.clone())).await?;
    assert_eq!((first.artifacts.len(), second.artifacts.len()), (2, 1));
    Ok(())
}

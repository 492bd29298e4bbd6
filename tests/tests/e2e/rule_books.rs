//! From one rule book to the next: who is up to date goes on, who is not reads on and says so.

use std::time::Duration;

use anyhow::{Context as _, Result};
use holdfast_client::Draft;
use holdfast_formats::statement::Freeze;
use holdfast_formats::wire::v1::{ListQuery, ProblemCode, Status};
use holdfast_tests::{Http, Index, Person, TestRegistry, of};
use holdfast_verify::rule_book::RuleBook;
use reqwest::Method;

/// A node of the next version, and one of this version on the same store.
async fn nodes() -> Result<(TestRegistry, TestRegistry, Person)> {
    let mut newer = TestRegistry::start().await?;
    let older = newer.another_node().await?;
    newer.update_to(RuleBook::Rehearsal);
    newer.restart(Index::Kept).await?;
    let ana = newer.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let size = newer.node()?.log().head().size();
    tokio::time::timeout(Duration::from_secs(10), older.node()?.log().reached(size)).await?;
    Ok((newer, older, ana))
}

async fn raise(ana: &Person) -> Result<()> {
    ana.amend(|policy| policy.rules = RuleBook::Rehearsal.version()).await?;
    Ok(())
}

async fn refusal(http: &Http, body: Vec<u8>) -> Result<ProblemCode> {
    Ok(http.refusal(Method::POST, "/v1/submissions", body).await?.1)
}

/// Waits until a node has met what it cannot judge.
async fn behind(http: &Http) -> Result<Status> {
    for _ in 0..100 {
        let status: Status = http.read("/v1/status").await?;
        if !status.writable {
            return Ok(status);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the node does not notice")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_behind_serves_stale_reads_and_writes_nothing() -> Result<()> {
    let (newer, mut older, ana) = nodes().await?;
    let old = Http::new(&older.url(), Some(ana.token()?))?;
    let known_good = "/v1/channels/shop/prod/known-good";
    assert_eq!(old.get(known_good).await?.status(), 200);
    raise(&ana).await?;
    ana.publish("shop/web@2", "2").await?;

    for index in [None, Some(Index::Kept), Some(Index::Removed)] {
        if let Some(index) = index {
            older.restart(index).await?;
        }
        let status = behind(&old).await?;
        assert!(status.halted.context("a reason")?.contains("rule book 2"));
        assert!(status.size < newer.node()?.log().head().size());
        let listed = old.get("/v1/artifacts").await?;
        assert_eq!(listed.status(), 200);
        assert!(listed.headers()["holdfast-stale"].to_str()?.contains("rule book 2"));
        for path in [known_good, "/readyz"] {
            assert_eq!(old.get(path).await?.status(), 503, "{path}");
        }
        let freeze = Freeze { channel: of("shop/prod"), reason: of("an incident"), until: None };
        let body = ana.registry().prepare(Draft::new(freeze))?.signed_by(&ana.signer()).await?.to_json()?;
        assert_eq!(refusal(&old, body).await?, ProblemCode::Halted);
    }

    older.update_to(RuleBook::Rehearsal);
    older.restart(Index::Kept).await?;
    let answer = old.get(known_good).await?;
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("holdfast-stale"));
    let roots = [&newer, &older].map(|node| node.node().map(|node| node.log().head().root()));
    let [Ok(one), Ok(two)] = roots else { anyhow::bail!("both run") };
    assert_eq!(one, two);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn old_entries_are_judged_by_the_old_rules_and_new_ones_by_the_new() -> Result<()> {
    let (mut newer, older, ana) = nodes().await?;
    let next = ana.next_policy(|policy| policy.rules = RuleBook::Rehearsal.version()).await?;
    let body = ana.registry().prepare(Draft::new(next))?.signed_by(&ana.signer()).await?.to_json()?;
    let refused = refusal(&older.http()?, body).await?;
    assert_eq!(refused, ProblemCode::StatementInvalid);

    ana.freeze("shop/prod").await?;
    raise(&ana).await?;
    let refused = ana.freeze("shop/prod").await.unwrap_err();
    assert!(refused.to_string().contains("until when"), "{refused}");
    ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    newer.restart(Index::Removed).await?;
    assert_eq!(ana.answer("shop/prod").await?, ["shop/web@2"]);
    let query = ListQuery { prefix: None, kind: None, after: None, limit: None, ended: None };
    assert_eq!(ana.registry().list(&query).await?.artifacts.len(), 2);
    let report = ana.audit().await?;
    assert_eq!(report.findings, Vec::new());
    Ok(())
}

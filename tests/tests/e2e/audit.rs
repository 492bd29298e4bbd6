//! Not trusting the registry: receipts, audits, and a memory of what was seen.

use anyhow::Result;
use holdfast_formats::statement::DeployPhase;
use holdfast_formats::wire::v1::{ExitCode, KnownGoodQuery};
use holdfast_tests::{Index, Person, TestRegistry, of};

async fn busy() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let one = ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let two = ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    ana.deploy("shop/prod", &one, DeployPhase::Succeeded).await?;
    ana.deny(&two, None).await?;
    ana.publish_and_pin("shop/canary", "shop/api@1").await?;
    ana.freeze("shop/canary").await?;
    Ok((registry, ana))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_of_an_honest_log_finds_nothing() -> Result<()> {
    let (registry, ana) = busy().await?;
    let report = ana.audit().await?;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.size, registry.node()?.log().head().size());
    assert_eq!(report.root, registry.node()?.log().head().root());
    assert_eq!((report.artifacts, report.entries), (3, report.size.get()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t32_an_audit_finds_an_index_that_was_edited() -> Result<()> {
    let (mut registry, ana) = busy().await?;
    registry.stop().await?;
    // The operator makes the registry forget a deny.
    let index = rusqlite::Connection::open(registry.index_path())?;
    assert!(index.execute("DELETE FROM denies", [])? > 0);
    drop(index);
    registry.try_start().await?;
    let report = ana.audit().await?;
    assert!(!report.findings.is_empty(), "the registry answers shop/web@2, which its log denies");
    assert!(report.findings.iter().any(|f| f.channel == Some(of("shop/prod"))), "{:?}", report.findings);

    // What the log says comes back with an index that is made anew.
    registry.restart(Index::Removed).await?;
    let again = ana.again()?;
    assert_eq!(again.answer("shop/prod").await?, ["shop/web@1"]);
    assert!(again.audit().await?.findings.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_stay_valid_while_the_log_grows() -> Result<()> {
    let (registry, ana) = busy().await?;
    let pinned = ana.publish_and_pin("shop/prod", "shop/web@3").await?;
    let early = ana.registry().artifact(&of("shop/web@3")).await?.receipt().clone();
    for number in 0..20 {
        ana.publish(&format!("shop/more@{number}"), &number.to_string()).await?;
    }
    let (late, logged) = ana.registry().receipt(early.index).await?;
    assert_eq!(late.entry, early.entry);
    assert_ne!(late.proof, early.proof, "it is proven under a newer checkpoint");
    assert_eq!(logged.get().index(), early.index);
    assert_eq!(ana.registry().artifact(&of("shop/web@3")).await?.artifact(), &pinned);
    assert!(registry.node()?.log().head().size().get() > early.index.get() + 20);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_remembered_for_when_the_registry_is_down() -> Result<()> {
    let (mut registry, ana) = busy().await?;
    ana.known_good("shop/prod").await?;
    registry.stop().await?;
    let (channel, hour) = (of("shop/prod"), std::time::Duration::from_hours(1));
    let down = ana.registry().known_good(&channel, &KnownGoodQuery::EVERYTHING, None).await.unwrap_err();
    assert_eq!(down.exit(), ExitCode::Unreachable, "{down}");
    let lookup = ana.registry().known_good(&channel, &KnownGoodQuery::EVERYTHING, Some(hour)).await?;
    assert_eq!(lookup.answer.get().lines[0].artifact.r#ref.to_string(), "shop/web@1");
    assert!(lookup.cached_age.is_some());
    registry.clock().advance(hour * 2);
    let too_old =
        ana.registry().known_good(&channel, &KnownGoodQuery::EVERYTHING, Some(hour)).await.unwrap_err();
    assert_eq!(too_old.exit(), ExitCode::Unreachable, "{too_old}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_refused_is_never_replaced_by_a_remembered_one() -> Result<()> {
    let (_registry, ana) = busy().await?;
    ana.known_good("shop/prod").await?;
    let one = ana.registry().resolve(&of("shop/web@1")).await?;
    ana.deny(&one, None).await?;
    let hour = Some(std::time::Duration::from_hours(1));
    let refused =
        ana.registry().known_good(&of("shop/prod"), &KnownGoodQuery::EVERYTHING, hour).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::NothingQualifies, "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_over_one_memory_all_succeed() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let references: Vec<String> = (0..32).map(|number| format!("shop/web@{number}")).collect();
    futures::future::try_join_all(references.iter().map(|r| ana.publish(r, r))).await?;
    assert_eq!(ana.list().await?.len(), 32);
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

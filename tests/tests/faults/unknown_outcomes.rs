//! T14, T15, T42: writes whose outcome is unknown, late or a lie.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use holdfast_tests::{Backing, Fault, FaultyStore, Folder, Index, TestRegistry, of};
use object_store::ObjectStore;

fn faults() -> [Fault; 5] {
    [
        Fault::StoredThenTimeout,
        Fault::StoredThenServerError,
        Fault::StoredThenPrecondition,
        Fault::LostThenTimeout,
        Fault::StoredLate(Duration::from_millis(300)),
    ]
}

async fn on(store: &Arc<FaultyStore>) -> Result<TestRegistry> {
    TestRegistry::on(Backing::Objects(Arc::clone(store) as Arc<dyn ObjectStore>)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_a_commit_of_unknown_outcome_becomes_one_success_and_one_commit() -> Result<()> {
    let store = FaultyStore::new();
    let mut registry = on(&store).await?;
    let ana = registry.login().await?;
    for (number, fault) in faults().into_iter().enumerate() {
        let before = registry.node()?.log().head().size().get();
        store.plan("log/commits", fault.clone());
        let channel = format!("shop/c{number}");
        let frozen = ana.freeze(&channel).await?;
        assert!(store.is_done(), "{fault:?} was met");
        assert_eq!(frozen.index.get(), before, "{fault:?}");
        assert_eq!(registry.node()?.log().head().size().get(), before + 1, "{fault:?}");
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    let size = registry.node()?.log().head().size();
    registry.restart(Index::Removed).await?;
    assert_eq!(registry.node()?.log().head().size(), size);
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_several_lost_answers_in_a_row_change_nothing() -> Result<()> {
    let store = FaultyStore::new();
    let registry = on(&store).await?;
    let ana = registry.login().await?;
    let before = registry.node()?.log().head().size().get();
    for fault in [Fault::LostThenTimeout, Fault::StoredThenTimeout, Fault::StoredThenPrecondition] {
        store.plan("log/commits", fault);
    }
    ana.freeze("shop/prod").await?;
    ana.freeze("shop/canary").await?;
    assert_eq!(registry.node()?.log().head().size().get(), before + 2);
    assert!(ana.audit().await?.findings.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_uploads_survive_answers_that_get_lost() -> Result<()> {
    let store = FaultyStore::new();
    let registry = on(&store).await?;
    let ana = registry.login().await?;
    for (number, fault) in faults().into_iter().enumerate() {
        for prefix in ["chunks/", "blobs/", "log/attachments"] {
            let content = format!("{number} {prefix}");
            let reference = format!("shop/web{}@{number}", prefix.len());
            store.plan(prefix, fault.clone());
            ana.push(&reference, &Folder::with("app", &content)?).await?;
            assert!(store.is_done(), "{fault:?} of {prefix} was met");
            let record = ana.registry().artifact(&of(&reference)).await?;
            assert_eq!(ana.registry().verify_artifact(&record).await?.bytes, content.len() as u64);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_commit_that_lands_late_lands_in_no_other_slot() -> Result<()> {
    let store = FaultyStore::new();
    let registry = on(&store).await?;
    let other = {
        let ana = registry.login().await?;
        let node = registry.another_node().await?;
        (ana, node)
    };
    let (ana, node) = other;
    // This node's first try lands 300 ms late. Meanwhile it tries again, and another node writes, too.
    store.plan("log/commits", Fault::StoredLate(Duration::from_millis(300)));
    let here = ana.freeze("shop/here");
    let there = node.http()?;
    let prepared = {
        let channel = holdfast_formats::statement::Freeze {
            channel: of("shop/there"),
            reason: of("elsewhere"),
            until: None,
        };
        ana.registry().prepare(holdfast_client::Draft::new(channel))?.signed_by(&ana.signer()).await?
    };
    let (here, there) =
        tokio::join!(here, there.send(reqwest::Method::POST, "/v1/submissions", prepared.to_json()?));
    let (here, there) = (here?, there?);
    assert_eq!(there.status(), 201);
    tokio::time::sleep(Duration::from_millis(700)).await;
    let report = ana.audit().await?;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.size, node.node()?.log().head().size());
    assert_eq!(report.root, node.node()?.log().head().root());
    assert!(here.index.get() < report.size.get());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t42_a_store_that_ignores_conditions_is_refused() -> Result<()> {
    let store = FaultyStore::always(Fault::ConditionIgnored);
    let refused = on(&store).await.err().expect("two writers would both win");
    assert!(format!("{refused:#}").contains("ignores create-if-absent"), "{refused:#}");
    Ok(())
}

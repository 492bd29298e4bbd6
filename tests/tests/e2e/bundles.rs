//! Bundles: the same answer without the registry, and never more than this machine may believe.

use std::path::Path;

use anyhow::Result;
use holdfast_client::{Bundle, BundleError, ClientError};
use holdfast_formats::manifest::ComponentRole;
use holdfast_formats::wire::v1::{ExitCode, KnownGoodQuery};
use holdfast_tests::{Person, TestRegistry, entries_of, held, of, release_of};

async fn bundled(person: &Person, file: &Path) -> Result<()> {
    person.registry().bundle(&of("shop/prod"), &KnownGoodQuery::EVERYTHING, file).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_verified_and_unpacked_without_the_registry() -> Result<()> {
    let mut registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish("shop/web@1", "shop/web@1").await?;
    let parts = vec![held("web", ComponentRole::Code, "shop/web@1", 1)];
    let release = ana.release("shop/release@1", release_of(parts)).await?.artifact;
    ana.pin("shop/prod", &release).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.bundle");
    bundled(&ana, &file).await?;
    let online = ana.known_good("shop/prod").await?;
    registry.stop().await?;

    let bundle = ana.registry().open_bundle(&file).await?;
    assert!(!bundle.is_trusted_by_itself() && !bundle.is_unconnected() && bundle.newer_seen().is_none());
    assert_eq!(bundle.answer().get().lines, online.answer.get().lines);
    assert_eq!(bundle.answer().get().plan, online.answer.get().plan);
    assert_eq!(bundle.answer().get().closure, online.answer.get().closure);
    let (all, one) = (folder.path().join("all"), folder.path().join("one"));
    assert_eq!(bundle.pull_all(&all)?.files, 1);
    assert!(entries_of(&all)?.values().any(|(_, bytes)| bytes == b"shop/web@1"));
    bundle.pull(bundle.artifact(&of("shop/web@1"))?, &one)?;
    assert_eq!(std::fs::read(one.join("app"))?, b"shop/web@1");
    assert_eq!(bundle.pull(bundle.artifact(&of("shop/web@1"))?, &one)?.kept, 1);
    assert_eq!(bundle.artifact(&of("shop/web@2")).unwrap_err().exit(), ExitCode::NotFound);
    assert_eq!(bundle.artifact(&of("channel:shop/prod"))?.artifact, release);

    let now = registry.clock().timestamp();
    assert!(Bundle::open_by_itself(&file, now)?.is_trusted_by_itself());
    let stranger = TestRegistry::start().await?.login().await?;
    let refused = stranger.registry().open_bundle(&file).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::Integrity, "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t8_a_bundle_with_any_byte_changed_cut_or_extended_is_refused_and_writes_nothing() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.bundle");
    bundled(&ana, &file).await?;
    let whole = std::fs::read(&file)?;
    let flips = (0..whole.len()).step_by((whole.len() / 400).max(1)).chain(0..60).map(|at| {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        damaged
    });
    let cuts = [0, 1, 60, whole.len() / 2, whole.len() - 1].map(|cut| whole[..cut].to_vec());
    let more = [[whole.as_slice(), b"x"].concat(), [whole.as_slice(), &whole].concat()];
    for (number, damaged) in flips.chain(cuts).chain(more).enumerate() {
        std::fs::write(&file, &damaged)?;
        let refused = ana.registry().open_bundle(&file).await.expect_err("it is damaged");
        assert_eq!(refused.exit(), ExitCode::Integrity, "{number}: {refused}");
    }
    std::fs::write(&file, &whole)?;
    ana.registry().open_bundle(&file).await?;
    assert_eq!(ana.registry().open_bundle(folder.path()).await.unwrap_err().exit(), ExitCode::Integrity);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t16_a_bundle_from_before_a_pin_that_was_seen_is_a_rollback() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.bundle");
    bundled(&ana, &file).await?;

    // More was logged, but nothing that the bundle's lines say otherwise: it is accepted as what it is.
    ana.publish("shop/other@1", "other").await?;
    ana.registry().sync().await?;
    let older = ana.registry().open_bundle(&file).await?;
    assert!(older.newer_seen().is_some_and(|seen| seen > older.answer().get().checkpoint.size()));

    // A newer pin that this machine did not hear of does not count against it; one that it saw does.
    ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    ana.registry().open_bundle(&file).await?;
    ana.known_good("shop/prod").await?;
    let refused = ana.registry().open_bundle(&file).await.unwrap_err();
    assert!(matches!(refused, ClientError::Bundle(BundleError::WentBack { .. })), "{refused}");
    assert_eq!(refused.exit(), ExitCode::Integrity);
    let newcomer = ana.without_memory(registry.clock().clone())?;
    let bundle = newcomer.registry().open_bundle(&file).await?;
    assert!(!bundle.is_unconnected(), "who saw nothing has nothing to compare");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_ahead_of_what_was_seen_is_not_taken_for_proven() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let later = ana.without_memory(registry.clock().clone())?;
    later.registry().sync().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.bundle");
    bundled(&ana, &file).await?;
    assert!(later.registry().open_bundle(&file).await?.is_unconnected());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pins_in_a_bundle_expire_as_of_now_and_its_age_is_limited() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let hour = std::time::Duration::from_hours(1);
    let expires = registry.clock().timestamp().plus_ms(3 * 3_600_000);
    let draft = ana.draft_pin("shop/prod", &artifact, |pin| pin.expires = Some(expires)).await?;
    ana.registry().submit(draft).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.bundle");
    bundled(&ana, &file).await?;
    registry.clock().advance(hour * 2);
    let bundle = ana.registry().open_bundle(&file).await?;
    assert!(bundle.age() >= hour * 2);
    bundle.require_age(hour * 3)?;
    assert_eq!(bundle.require_age(hour).unwrap_err().exit(), ExitCode::Unreachable);
    assert_eq!(bundle.answer().get().warnings.len(), 0, "a third of its time is left");
    registry.clock().advance(hour * 2);
    assert_eq!(ana.registry().open_bundle(&file).await.unwrap_err().exit(), ExitCode::Ended);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t18_a_bundle_that_answers_another_question_is_never_taken_for_the_channel_s_answer() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    ana.publish_and_pin("shop/prod", "shop/web@2").await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.bundle");
    let back = KnownGoodQuery { back: Some(1), ..KnownGoodQuery::EVERYTHING };
    ana.registry().bundle(&of("shop/prod"), &back, &file).await?;
    let bundle = ana.registry().open_bundle(&file).await?;
    assert_eq!(bundle.question(), "shop/prod --back 1");
    bundle.require_answer_to(&of("shop/prod"), &back)?;
    for refused in [
        bundle.require_answer_to(&of("shop/prod"), &KnownGoodQuery::EVERYTHING),
        bundle.require_answer_to(&of("shop/canary"), &back),
        bundle.artifact(&of("channel:shop/prod")).map(drop),
    ] {
        assert_eq!(refused.unwrap_err().exit(), ExitCode::Usage);
    }
    assert_eq!(bundle.artifact(&of("shop/web@1"))?.artifact.r#ref, of("shop/web@1"));
    Ok(())
}

//! Quotas of grants and rates of callers: what is too much is refused with a sentence, and nothing else is lost.

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::Result;
use holdfast_client::GrantDraft;
use holdfast_formats::number::{ByteSize, Count};
use holdfast_formats::statement::{DeployPhase, Quotas};
use holdfast_formats::wire::v1::{ExitCode, ProblemCode};
use holdfast_registry::config::RequestRates;
use holdfast_tests::{Backing, Folder, Http, Index, Person, TestRegistry, of};

fn quotas(bytes: Option<u64>, entries: Option<u64>) -> impl FnOnce(&mut GrantDraft) + Send {
    move |grant| {
        grant.quotas = Some(Quotas {
            bytes_unpublished: bytes.map(|bytes| ByteSize::new(bytes).expect("it is small")),
            entries_per_day: entries.map(|entries| Count::new(entries).expect("it is small")),
        });
    }
}

/// Ana again, with a token that has quotas.
async fn limited(
    registry: &TestRegistry,
    ana: &Person,
    bytes: Option<u64>,
    entries: Option<u64>,
) -> Result<Person> {
    let (token, _) = ana.grant(quotas(bytes, entries)).await?;
    ana.without_memory(registry.clock().clone())?.with_token(token)
}

/// Text that takes half its size when it is stored.
fn noise(seed: u8, bytes: usize) -> String {
    let mut hasher = blake3::Hasher::new_keyed(&[seed; 32]).finalize_xof();
    let mut out = vec![0; bytes / 2];
    hasher.fill(&mut out);
    data_encoding::HEXLOWER.encode(&out)
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_nothing_published_refers_to_are_limited_until_they_are_published() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    let ci = limited(&registry, &ana, Some(300_000), None).await?;
    let staged = |seed: u8| -> Result<_> {
        let folder = Folder::with("app", noise(seed, 400_000))?;
        let source = folder.path().to_owned();
        let request = holdfast_client::PushRequest {
            artifact: of(&format!("shop/web@{seed}")),
            source,
            body: holdfast_formats::manifest::Body::None(holdfast_formats::manifest::Kind::Build),
            about: holdfast_client::About::nothing(),
        };
        Ok((folder, request))
    };
    // Published: it gives room again, as often as one likes.
    for seed in 1..=4 {
        let (_folder, request) = staged(seed)?;
        ci.registry().push(&request).await?;
    }
    // Uploaded only: the second time there is no room, and a restart changes nothing about that.
    let (_folder, first) = staged(5)?;
    let waiting = ci.registry().stage(&first).await?;
    let (_folder, second) = staged(6)?;
    let refused = ci.registry().stage(&second).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::QuotaExceeded), "{refused}");
    assert_eq!(refused.exit(), ExitCode::Refused);
    assert!(refused.to_string().contains("300000 bytes"), "{refused}");
    registry.restart(Index::Kept).await?;
    let refused = ci.registry().stage(&second).await.unwrap_err();
    assert_eq!(
        refused.problem().map(|p| p.code),
        Some(ProblemCode::QuotaExceeded),
        "after a restart: {refused}"
    );
    ana.registry().stage(&second).await?;
    // Somebody else publishes what waits: that gives room, too.
    ana.registry().submit(waiting.draft).await?;
    let (_folder, third) = staged(7)?;
    ci.registry().push(&third).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_the_same_again_or_publishing_something_else_gives_no_room() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let ci = limited(&registry, &ana, Some(300_000), None).await?;
    let request = |seed: u8, folder: &Folder| holdfast_client::PushRequest {
        artifact: of(&format!("shop/web@{seed}")),
        source: folder.path().to_owned(),
        body: holdfast_formats::manifest::Body::None(holdfast_formats::manifest::Kind::Build),
        about: holdfast_client::About::nothing(),
    };
    let known = Folder::with("app", noise(1, 500_000))?;
    ana.registry().push(&request(1, &known)).await?;
    let waiting = Folder::with("app", noise(2, 400_000))?;
    ci.registry().stage(&request(2, &waiting)).await?;
    ci.registry().stage(&request(2, &waiting)).await?;
    // A large artifact of bytes that somebody else brought is published under the grant.
    ci.registry().push(&request(3, &known)).await?;
    let more = Folder::with("app", noise(4, 400_000))?;
    let refused = ci.registry().stage(&request(4, &more)).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::QuotaExceeded), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_a_day_are_limited_by_token_and_by_key() -> Result<()> {
    let mut registry = TestRegistry::in_directory().await?;
    let ana = registry.login().await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let job = ana.colleague(None)?;
    let key = job.key().public();
    let soon = registry.clock().timestamp().plus_ms(72 * 3600 * 1000);
    let (token, _) = ana
        .grant(|grant| {
            quotas(None, Some(2))(grant);
            (grant.key, grant.expires) = (Some(key), Some(soon));
        })
        .await?;
    let job = job.with_token(token)?;
    job.deploy("shop/prod", &artifact, DeployPhase::Started).await?;
    // The key pays, too, when another token or none comes along.
    let other = job.with_token(ana.token()?)?;
    other.deploy("shop/prod", &artifact, DeployPhase::Succeeded).await?;
    let refused = other.deploy("shop/prod", &artifact, DeployPhase::Failed).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::QuotaExceeded), "{refused}");
    assert!(refused.to_string().contains("2 entries a day"), "{refused}");
    registry.restart(Index::Kept).await?;
    let refused = other.deploy("shop/prod", &artifact, DeployPhase::Failed).await.unwrap_err();
    assert_eq!(
        refused.problem().map(|p| p.code),
        Some(ProblemCode::QuotaExceeded),
        "after a restart: {refused}"
    );
    ana.deploy("shop/prod", &artifact, DeployPhase::Succeeded).await?;
    registry.advance(Duration::from_hours(24)).await?;
    other.deploy("shop/prod", &artifact, DeployPhase::Failed).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_entry_costs_nothing() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let artifact = ana.publish("shop/web@1", "1").await?;
    let ci = limited(&registry, &ana, None, Some(1)).await?;
    for _ in 0..3 {
        assert!(ci.thaw(of("0")).await.is_err(), "entry 0 is no freeze");
    }
    ci.deploy("shop/prod", &artifact, DeployPhase::Started).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_is_told_when_to_come_back_and_others_are_not_touched() -> Result<()> {
    let rates = RequestRates { strangers: NonZeroU32::new(2), grants: NonZeroU32::new(4) };
    let registry = TestRegistry::limited(Backing::memory(), rates).await?;
    let ana = registry.login().await?;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let one = Http::new(&registry.url(), Some(ana.grant(|_| {}).await?.0))?;
    let statuses = |http: Http| async move {
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(http.get("/v1/log/checkpoint").await?.status().as_u16());
        }
        anyhow::Ok(statuses)
    };
    let asked = statuses(one.clone()).await?;
    assert!(asked.iter().filter(|status| **status == 200).count() >= 20, "{asked:?}");
    assert!(asked.ends_with(&[429]), "{asked:?}");
    let response = one.get("/v1/log/checkpoint").await?;
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(Http::problem(response).await?.1, ProblemCode::TooManyRequests);
    // Another grant from the same address has its own bucket, and so have strangers, whose bad tokens are counted.
    let made_up = Http::new(&registry.url(), Some(holdfast_formats::token::Token::from_bytes([3; 32])))?;
    let guessed = statuses(made_up).await?;
    assert!(guessed.starts_with(&[401]) && guessed.ends_with(&[429]), "{guessed:?}");
    assert_eq!(registry.http()?.get("/v1/log/checkpoint").await?.status(), 429, "the same stranger");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(registry.http()?.get(path).await?.status(), 200, "{path} is exempt");
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(one.get("/v1/log/checkpoint").await?.status(), 200, "as it was told");
    Ok(())
}

//! The walls between namespaces: what is named by digest alone, or by an index, says nothing about what somebody else has.

use anyhow::{Context as _, Result};
use holdfast_client::{About, Draft, PushRequest, ReleaseRequest};
use holdfast_formats::digest::Digests;
use holdfast_formats::manifest::{Body, ComponentRole, Kind};
use holdfast_formats::statement::{Action, Predicate, Publish};
use holdfast_formats::wire::v1::ProblemCode;
use holdfast_tests::{Backing, CountingStore, Folder, Http, Person, TestRegistry, held, of, release_of};
use reqwest::Method;

/// What a `publish` says, and its manifest as text.
fn parts(draft: &Draft) -> Result<(Publish, String)> {
    let Predicate::Publish(publish) = &draft.predicate else { anyhow::bail!("it publishes") };
    let manifest = draft.attachments.first().context("the manifest goes along")?;
    Ok((publish.as_ref().clone(), String::from_utf8(manifest.clone())?))
}

/// The same statement about another manifest, signed and ready to be sent.
async fn signed(person: &Person, mut publish: Publish, manifest: String) -> Result<Vec<u8>> {
    publish.manifest.digests = Digests::of(manifest.as_bytes());
    let draft = Draft::new(publish).attach(manifest.into_bytes());
    Ok(person.registry().prepare(draft)?.signed_by(&person.signer()).await?.to_json()?)
}

async fn refused(http: &Http, body: Vec<u8>) -> Result<(u16, ProblemCode, String)> {
    http.refusal(Method::POST, "/v1/submissions", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn t24_a_component_that_the_sender_may_not_read_is_as_absent() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    ana.publish("bank/web@1", "secret").await?;
    let body = release_of(vec![held("web", ComponentRole::Code, "bank/web@1", 1)]);
    let request = ReleaseRequest { artifact: of("shop/all@1"), body, about: About::nothing() };
    let (publish, manifest) = parts(&ana.registry().draft_release(&request).await?.draft)?;
    let mut absent = publish.clone();
    for part in absent.components.iter_mut().flatten() {
        part.r#ref = of("void/web@1");
    }
    let mut guessed = publish.clone();
    for part in guessed.components.iter_mut().flatten() {
        part.digests = Digests::of(b"guessed");
    }
    let (token, _) =
        ana.grant(|grant| (grant.names, grant.channels) = (vec![of("shop/*")], vec![of("shop/*")])).await?;
    let shop = Http::new(&registry.url(), Some(token))?;
    let void = refused(&shop, signed(&ana, absent, manifest.replace("bank/", "void/")).await?).await?;
    assert_eq!((void.0, void.1), (400, ProblemCode::StatementInvalid), "{}", void.2);
    let there = signed(&ana, publish, manifest.clone()).await?;
    for body in [there.clone(), signed(&ana, guessed, manifest).await?] {
        let bank = refused(&shop, body).await?;
        assert_eq!((bank.0, bank.1, bank.2.replace("bank/", "void/")), void.clone());
    }
    let read = ana.http()?.send(Method::POST, "/v1/submissions", there).await?;
    assert_eq!(read.status(), 201, "whoever may read the component may name it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t24_content_of_another_namespace_is_not_claimed_by_its_digest() -> Result<()> {
    let store = CountingStore::new();
    let registry = TestRegistry::on(Backing::Objects(store.clone())).await?;
    let ana = registry.login().await?;
    let folder = Folder::with("app", "the bank's own")?;
    ana.push("bank/web@1", &folder).await?;
    let request = PushRequest {
        artifact: of("bank/web@2"),
        source: folder.path().to_owned(),
        body: Body::None(Kind::Build),
        about: About::nothing(),
    };
    let (mut publish, manifest) = parts(&ana.registry().stage(&request).await?.draft)?;
    publish.name = of("shop/web");
    let (theirs, nobodys) = (Digests::of(b"the bank's own"), Digests::of(b"nobody's at al"));
    let unknown = manifest
        .replace(&theirs.blake3.to_string(), &nobodys.blake3.to_string())
        .replace(&theirs.sha256.to_string(), &nobodys.sha256.to_string());
    let http = ana.http()?;
    let mut answers = Vec::new();
    for (manifest, digests) in [(manifest, theirs), (unknown, nobodys)] {
        let body = signed(&ana, publish.clone(), manifest).await?;
        store.take_asked();
        let response = http.send(Method::POST, "/v1/submissions", body).await?;
        let (status, text) = (response.status().as_u16(), response.text().await?);
        assert_eq!(status, 409, "{text}");
        assert!(text.contains("content_missing"), "{text}");
        answers.push((text.replace(&digests.blake3.to_string(), "the file"), store.take_asked()));
    }
    assert_eq!(answers[0], answers[1], "the answers, and how often the store was asked");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t23_only_a_grant_over_everything_opens_the_log() -> Result<()> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    for (names, channels, opens) in [("*", "*", true), ("shop/*", "*", false), ("*", "shop/*", false)] {
        let change = |grant: &mut holdfast_client::GrantDraft| {
            grant.actions = vec![Action::Audit];
            (grant.names, grant.channels) = (vec![of(names)], vec![of(channels)]);
        };
        let (token, _) = ana.grant(change).await?;
        let status = Http::new(&registry.url(), Some(token))?.get("/v1/log/entries?from=0").await?.status();
        assert_eq!(status, if opens { 200 } else { 404 }, "{names} {channels}");
    }
    Ok(())
}

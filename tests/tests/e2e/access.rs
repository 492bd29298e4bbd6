//! Tokens: scopes, ends, and that what is forbidden looks like what is absent.

use std::time::Duration;

use anyhow::Result;
use holdfast_client::GrantDraft;
use holdfast_formats::statement::{Action, EntryIndex, Revoke};
use holdfast_formats::wire::v1::{ExitCode, ProblemCode};
use holdfast_tests::{Folder, Http, Person, TestRegistry, held, of, release_of};
use reqwest::Method;

async fn fresh() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    Ok((registry, ana))
}

/// A grant of these actions inside one namespace.
fn only(actions: &[Action], namespace: &str) -> impl FnOnce(&mut GrantDraft) + Send + use<> {
    let (actions, pattern) = (actions.to_vec(), format!("{namespace}/*"));
    move |grant| {
        grant.actions = actions;
        grant.names = vec![of(&pattern)];
        grant.channels = vec![of(&pattern)];
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_reads_and_does_nothing_else() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let (token, _) = ana.grant(only(&[Action::Read], "shop")).await?;
    let bob = ana.colleague(Some(token))?;
    assert_eq!(bob.answer("shop/prod").await?, ["shop/web@1"]);
    assert_eq!(bob.list().await?, ["shop/web@1"]);
    let record = bob.registry().artifact(&of("shop/web@1")).await?;
    assert_eq!(bob.registry().verify_artifact(&record).await?.files, 1);

    let upload = bob.push("shop/web@2", &Folder::with("app", "2")?).await.unwrap_err();
    assert_eq!(upload.exit(), ExitCode::NotFound, "{upload}");
    let pin = bob.pin("shop/prod", record.artifact()).await.unwrap_err();
    assert!(matches!(pin.exit(), ExitCode::Integrity | ExitCode::Refused), "{pin}");
    let log = bob.registry().entries(of("0"), 10).await.unwrap_err();
    assert_eq!(log.exit(), ExitCode::NotFound, "entry bundles name everything: {log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_refused() -> Result<()> {
    let (registry, ana) = fresh().await?;
    ana.publish("shop/web@1", "1").await?;
    let expires = registry.clock().timestamp().plus_ms(60_000);
    let (token, _) = ana.grant(|grant| grant.expires = Some(expires)).await?;
    let bob = ana.colleague(Some(token))?;
    assert_eq!(bob.list().await?, ["shop/web@1"]);
    registry.advance(Duration::from_secs(61)).await?;
    let refused = bob.list().await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::Unauthorized), "{refused}");
    assert!(refused.to_string().contains("holdfast token grant"), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_at_once_and_everywhere() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let (token, index) = ana.grant(|_| {}).await?;
    let bob = ana.colleague(Some(token))?;
    assert_eq!(bob.answer("shop/prod").await?, ["shop/web@1"]);
    ana.say(Revoke { grant: EntryIndex { index }, reason: of("it leaked") }).await?;
    let http = bob.http()?;
    for path in [
        "/v1/artifacts",
        "/v1/artifacts/shop/web@1",
        "/v1/channels/shop/prod/known-good",
        "/v1/channels/shop/prod/history",
        "/v1/log/checkpoint",
        "/v1/log/entries?from=0",
        "/v1/policies",
        "/v1/status",
    ] {
        let (status, code, _) = Http::problem(http.get(path).await?).await?;
        assert_eq!((status, code), (401, ProblemCode::Unauthorized), "{path}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t23_a_foreign_namespace_looks_like_an_absent_one_on_every_route() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let secret = ana.publish_and_pin("bank/prod", "bank/core@1").await?;
    let (token, _) = ana.grant(only(Action::ALL, "shop")).await?;
    let bob = ana.colleague(Some(token))?;
    let http = bob.http()?;
    let blake3 = secret.digests.blake3;
    let reads = |namespace: &str, name: &str| {
        vec![
            format!("/v1/artifacts/{name}@1"),
            format!("/v1/artifacts/{name}@blake3:{blake3}"),
            format!("/v1/artifacts/{name}@1/blobs/{blake3}"),
            format!("/v1/channels/{namespace}/prod/known-good"),
            format!("/v1/channels/{namespace}/prod/history"),
            format!("/v1/channels/{namespace}/prod/gate?ref={name}@1"),
        ]
    };
    let anonymous = |detail: String| {
        detail.replace("bank/core", "X").replace("void/core", "X").replace("bank", "N").replace("void", "N")
    };
    for (there, absent) in reads("bank", "bank/core").into_iter().zip(reads("void", "void/core")) {
        let (status, code, detail) = Http::problem(http.get(&there).await?).await?;
        let other = Http::problem(http.get(&absent).await?).await?;
        assert_eq!((status, code), (404, ProblemCode::NotFound), "{there}");
        assert_eq!((other.0, other.1), (status, code), "{there}");
        assert_eq!(anonymous(detail), anonymous(other.2), "{there}");
    }
    let writes = |namespace: &str| {
        vec![
            (Method::POST, format!("/v1/namespaces/{namespace}/chunks/missing"), b"{\"chunks\":[]}".to_vec()),
            (Method::POST, format!("/v1/namespaces/{namespace}/chunks"), b"x".to_vec()),
            (Method::POST, format!("/v1/namespaces/{namespace}/blobs"), b"x".to_vec()),
        ]
    };
    for ((method, there, body), (_, absent, _)) in writes("bank").into_iter().zip(writes("void")) {
        let found = http.refusal(method.clone(), &there, body.clone()).await?;
        let other = http.refusal(method, &absent, body).await?;
        assert_eq!((found.0, found.1), (404, ProblemCode::NotFound), "{there}");
        assert_eq!(anonymous(found.2), anonymous(other.2), "{there}");
    }
    assert!(bob.list().await?.is_empty(), "lists leave out what is not granted");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_with_a_part_that_is_not_granted_is_refused_whole() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    ana.publish("shop/web@1", "1").await?;
    ana.publish("base/runtime@1", "1").await?;
    let parts = vec![
        held("web", holdfast_formats::manifest::ComponentRole::Code, "shop/web@1", 1),
        held("runtime", holdfast_formats::manifest::ComponentRole::Infra, "base/runtime@1", 2),
    ];
    let release = ana.release("shop/release@1", release_of(parts)).await?.artifact;
    ana.pin("shop/prod", &release).await?;
    let (token, _) = ana.grant(only(&[Action::Read], "shop")).await?;
    let bob = ana.colleague(Some(token))?;
    let refused = bob.known_good("shop/prod").await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::NotFound, "{refused}");
    let (token, _) = ana
        .grant(|grant| {
            grant.actions = vec![Action::Read];
            grant.names = vec![of("shop/*"), of("base/*")];
        })
        .await?;
    let cleo = ana.colleague(Some(token))?;
    assert_eq!(cleo.answer("shop/prod").await?, ["shop/release@1"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploader_of_one_name_stays_inside_its_namespace() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let (token, _) = ana.grant(only(&[Action::Read, Action::Publish], "shop")).await?;
    let ci = ana.colleague(Some(token))?;
    // The token lets the bytes in; the statement is signed by a key that has no role, and is refused.
    let refused = ci.push("shop/web@1", &Folder::with("app", "1")?).await.unwrap_err();
    assert!(matches!(refused.exit(), ExitCode::Integrity | ExitCode::Refused), "{refused}");
    ana.amend(|policy| {
        policy.principals.push(ci.principal("ci"));
        let mut rule = policy.roles[0].clone();
        rule.principals = vec![of("ci")];
        rule.names = vec![of("shop/*")];
        policy.roles.push(rule);
    })
    .await?;
    ci.publish("shop/web@1", "1").await?;
    let foreign = ci.push("bank/core@1", &Folder::with("app", "1")?).await.unwrap_err();
    assert_eq!(foreign.exit(), ExitCode::NotFound, "{foreign}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_nobody_granted_opens_nothing() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let (_, made_up) = GrantDraft {
        subject: of("nobody"),
        actions: Action::ALL.to_vec(),
        names: vec![of("*")],
        channels: vec![of("*")],
        quotas: None,
        expires: None,
        key: None,
    }
    .draft();
    let mallory = ana.colleague(Some(made_up))?;
    assert_eq!(mallory.list().await.unwrap_err().exit(), ExitCode::NotFound);
    let anonymous = ana.colleague(None)?;
    let asked = anonymous.list().await.unwrap_err();
    assert_eq!(asked.problem().map(|p| p.code), Some(ProblemCode::Unauthorized), "{asked}");
    Ok(())
}

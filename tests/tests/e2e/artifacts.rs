//! Artifacts: what is pushed is what is pulled, a name means one thing, and only what is missing travels.

use anyhow::Result;
use holdfast_client::Places;
use holdfast_formats::digest::Digests;
use holdfast_formats::wire::v1::{ExitCode, ProblemCode};
use holdfast_tests::{Folder, Http, Person, TestRegistry, entries_of, of};
use reqwest::header::{CONTENT_RANGE, RANGE};

/// Bytes that neither compress nor repeat.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut reader = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    let mut bytes = vec![0; length];
    reader.fill(&mut bytes);
    bytes
}

async fn fresh() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    Ok((registry, ana))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_what_is_pulled() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let folder = Folder::empty()?
        .program("bin/app", noise(1, 3_000_000))?
        .file("bin/deep/er/still/data", noise(2, 100_001))?
        .file("empty", "")?
        .file("README", "read me\n".repeat(1000))?
        .file("zwölf/ümläut", "ok")?;
    let pushed = ana.push("shop/web@1.0.0", &folder).await?;
    assert_eq!(pushed.content.files, 5);

    let record = ana.registry().artifact(&of("shop/web@1.0.0")).await?;
    let target = Folder::empty()?;
    let pulled = ana.registry().pull(&record, &target.join("out")).await?;
    assert_eq!((pulled.files, pulled.kept), (5, 0));
    assert_eq!(entries_of(&target.join("out"))?, entries_of(folder.path())?);

    for file in &record.manifest().files {
        let bytes = std::fs::read(folder.join(file.path.as_str()))?;
        assert_eq!(file.digests, Digests::of(&bytes), "{}", file.path);
    }
    assert_eq!(ana.registry().verify_artifact(&record).await?.files, 5);
    assert_eq!(ana.registry().verify_local(&record, &target.join("out")).await?.files, 5);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_keeps_what_is_right_and_mends_what_is_not() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let folder = Folder::with("a", "one")?.file("b", "two")?;
    ana.push("shop/web@1", &folder).await?;
    let record = ana.registry().artifact(&of("shop/web@1")).await?;
    let target = Folder::empty()?;
    ana.registry().pull(&record, target.path()).await?;
    std::fs::write(target.join("b"), "tw0")?;
    let differs = ana.registry().verify_local(&record, target.path()).await.unwrap_err();
    assert_eq!(differs.exit(), ExitCode::Integrity, "{differs}");
    assert_eq!(ana.registry().pull(&record, target.path()).await?.kept, 1);
    assert_eq!(entries_of(target.path())?, entries_of(folder.path())?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_digest_again_gets_the_same_receipt() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let folder = Folder::with("app", noise(9, 1_000_000))?;
    let first = ana.push("shop/web@1", &folder).await?;
    let size = registry.node()?.log().head().size();
    let again = ana.push("shop/web@1", &folder).await?;
    assert_eq!(again.submitted.index, first.submitted.index);
    assert_eq!(again.submitted.logged, first.submitted.logged);
    assert_eq!(again.content.new_bytes, 0);
    assert_eq!(registry.node()?.log().head().size(), size, "nothing was logged");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_never_means_anything_else() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let first = ana.publish("shop/web@1", "v1").await?;
    let refused = ana.push("shop/web@1", &Folder::with("app", "v2")?).await.unwrap_err();
    assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::NameTaken), "{refused}");
    assert_eq!(refused.exit(), ExitCode::Conflict);
    assert!(refused.to_string().contains("new version"), "{refused}");
    assert_eq!(ana.registry().resolve(&of("shop/web@1")).await?, first);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_missing_in_the_namespace_is_sent() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let (old, new) = (noise(3, 4_000_000), noise(4, 500_000));
    let first = ana.push("shop/web@1", &Folder::with("app", &old)?).await?;
    assert!(first.content.new_bytes >= 4_000_000);
    let second = ana.push("shop/web@2", &Folder::with("app", &old)?.file("more", &new)?).await?;
    assert!((500_000..1_500_000).contains(&second.content.new_bytes), "{:?}", second.content);

    // An insertion near the beginning moves everything behind it, and content-defined chunks find it again.
    let mut shifted = noise(5, 1000);
    shifted.extend_from_slice(&old);
    let third = ana.push("shop/web@3", &Folder::with("app", &shifted)?).await?;
    assert!(third.content.new_bytes < 3_000_000, "{:?}", third.content);

    // Another namespace shares nothing: what is stored elsewhere cannot be learnt from it.
    let foreign = ana.push("bank/web@1", &Folder::with("app", &old)?).await?;
    assert!(foreign.content.new_bytes >= 4_000_000);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_cut_goes_on_where_it_stopped() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let folder = Folder::with("app", noise(6, 6_000_000))?;
    let request = holdfast_client::PushRequest {
        artifact: of("shop/web@1"),
        source: folder.path().to_owned(),
        body: holdfast_formats::manifest::Body::None(holdfast_formats::manifest::Kind::Build),
        about: holdfast_client::About::nothing(),
    };
    // Cut after some time: dropping the future drops its connections.
    let mut patience = std::time::Duration::from_millis(20);
    while tokio::time::timeout(patience, ana.registry().stage(&request)).await.is_err() {
        patience = patience.saturating_mul(2);
        assert!(patience.as_secs() < 60, "uploads end");
    }
    let missing = ana.http()?.get("/v1/artifacts/shop/web@1").await?;
    assert_eq!(missing.status(), 404, "nothing half-pushed is visible");
    let pushed = ana.registry().push(&request).await?;
    assert_eq!(pushed.content.new_bytes, 0, "everything was there already");
    let record = ana.registry().artifact(&of("shop/web@1")).await?;
    assert_eq!(ana.registry().verify_artifact(&record).await?.bytes, 6_000_000);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_of_a_file_are_served() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let bytes = noise(7, 5_000_000);
    ana.push("shop/web@1", &Folder::with("app", &bytes)?).await?;
    let path = format!("/v1/artifacts/shop/web@1/blobs/{}", Digests::of(&bytes).blake3);
    let http = ana.http()?;
    let part = async |range: &str| -> Result<(u16, Option<String>, Vec<u8>)> {
        let answer = http.request(reqwest::Method::GET, &path).header(RANGE, range).send().await?;
        let place = answer.headers().get(CONTENT_RANGE).map(|v| v.to_str().map(str::to_owned)).transpose()?;
        Ok((answer.status().as_u16(), place, answer.bytes().await?.to_vec()))
    };
    for (range, start, end) in [
        ("bytes=0-0", 0, 1),
        ("bytes=1000000-3500000", 1_000_000, 3_500_001),
        ("bytes=4999999-9999999", 4_999_999, 5_000_000),
        ("bytes=4000000-", 4_000_000, 5_000_000),
        ("bytes=-17", 4_999_983, 5_000_000),
    ] {
        let (status, place, found) = part(range).await?;
        assert_eq!((status, place), (206, Some(format!("bytes {start}-{}/5000000", end - 1))), "{range}");
        assert!(found == bytes[start..end], "{range} gives other bytes");
    }
    for range in ["bytes=5000000-", "bytes=9-3", "bytes=x-", "apples=1-2"] {
        assert_eq!(part(range).await?.0, 416, "{range}");
    }
    let whole = http.get(&path).await?;
    assert_eq!(whole.status(), 200);
    assert!(whole.bytes().await? == bytes);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_listed_in_order_and_page_by_page() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    for reference in ["shop/web@2", "shop/api@1", "shop/web@10", "bank/core@1"] {
        ana.publish(reference, reference).await?;
    }
    assert_eq!(ana.list().await?.len(), 4);
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let query = holdfast_formats::wire::v1::ListQuery {
            prefix: Some(of("shop/")),
            kind: None,
            after,
            limit: Some(1),
            ended: None,
        };
        let page = ana.registry().list(&query).await?;
        found.extend(page.artifacts.iter().map(|summary| summary.artifact.r#ref.to_string()));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    found.sort();
    assert_eq!(found, ["shop/api@1", "shop/web@10", "shop/web@2"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_is_shown_with_what_was_said_about_it() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let artifact = ana.publish("shop/web@1", "v1").await?;
    let provenance = br#"{"builder":"ci"}"#.to_vec();
    let draft = holdfast_client::Draft::attest(
        provenance,
        of("https://slsa.dev/provenance/v1"),
        vec![artifact.digests],
    );
    let attested = ana.registry().submit(draft).await?;
    let denied = ana.deny(&artifact, None).await?;
    let record = ana.registry().artifact(&of("shop/web@1")).await?;
    assert_eq!(record.artifact(), &artifact);
    assert_eq!(record.attests().iter().map(|(index, _)| *index).collect::<Vec<_>>(), [attested.index]);
    assert_eq!(record.denies().iter().map(|(index, _)| *index).collect::<Vec<_>>(), [denied.index]);
    ana.lift(denied.index).await?;
    assert!(ana.registry().artifact(&of("shop/web@1")).await?.denies().is_empty());

    let by_digest = format!("shop/web@blake3:{}", artifact.digests.blake3);
    assert_eq!(ana.registry().resolve(&of(&by_digest)).await?, artifact);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_odd_names_are_not_pushed() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let folder = Folder::with("app", "v1")?;
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link"))?;
    let refused = ana.push("shop/web@1", &folder).await.unwrap_err();
    assert!(refused.to_string().contains("link"), "{refused}");
    std::fs::remove_file(folder.join("link"))?;
    for name in ["back\\slash", "new\nline", "\u{1b}[31mred"] {
        std::fs::write(folder.join(name), "x")?;
        let outcome = ana.push("shop/odd@1", &folder).await;
        let refused = outcome.err().map(|error| error.exit());
        assert_eq!(refused, Some(ExitCode::Usage), "{name:?}");
        std::fs::remove_file(folder.join(name))?;
    }
    let empty = Folder::empty()?;
    assert_eq!(ana.push("shop/web@1", &empty).await.unwrap_err().exit(), ExitCode::Usage);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_without_login_reads_only_public_namespaces() -> Result<()> {
    let (registry, ana) = fresh().await?;
    ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    let stranger = Http::new(&registry.url(), None)?;
    assert_eq!(stranger.get("/v1/artifacts/shop/web@1").await?.status(), 401);
    assert_eq!(stranger.get("/v1/channels/shop/prod/known-good").await?.status(), 401);
    ana.amend(|policy| policy.namespaces[0].public_read = true).await?;
    assert_eq!(stranger.get("/v1/artifacts/shop/web@1").await?.status(), 200);

    let passer_by = ana.colleague(None)?;
    assert!(Places::under(passer_by.places().config_dir()).trust_file().exists());
    assert_eq!(passer_by.answer("shop/prod").await?, ["shop/web@1"]);
    let record = passer_by.registry().artifact(&of("shop/web@1")).await?;
    assert_eq!(passer_by.registry().verify_artifact(&record).await?.files, 1);
    let refused = passer_by.push("shop/web@2", &Folder::with("app", "x")?).await.unwrap_err();
    assert_eq!(refused.exit(), ExitCode::NotFound, "{refused}");
    Ok(())
}

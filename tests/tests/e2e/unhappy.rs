//! Bad input over HTTP: every refusal has a stable code and says what to do.

use anyhow::Result;
use holdfast_formats::blob::{BlobRecord, Extent};
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::wire::v1::ProblemCode;
use holdfast_tests::{Http, Person, TestRegistry, frame, raw_chunk};
use reqwest::Method;

async fn fresh() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    Ok((registry, ana))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_tells_how_it_does() -> Result<()> {
    let (registry, ana) = fresh().await?;
    ana.publish("shop/web@1", "1").await?;
    let http = registry.http()?;
    for (path, content) in
        [("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "holdfast_"), ("/v1/openapi.json", "openapi")]
    {
        let answer = http.get(path).await?;
        assert_eq!(answer.status(), 200, "{path}");
        assert!(
            answer.headers().contains_key("x-request-id") || answer.headers().contains_key("request-id"),
            "{path}: {:?}",
            answer.headers()
        );
        let body = answer.text().await?;
        assert!(body.contains(content), "{path}: {body}");
    }
    let status = ana.registry().status().await?;
    assert!(status.writable && status.halted.is_none());
    assert_eq!(status.artifacts.map(holdfast_formats::number::Count::get), Some(1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_routes_methods_and_parameters_are_refused() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let http = ana.http()?;
    let refused = async |method: Method, path: &str| -> Result<(u16, ProblemCode)> {
        let (status, code, detail) = http.refusal(method, path, "").await?;
        assert!(!detail.is_empty(), "{path}");
        Ok((status, code))
    };
    for path in ["/", "/v1", "/v2/artifacts", "/v1/artifact", "/v1/channels/shop/prod/known-bad"] {
        assert_eq!(refused(Method::GET, path).await?, (404, ProblemCode::NoSuchRoute), "{path}");
    }
    assert_eq!(refused(Method::DELETE, "/v1/artifacts").await?, (405, ProblemCode::MethodNotAllowed));
    assert_eq!(refused(Method::GET, "/v1/submissions").await?, (405, ProblemCode::MethodNotAllowed));
    for path in [
        "/v1/artifacts?limit=x",
        "/v1/artifacts?limit=1&limit=2",
        "/v1/artifacts?page=2",
        "/v1/artifacts?kind=unknown",
        "/v1/channels/shop/prod/known-good?not=yesterday",
        "/v1/channels/shop/prod/known-good?at=yesterday",
        "/v1/channels/shop/prod/known-good?back=-1",
        "/v1/channels/shop/prod",
        "/v1/channels/shop/prod/gate",
        "/v1/log/entries",
        "/v1/log/entries?from=-1",
        "/v1/log/proof/last",
        "/v1/artifacts/shop/web@",
        "/v1/artifacts/SHOP/web@1",
        "/v1/artifacts/shop/web@1/blobs/beef",
    ] {
        assert_eq!(refused(Method::GET, path).await?.1, ProblemCode::Malformed, "{path}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn path_tricks_find_nothing() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    ana.publish("shop/web@1", "1").await?;
    let http = ana.http()?;
    for path in [
        "/v1/artifacts/shop/..%2F..%2Flog/commits@1",
        "/v1/artifacts/shop%2F..%2Fbank/web@1",
        "/log/..%2F..%2F..%2Fetc%2Fpasswd",
        "/log/tile/..%2Fcheckpoint",
        "/log/commits/0/00000000000000000000",
        "/log/tile/0/000.p/0",
        "/log/tile/64/000",
        "/v1/namespaces/..%2Fbank/chunks/missing",
        "/v1/artifacts/shop/web@1/blobs/..%2F..%2Fkeys",
    ] {
        let answer = http.get(path).await?;
        assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_read_from_one_well_formed_header_only() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let token = ana.token()?.expose();
    let http = registry.http()?;
    let with = async |values: &[String]| -> Result<u16> {
        let mut request = http.request(Method::GET, "/v1/artifacts");
        for value in values {
            request = request.header("authorization", value);
        }
        Ok(request.send().await?.status().as_u16())
    };
    assert_eq!(with(&[format!("Bearer {token}")]).await?, 200);
    assert_eq!(with(&[format!("bearer {token}")]).await?, 200);
    for bad in [
        vec![],
        vec![token.clone()],
        vec![format!("Basic {token}")],
        vec!["Bearer ".to_owned()],
        vec![format!("Bearer {token}x")],
        vec![format!("Bearer {}", token.to_uppercase())],
        vec![format!("Bearer {token}"), format!("Bearer {token}")],
    ] {
        assert_eq!(with(&bad).await?, 401, "{bad:?}");
    }
    let in_query = http.get(&format!("/v1/artifacts?token={token}")).await?;
    assert_eq!(in_query.status(), 400, "a token in a URL would end up in logs");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_and_records_that_lie_are_refused() -> Result<()> {
    let (_registry, ana) = fresh().await?;
    let http = ana.http()?;
    let digest = Blake3Digest::of(b"what it says");
    let chunks = "/v1/namespaces/shop/chunks";
    let good = frame(Blake3Digest::of(b"good"), &raw_chunk(b"good"));
    for object in [&b""[..], b"short", &[0; 64], &[0xff; 4096]] {
        for body in [frame(digest, object), [good.clone(), frame(digest, object)].concat()] {
            let (status, code, _) = http.refusal(Method::POST, chunks, body).await?;
            assert!(
                status == 400 && matches!(code, ProblemCode::Malformed | ProblemCode::DigestMismatch),
                "{status} {code}"
            );
        }
    }
    let other = raw_chunk(b"something else entirely");
    let (status, code, detail) = http.refusal(Method::POST, chunks, frame(digest, &other)).await?;
    assert_eq!((status, code), (400, ProblemCode::DigestMismatch), "{detail}");
    for cut in [1, 35, 36, 40, good.len() - 1] {
        let (status, code, detail) = http.refusal(Method::POST, chunks, &good[..cut]).await?;
        assert_eq!((status, code), (400, ProblemCode::Malformed), "{cut}: {detail}");
    }
    let blobs = "/v1/namespaces/shop/blobs";
    for body in [&b""[..], b"no record", &[0; 1000]] {
        let (status, code, _) = http.refusal(Method::POST, blobs, body).await?;
        assert!(
            status == 400 && matches!(code, ProblemCode::Malformed | ProblemCode::DigestMismatch),
            "{status} {code}"
        );
    }
    let along = frame(Blake3Digest::of(b"blob"), &raw_chunk(b"blob"));
    let extents = vec![Extent { chunk: Blake3Digest::of(b"blob"), offset: 0, length: 4 }];
    let record = BlobRecord { digests: Digests::of(b"blob"), size: 4, extents }.encode();
    for cut in [1, 35, 36, 40, along.len() - 1] {
        let body = [record.as_slice(), &along[..cut]].concat();
        let (status, code, detail) = http.refusal(Method::POST, blobs, body).await?;
        assert_eq!((status, code), (400, ProblemCode::Malformed), "{cut}: {detail}");
    }
    let many = [record.as_slice(), &along.repeat(65)].concat();
    let (status, code, detail) = http.refusal(Method::POST, blobs, many).await?;
    assert_eq!((status, code), (413, ProblemCode::TooLarge), "{detail}");
    let swapped = [record.as_slice(), &frame(Blake3Digest::of(b"blob"), &raw_chunk(b"evil"))].concat();
    let (status, code, detail) = http.refusal(Method::POST, blobs, swapped).await?;
    assert_eq!((status, code), (400, ProblemCode::DigestMismatch), "{detail}");
    let (status, code, _) = http.refusal(Method::POST, blobs, record).await?;
    assert_eq!((status, code), (409, ProblemCode::ContentMissing), "nothing of all that was stored");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_the_limit_are_refused_before_they_are_read() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let stranger = registry.http()?;
    let (status, code, _) =
        stranger.refusal(Method::POST, "/v1/submissions", vec![b' '; 2 * 1024 * 1024]).await?;
    assert_eq!((status, code), (413, ProblemCode::TooLarge), "who has no token sends little");
    let large = frame(Blake3Digest::of(b""), &vec![0; 6 * 1024 * 1024]);
    let (status, code, _) = ana.http()?.refusal(Method::POST, "/v1/namespaces/shop/chunks", large).await?;
    assert_eq!((status, code), (413, ProblemCode::TooLarge), "a chunk has at most 4 MiB");
    let large =
        ana.http()?.refusal(Method::POST, "/v1/namespaces/shop/chunks", vec![0; 65 * 1024 * 1024]).await;
    if let Ok((status, code, _)) = large {
        assert_eq!((status, code), (413, ProblemCode::TooLarge));
    }
    let answer = Http::problem(
        ana.http()?.send(Method::POST, "/v1/namespaces/shop/chunks/missing", vec![b' '; 1024 * 1024]).await?,
    )
    .await?;
    assert_eq!((answer.0, answer.1), (413, ProblemCode::TooLarge));
    Ok(())
}

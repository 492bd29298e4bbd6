//! T20: JSON that two parsers might read differently.

use anyhow::Result;
use holdfast_client::Draft;
use holdfast_formats::envelope::{Base64Bytes, Envelope};
use holdfast_formats::statement::Freeze;
use holdfast_formats::wire::v1::{ProblemCode, Submission};
use holdfast_tests::{Person, TestRegistry, of};
use reqwest::Method;

async fn fresh() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    Ok((registry, ana))
}

/// A freeze as it would be signed and sent.
async fn submission(ana: &Person) -> Result<Submission> {
    let freeze = Freeze { channel: of("shop/prod"), reason: of("why not"), until: None };
    let prepared = ana.registry().prepare(Draft::new(freeze))?.signed_by(&ana.signer()).await?;
    Ok(serde_json::from_slice(&prepared.to_json()?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn t20_a_submission_that_is_not_strict_json_is_refused() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let http = registry.http()?;
    let whole = serde_json::to_string(&submission(&ana).await?)?;
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(200), close.repeat(200));
    let bad = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        whole[..whole.len() - 1].to_owned(),
        format!("{whole} x"),
        format!("{whole}{whole}"),
        whole.replacen('{', "{\"extra\":1,", 1),
        whole.replacen('{', "{\"attachments\":[],", 1),
        whole.replacen('{', "{\"attachm\\u0065nts\":[],", 1),
        whole.replacen("\"payloadType\":", "\"payloadType\":\"x\",\"payload\\u0054ype\":", 1),
        whole.replacen("\"attachments\":[]", "\"attachments\":null", 1),
        whole.replacen("\"attachments\":[]", "\"attachments\":[123456789012345678901234567890]", 1),
        whole.replacen("\"attachments\":[]", &format!("\"attachments\":{}", deep("[", "]")), 1),
        deep("[", "]"),
        format!("{}1{}", "{\"envelope\":".repeat(200), "}".repeat(200)),
        whole.replacen('{', "{\u{feff}", 1),
        format!("\u{feff}{whole}"),
    ];
    for body in bad {
        let (status, code, detail) = http.refusal(Method::POST, "/v1/submissions", body.clone()).await?;
        assert_eq!(
            (status, code),
            (400, ProblemCode::Malformed),
            "{detail}: {}",
            body.get(..120).unwrap_or(&body)
        );
        assert!(!detail.is_empty());
    }
    let invalid = [whole.as_bytes(), b"\xff"].concat();
    assert_eq!(http.refusal(Method::POST, "/v1/submissions", invalid).await?.0, 400);
    let answer = http.send(Method::POST, "/v1/submissions", whole).await?;
    assert_eq!(answer.status(), 201, "the whole one is taken");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t20_a_signed_payload_that_is_not_strict_json_is_refused() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let http = registry.http()?;
    let size = registry.node()?.log().head().size();
    let payload = String::from_utf8(submission(&ana).await?.envelope.payload.0)?;
    let reason = "\"reason\":\"why not\"";
    assert!(payload.contains(reason), "{payload}");
    let with = |text: &str| payload.replacen(reason, text, 1);
    let deep = format!("\"reason\":{}\"why\"{}", "[".repeat(200), "]".repeat(200));
    let bad = [
        with("\"reason\":\"why not\",\"reason\":\"because\""),
        with("\"reason\":\"why not\",\"re\\u0061son\":\"because\""),
        with("\"reason\":\"why not\",\"surprise\":true"),
        with("\"reason\":\"why not\",\"until\":null"),
        with("\"reason\":\"why not\",\"until\":123456789012345678901234567890"),
        with("\"reason\":12"),
        with(&deep),
        with("\"because\":\"why not\""),
        payload.replacen(
            "\"predicateType\"",
            "\"predicateType\":\"urn:holdfast:thaw:v1\",\"predicateType\"",
            1,
        ),
        payload.replacen("urn:holdfast:freeze:v1", "urn:holdfast:unknown:v1", 1),
        payload.replacen("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v2", 1),
        format!("{payload}\n{payload}"),
        payload[..payload.len() / 2].to_owned(),
    ];
    for payload in bad {
        let envelope = Envelope::sign(payload.clone().into_bytes(), &ana.key());
        let body = serde_json::to_vec(&Submission { envelope, attachments: Vec::new() })?;
        let (status, code, detail) = http.refusal(Method::POST, "/v1/submissions", body).await?;
        assert_eq!(status, 400, "{detail}: {payload}");
        let expected =
            [ProblemCode::Malformed, ProblemCode::StatementUnsupported, ProblemCode::StatementInvalid];
        assert!(expected.contains(&code), "{code} {detail}: {payload}");
    }
    assert_eq!(registry.node()?.log().head().size(), size);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t20_attachments_that_nobody_named_or_that_are_wrong_change_nothing() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let http = registry.http()?;
    let folder = holdfast_tests::Folder::with("app", "1")?;
    let request = holdfast_client::PushRequest {
        artifact: of("shop/web@1"),
        source: folder.path().to_owned(),
        body: holdfast_formats::manifest::Body::None(holdfast_formats::manifest::Kind::Build),
        about: holdfast_client::About::nothing(),
    };
    let staged = ana.registry().stage(&request).await?;
    let prepared = ana.registry().prepare(staged.draft)?.signed_by(&ana.signer()).await?;
    let honest: Submission = serde_json::from_slice(&prepared.to_json()?)?;
    let other = Base64Bytes(b"{\"schema\":\"something else\"}".to_vec());
    for attachments in [Vec::new(), vec![other]] {
        let body = serde_json::to_vec(&Submission { attachments, ..honest.clone() })?;
        let (status, code, detail) = http.refusal(Method::POST, "/v1/submissions", body).await?;
        assert_eq!((status, code), (409, ProblemCode::ContentMissing), "{detail}");
    }
    let answer = http.send(Method::POST, "/v1/submissions", serde_json::to_vec(&honest)?).await?;
    assert_eq!(answer.status(), 201);
    Ok(())
}

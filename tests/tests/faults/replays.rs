//! T18, T22: envelopes that were logged once, and signatures over something else.

use anyhow::{Context as _, Result};
use holdfast_client::Draft;
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::envelope::{
    Base64Bytes, Envelope, EnvelopeSignature, PAYLOAD_TYPE, pre_authentication_encoding,
};
use holdfast_formats::statement::{DeployPhase, EntryIndex, Freeze, Predicate, Revoke, Statement};
use holdfast_formats::wire::v1::{ArtifactView, LogEntries, ProblemCode, Receipt, Submission};
use holdfast_tests::{Http, Person, TestRegistry, of};
use reqwest::Method;

/// Every envelope of a log, as its first submission was.
async fn logged(ana: &Person) -> Result<Vec<Submission>> {
    let http = ana.http()?;
    let page: LogEntries = http.read("/v1/log/entries?from=0").await?;
    let mut submissions = Vec::new();
    for logged in page.entries {
        let entry = Entry::parse(&logged.entry.0)?;
        let payload = match entry.payload {
            EntryPayload::Inline(payload) => payload,
            EntryPayload::Attached(_) => logged.payload.context("an attached payload is sent along")?.0,
        };
        let attachments = match Statement::parse(&payload)?.predicate {
            Predicate::Publish(publish) => {
                let path = format!("/v1/artifacts/{}@{}", publish.name, publish.version);
                vec![http.read::<ArtifactView>(&path).await?.manifest]
            }
            _ => Vec::new(),
        };
        let signatures = entry
            .signatures
            .iter()
            .map(|s| EnvelopeSignature { keyid: Some(s.keyid.to_string()), sig: Base64Bytes(s.sig.to_vec()) })
            .collect();
        let envelope =
            Envelope { payload: Base64Bytes(payload), payload_type: PAYLOAD_TYPE.to_owned(), signatures };
        submissions.push(Submission { envelope, attachments });
    }
    Ok(submissions)
}

async fn busy() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    let one = ana.publish_and_pin("shop/prod", "shop/web@1").await?;
    ana.deploy("shop/prod", &one, DeployPhase::Succeeded).await?;
    let deny = ana.deny(&one, Some("shop/canary")).await?;
    ana.lift(deny.index).await?;
    let freeze = ana.freeze("shop/prod").await?;
    ana.thaw(freeze.index).await?;
    let (_, grant) = ana.grant(|_| {}).await?;
    ana.say(Revoke { grant: EntryIndex { index: grant }, reason: of("it leaked") }).await?;
    Ok((registry, ana))
}

#[tokio::test(flavor = "multi_thread")]
async fn t18_every_logged_envelope_sent_again_gets_its_first_receipt_and_does_nothing() -> Result<()> {
    let (registry, ana) = busy().await?;
    let (size, root) = (registry.node()?.log().head().size(), registry.node()?.log().head().root());
    let submissions = logged(&ana).await?;
    assert_eq!(submissions.len() as u64, size.get());
    let stranger = registry.http()?;
    for (index, submission) in submissions.iter().enumerate() {
        let answer = stranger.send(Method::POST, "/v1/submissions", serde_json::to_vec(submission)?).await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        assert_eq!(status, 200, "entry {index}: {}", String::from_utf8_lossy(&body));
        let receipt: Receipt = serde_json::from_slice(&body)?;
        assert_eq!(receipt.index.get(), index as u64);
    }
    assert_eq!(registry.node()?.log().head().size(), size);
    assert_eq!(registry.node()?.log().head().root(), root);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t18_no_envelope_of_one_log_is_taken_by_another() -> Result<()> {
    let (_registry, ana) = busy().await?;
    let other = TestRegistry::start().await?;
    let bob = other.login().await?;
    let anas = ana.principal("ana");
    bob.amend(|policy| {
        policy.root.keys.extend(anas.key.clone());
        policy.principals.push(anas.clone());
        for rule in &mut policy.roles {
            rule.principals.push(of("ana"));
        }
    })
    .await?;
    let size = other.node()?.log().head().size();
    let http = bob.http()?;
    for (index, submission) in logged(&ana).await?.iter().enumerate() {
        let (status, code, detail) =
            http.refusal(Method::POST, "/v1/submissions", serde_json::to_vec(submission)?).await?;
        assert!((400..500).contains(&status), "entry {index}: {status} {code} {detail}");
    }
    assert_eq!(other.node()?.log().head().size(), size);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t18_signatures_do_not_move_to_another_statement() -> Result<()> {
    let (registry, ana) = busy().await?;
    let http = registry.http()?;
    let freeze = |channel: &str| Freeze { channel: of(channel), reason: of("why not"), until: None };
    let one = ana.registry().prepare(Draft::new(freeze("shop/a")))?.signed_by(&ana.signer()).await?;
    let two = ana.registry().prepare(Draft::new(freeze("shop/b")))?.signed_by(&ana.signer()).await?;
    let (one, two): (Submission, Submission) =
        (serde_json::from_slice(&one.to_json()?)?, serde_json::from_slice(&two.to_json()?)?);
    let mixed =
        Submission { envelope: Envelope { signatures: two.envelope.signatures, ..one.envelope }, ..two };
    let (status, code, _) =
        http.refusal(Method::POST, "/v1/submissions", serde_json::to_vec(&mixed)?).await?;
    assert_eq!((status, code), (400, ProblemCode::SignatureInvalid));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t22_a_signature_over_anything_but_the_envelope_s_encoding_is_refused() -> Result<()> {
    let (registry, ana) = busy().await?;
    let http: Http = registry.http()?;
    let freeze = Freeze { channel: of("shop/a"), reason: of("why not"), until: None };
    let prepared = ana.registry().prepare(Draft::new(freeze))?;
    let submission: Submission = serde_json::from_slice(&prepared.to_json()?)?;
    let payload = submission.envelope.payload.0.clone();
    let key = ana.key();
    for signed in [
        payload.clone(),
        pre_authentication_encoding("application/json", &payload),
        pre_authentication_encoding(PAYLOAD_TYPE, b"{}"),
        [pre_authentication_encoding(PAYLOAD_TYPE, &payload), vec![b'\n']].concat(),
    ] {
        let signature = EnvelopeSignature {
            keyid: Some(key.public().id().to_string()),
            sig: Base64Bytes(key.sign(&signed).to_vec()),
        };
        let envelope = Envelope { signatures: vec![signature], ..submission.envelope.clone() };
        let body = serde_json::to_vec(&Submission { envelope, attachments: Vec::new() })?;
        let (status, code, _) = http.refusal(Method::POST, "/v1/submissions", body).await?;
        assert_eq!((status, code), (400, ProblemCode::SignatureInvalid));
    }
    let envelope =
        Envelope { payload_type: "application/json".to_owned(), ..submission.envelope.signed_also_by(&key) };
    let body = serde_json::to_vec(&Submission { envelope, attachments: Vec::new() })?;
    assert_eq!(http.refusal(Method::POST, "/v1/submissions", body).await?.0, 400);
    Ok(())
}

//! T21 at a running registry: keys and signatures of Ed25519 that a lenient verifier takes.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use holdfast_client::Draft;
use holdfast_formats::envelope::{Base64Bytes, Envelope};
use holdfast_formats::statement::Freeze;
use holdfast_formats::wire::v1::{ProblemCode, Submission};
use holdfast_tests::{Person, TestRegistry, of};
use reqwest::Method;

/// The order of the group: adding it to the scalar of a signature gives another encoding of the same signature.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn plus_l(signature: &[u8]) -> Vec<u8> {
    let mut forged = signature.to_vec();
    let mut carry = 0_u16;
    for (byte, l) in forged[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(l) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    forged
}

async fn fresh() -> Result<(TestRegistry, Person)> {
    let registry = TestRegistry::start().await?;
    let ana = registry.login().await?;
    Ok((registry, ana))
}

#[tokio::test(flavor = "multi_thread")]
async fn t21_a_signature_in_another_encoding_is_refused() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let freeze = Freeze { channel: of("shop/prod"), reason: of("why not"), until: None };
    let prepared = ana.registry().prepare(Draft::new(freeze))?.signed_by(&ana.signer()).await?;
    let good: Submission = serde_json::from_slice(&prepared.to_json()?)?;
    let size = registry.node()?.log().head().size();
    let first = good.envelope.signatures.first().context("it is signed")?.clone();
    let mut zero = first.sig.0.clone();
    zero[32..].fill(0);
    let mut high = first.sig.0.clone();
    high[63] |= 0xe0;
    for sig in [plus_l(&first.sig.0), zero, high, vec![0; 64]] {
        for keyid in [first.keyid.clone(), None] {
            let mut forged = good.clone();
            forged.envelope.signatures[0].sig = Base64Bytes(sig.clone());
            forged.envelope.signatures[0].keyid = keyid;
            let body = serde_json::to_vec(&forged)?;
            let (status, code, detail) =
                registry.http()?.refusal(Method::POST, "/v1/submissions", body).await?;
            assert_eq!((status, code), (400, ProblemCode::SignatureInvalid), "{detail}");
        }
    }
    assert_eq!(registry.node()?.log().head().size(), size);
    let answer = registry.http()?.send(Method::POST, "/v1/submissions", serde_json::to_vec(&good)?).await?;
    assert_eq!(answer.status(), 201, "the one encoding is taken");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t21_a_policy_that_names_a_weak_or_non_canonical_key_is_refused() -> Result<()> {
    let (registry, ana) = fresh().await?;
    let next = ana.next_policy(|policy| policy.principals.push(ana.principal("twin"))).await?;
    let prepared = ana.registry().prepare(Draft::new(next))?.signed_by(&ana.signer()).await?;
    let good: Submission = serde_json::from_slice(&prepared.to_json()?)?;
    let payload = String::from_utf8(good.envelope.payload.0)?;
    let twin = payload.rfind(&ana.key().public().to_string()).context("the twin's key is in the policy")?;
    let size = registry.node()?.log().head().size();
    let mut identity = [0_u8; 32];
    identity[0] = 1;
    let mut negative_zero = identity;
    negative_zero[31] = 0x80;
    let mut non_canonical = [0xff_u8; 32];
    (non_canonical[0], non_canonical[31]) = (0xee, 0x7f);
    for bad in [identity, negative_zero, non_canonical, [0; 32], [0xff; 32]] {
        let key = format!("ed25519:{}", BASE64.encode(bad));
        let length = ana.key().public().to_string().len();
        assert_eq!(key.len(), length);
        let forged = format!("{}{key}{}", &payload[..twin], &payload[twin + length..]);
        let envelope = Envelope::sign(forged.into_bytes(), &ana.key());
        let body = serde_json::to_vec(&Submission { envelope, attachments: Vec::new() })?;
        let (status, code, detail) = registry.http()?.refusal(Method::POST, "/v1/submissions", body).await?;
        assert_eq!(status, 400, "{detail}");
        assert!(matches!(code, ProblemCode::Malformed | ProblemCode::StatementInvalid), "{code} {detail}");
    }
    assert_eq!(registry.node()?.log().head().size(), size);
    Ok(())
}

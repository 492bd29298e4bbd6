use super::*;
use crate::keys::Signer;
use holdfast_formats::key::SigningKey;
use holdfast_formats::statement::Freeze;

fn freeze() -> Draft {
    Draft::new(Freeze {
        channel: "shop/prod".parse().unwrap(),
        reason: "incident".parse().unwrap(),
        until: None,
    })
}

fn prepared(draft: Draft) -> Result<Prepared, ClientError> {
    draft.prepare(&"example/log".parse().unwrap(), Timestamp::from_ms(1_795_000_000_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_passes_from_signer_to_signer_unchanged() {
    let [a, b] = [1, 2].map(|seed| Signer::from(SigningKey::from_seed([seed; 32])));
    let first = prepared(freeze()).unwrap();
    assert_eq!(first.signatures(), 0);
    let second = Prepared::parse(&first.to_json().unwrap()).unwrap().signed_by(&a).await.unwrap();
    let third = Prepared::parse(&second.to_json().unwrap()).unwrap().signed_by(&b).await.unwrap();
    assert_eq!(third.signatures(), 2);
    assert_eq!(third.payload(), first.payload());
    assert!(matches!(third.signed_by(&a).await, Err(ClientError::SignedAlready(_))));
}

#[test]
fn two_drafts_of_the_same_are_two_statements() {
    let payload = |draft| prepared(draft).unwrap().payload().to_vec();
    assert_ne!(payload(freeze()), payload(freeze()));
}

#[test]
fn t18_a_statement_is_for_one_log_and_a_bounded_time() {
    let statement = prepared(freeze()).unwrap().statement().unwrap();
    assert_eq!(statement.header.log.as_str(), "example/log");
    assert_eq!(statement.header.not_after.ms_since(statement.header.issued_at), 600_000);
    for wrong in [Duration::ZERO, Duration::from_hours(8 * 24)] {
        assert!(matches!(prepared(Draft { valid_for: wrong, ..freeze() }), Err(ClientError::ValidFor)));
    }
}

#[test]
fn an_attestation_carries_its_envelope() {
    let draft = Draft::attest(
        b"{}".to_vec(),
        "https://slsa.dev/provenance/v1".parse().unwrap(),
        vec![Digests::of(b"m")],
    );
    let submission = prepared(draft).unwrap().submission().clone();
    assert_eq!(submission.attachments.first().map(|a| a.0.as_slice()), Some(b"{}".as_slice()));
}

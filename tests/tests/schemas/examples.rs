//! Examples of the OpenAPI description: values of the very types, so that none can be malformed.

use std::fmt::Debug;
use std::str::FromStr;

use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::envelope::{Base64Bytes, Envelope};
use holdfast_formats::id::RandomId;
use holdfast_formats::key::SigningKey;
use holdfast_formats::number::{ByteSize, PolicyNumber};
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::{Freeze, Header, Statement, StatementType, Subject};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{
    BlobStored, Gate, MissingAnswer, MissingChunk, MissingQuery, Problem, ProblemCode, RegistryInfo,
    Submission,
};
use serde::Serialize;
use serde_json::Value;

/// The example of a record, where one says more than its schema.
pub(crate) fn of(record: &str) -> Option<Value> {
    Some(match record {
        "Submission" => value(&submission()),
        "MissingQuery" => value(&MissingQuery { chunks: vec![chunk()] }),
        "MissingAnswer" => value(&MissingAnswer { missing: vec![chunk()] }),
        "BlobStored" => {
            value(&BlobStored { digests: Digests::of(b"hello\n"), size: ByteSize::of(b"hello\n") })
        }
        "RegistryInfo" => value(&info()),
        "Gate" => value(&gate()),
        _ => return None,
    })
}

/// A problem as it is sent.
pub(crate) fn problem(code: ProblemCode) -> Value {
    let mut problem = Problem::new(code, "what was wrong, and what to do next");
    if code == ProblemCode::ContentMissing {
        problem.missing = Some(vec![MissingChunk { chunk: chunk(), offset: 0, length: 6 }]);
    }
    value(&problem)
}

fn value<T: Serialize>(record: &T) -> Value {
    serde_json::to_value(record).expect("a record of the wire format is JSON")
}

fn chunk() -> Blake3Digest {
    Blake3Digest::of(b"hello\n")
}

/// A signed statement that freezes a channel.
fn submission() -> Submission {
    let origin = of_text::<Origin>("registry.example/log");
    let issued_at = of_text::<Timestamp>("2026-11-21T07:00:00.000Z");
    let header = Header {
        log: origin.clone(),
        id: RandomId::from_bytes([7; 16]),
        issued_at,
        not_after: issued_at.plus_ms(24 * 3600 * 1000),
        context: None,
        annotations: None,
    };
    let reason = of_text("payments are being migrated");
    let freeze = Freeze { channel: of_text("shop/prod"), reason, until: None };
    let subject = vec![Subject::nominal(&origin, StatementType::Freeze, of_text("shop/prod"))];
    let statement = Statement { subject, header, predicate: freeze.into() };
    let payload = statement.to_payload().expect("a statement is JSON");
    let envelope = Envelope::sign(payload, &SigningKey::from_seed([1; 32]));
    Submission { envelope, attachments: Vec::<Base64Bytes>::new() }
}

fn of_text<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("the example is well-formed")
}

fn info() -> RegistryInfo {
    let key = |seed| vec![SigningKey::from_seed([seed; 32]).public()];
    RegistryInfo {
        origin: of_text("registry.example/log"),
        version: "0.1.0".to_owned(),
        log_keys: key(1),
        head_keys: key(2),
        registry_keys: key(3),
        policy: Some(PolicyNumber::FIRST),
    }
}

fn gate() -> Gate {
    Gate {
        channel: of_text("shop/prod"),
        artifact: of_text("shop/web@1.4.2"),
        allowed: false,
        reasons: vec![of_text("the channel is frozen: payments are being migrated")],
    }
}

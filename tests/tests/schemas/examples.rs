//! Examples of the OpenAPI description: values of the very types, so that none can be malformed.

use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::envelope::{Base64Bytes, Envelope};
use holdfast_formats::key::SigningKey;
use holdfast_formats::number::{ByteSize, PolicyNumber};
use holdfast_formats::wire::v1::{
    BlobStored, Gate, MissingAnswer, MissingChunk, MissingQuery, Problem, ProblemCode, RegistryInfo, Submission,
};
use serde::Serialize;
use serde_json::Value;

use super::golden::folder;

/// The example of a record, where one says more than its schema.
pub fn of(record: &str) -> Option<Value> {
    Some(match record {
        "Submission" => value(&submission()),
        "MissingQuery" => value(&MissingQuery { chunks: vec![chunk()] }),
        "MissingAnswer" => value(&MissingAnswer { missing: vec![chunk()] }),
        "BlobStored" => value(&BlobStored { digests: Digests::of(b"hello\n"), size: ByteSize::of(b"hello\n") }),
        "RegistryInfo" => value(&info()),
        "Gate" => value(&gate()),
        _ => return None,
    })
}

/// A problem as it is sent.
pub fn problem(code: ProblemCode) -> Value {
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

/// A golden statement, signed.
fn submission() -> Submission {
    let path = folder("vectors").join("statements/accept/pin-minimal.json");
    let payload = std::fs::read(path).expect("the golden pin is checked in: bless the vectors first");
    let envelope = Envelope::sign(payload, &SigningKey::from_seed([1; 32]));
    Submission { envelope, attachments: Vec::<Base64Bytes>::new() }
}

fn info() -> RegistryInfo {
    let key = |seed| vec![SigningKey::from_seed([seed; 32]).public()];
    RegistryInfo {
        origin: "registry.example/log".parse().expect("it is an origin"),
        version: "0.1.0".to_owned(),
        log_keys: key(1),
        head_keys: key(2),
        registry_keys: key(3),
        policy: Some(PolicyNumber::FIRST),
    }
}

fn gate() -> Gate {
    Gate {
        channel: "shop/prod".parse().expect("it is a channel"),
        artifact: "shop/web@1.4.2".parse().expect("it is a reference"),
        allowed: false,
        reasons: vec!["the channel is frozen: payments are being migrated".parse().expect("it is a reason")],
    }
}

//! T22: bytes signed or hashed as one thing are never taken for another, even by a reader that trusts one key for all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use holdfast_formats::channel_head::ChannelHead;
use holdfast_formats::checkpoint::{Checkpoint, sign_checkpoint};
use holdfast_formats::commit::{Commit, CommitHeader};
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::entry::Entry;
use holdfast_formats::envelope::{Envelope, PAYLOAD_TYPE, pre_authentication_encoding};
use holdfast_formats::id::RandomId;
use holdfast_formats::key::SigningKey;
use holdfast_formats::manifest::Manifest;
use holdfast_formats::note::{self, KeyName, Note, NoteKey};
use holdfast_formats::origin::Origin;
use holdfast_formats::statement::{Statement, StatementType};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{TreeHash, TreeSize};

use super::samples::ORIGIN;
use super::statements::payload;
use super::synthesis::Full;

/// The one key that signs everything here.
fn key() -> SigningKey {
    SigningKey::from_seed([9; 32])
}

fn origin() -> Origin {
    ORIGIN.parse().expect("it is an origin")
}

fn head_text(origin: &Origin) -> String {
    let (size, root) = (TreeSize::ZERO, TreeHash::empty());
    let channel = "shop/prod".parse().expect("it is a channel");
    let time = Timestamp::from_ms(1_795_244_400_000);
    ChannelHead { origin: origin.clone(), channel, size, root, time, newest_entry: None, lines: Vec::new() }
        .to_string()
}

fn checkpoint(origin: &Origin) -> Checkpoint {
    Checkpoint::new(origin.clone(), TreeSize::ZERO, TreeHash::empty()).expect("the root of no leaves")
}

fn commit(origin: &Origin) -> Vec<u8> {
    let header = CommitHeader {
        origin: origin.clone(),
        number: 0,
        previous: Sha256Digest::from_bytes([0; 32]),
        previous_size: TreeSize::ZERO,
        count: 1,
        root: TreeHash::empty(),
        writer: key().public().id(),
        nonce: RandomId::from_bytes([4; 16]),
    };
    header.encode(&key(), &[b"x".to_vec()]).expect("a byte fits").0
}

fn pin() -> Vec<u8> {
    payload(StatementType::Pin, &mut Full).text.into_bytes()
}

/// The lines of a commit above its signature.
fn commit_text(commit: &[u8]) -> String {
    let text = String::from_utf8(commit.to_vec()).expect("a commit of one small entry is text");
    let lines: Vec<&str> = text.lines().take(9).collect();
    format!("{}\n", lines.join("\n"))
}

/// Those lines with a signature and the entry behind them.
fn commit_object(text: &str, signature: &[u8; 64]) -> Vec<u8> {
    format!("{text}{}\n\n\0\u{1}x", BASE64.encode(signature)).into_bytes()
}

/// What is signed, by the name of its kind.
fn messages(origin: &Origin) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("checkpoint", checkpoint(origin).body().into_bytes()),
        ("channel head", head_text(origin).into_bytes()),
        ("commit", commit_text(&commit(origin)).into_bytes()),
        ("statement", pre_authentication_encoding(PAYLOAD_TYPE, &pin())),
    ]
}

/// Presents a message with its true signature as each kind; true for the kinds that take it.
fn taken_as(message: &[u8], signature: &[u8; 64]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(message).into_owned();
    let signed = note::sign(&text, &KeyName::of_log(&origin()), &key());
    let verified = signed.ok().and_then(|note| {
        let known = [NoteKey::of_log(&origin(), key().public())];
        Note::parse(note.as_bytes()).ok()?.verify(&known).ok()
    });
    let mut kinds = Vec::new();
    if verified.as_ref().is_some_and(|note| Checkpoint::from_verified(note).is_ok()) {
        kinds.push("checkpoint");
    }
    if verified.is_some_and(|note| note.text().parse::<ChannelHead>().is_ok()) {
        kinds.push("channel head");
    }
    if Commit::parse(&commit_object(&text, signature))
        .is_ok_and(|commit| commit.verify(&key().public()).is_ok())
    {
        kinds.push("commit");
    }
    // A DSSE signature covers type and payload: whatever payload is chosen, its encoding must be the message.
    let body = message.splitn(5, |b| *b == b' ').nth(4).unwrap_or(message);
    if pre_authentication_encoding(PAYLOAD_TYPE, body) == message && Statement::parse(body).is_ok() {
        kinds.push("statement");
    }
    kinds
}

#[test]
fn t22_a_signature_over_one_kind_of_message_counts_for_no_other() {
    for (kind, message) in messages(&origin()) {
        let signature = key().sign(&message);
        assert_eq!(taken_as(&message, &signature), [kind]);
    }
}

#[test]
fn t22_an_origin_named_like_another_kind_of_message_does_not_make_it_one() {
    for name in ["holdfast/commit/v1", "holdfast/channel-head/v1", "DSSEv1"] {
        let origin: Origin = name.parse().expect("odd, but an origin");
        for (kind, message) in messages(&origin) {
            let text = String::from_utf8_lossy(&message).into_owned();
            let read_as = [
                ("checkpoint", Checkpoint::from_body(&text).is_ok_and(|c| *c.origin() == origin)),
                ("channel head", text.parse::<ChannelHead>().is_ok()),
                ("commit", Commit::parse(&commit_object(&text, &[0; 64])).is_ok()),
            ];
            for (other, read) in read_as {
                assert_eq!(read, other == kind, "a {kind} of the log {name} as a {other}");
            }
        }
    }
}

#[test]
fn t22_a_checkpoint_of_one_log_is_none_of_another() {
    let other: Origin = "registry.example/other".parse().expect("it is an origin");
    let signed = sign_checkpoint(&checkpoint(&other), &key());
    assert!(Checkpoint::from_signed(signed.as_bytes(), &other, &[key().public()]).is_ok());
    assert!(Checkpoint::from_signed(signed.as_bytes(), &origin(), &[key().public()]).is_err());
    // The same bytes under our log's name: the text still says whose it is.
    let renamed = note::sign(&checkpoint(&other).body(), &KeyName::of_log(&origin()), &key())
        .expect("it can be signed");
    assert!(Checkpoint::from_signed(renamed.as_bytes(), &origin(), &[key().public()]).is_err());
}

#[test]
fn t22_no_predicate_is_read_as_another_type() {
    for signed in StatementType::ALL {
        let text = payload(*signed, &mut Full).text;
        for presented in StatementType::ALL {
            let renamed =
                text.replacen(&format!("\"{}\"", signed.urn()), &format!("\"{}\"", presented.urn()), 1);
            let read = Statement::parse(renamed.as_bytes()).is_ok();
            assert_eq!(read, signed == presented, "a {signed} as a {presented}");
        }
    }
}

#[test]
fn t22_no_json_document_is_read_as_one_of_another_kind() {
    let statement = pin();
    let envelope =
        serde_json::to_vec(&Envelope::sign(statement.clone(), &key())).expect("an envelope is JSON");
    let leaf = super::entries::leaf(&statement, &[key()]).into_bytes();
    let manifest =
        br#"{"schema":"urn:holdfast:manifest:build:v1","files":[],"labels":{},"links":[],"body":{}}"#
            .to_vec();
    let documents =
        [("statement", statement), ("envelope", envelope), ("entry", leaf), ("manifest", manifest)];
    for (kind, bytes) in &documents {
        let read_as = [
            ("statement", Statement::parse(bytes).is_ok()),
            ("envelope", Envelope::parse(bytes).is_ok()),
            ("entry", Entry::parse(bytes).is_ok()),
            ("manifest", Manifest::parse(bytes).is_ok()),
        ];
        for (other, read) in read_as {
            assert_eq!(read, other == *kind, "a {kind} as a {other}");
        }
    }
}

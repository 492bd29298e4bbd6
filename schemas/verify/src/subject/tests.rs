use holdfast_formats::id::RandomId;
use holdfast_formats::statement::{Deny, DenyEffect, DenyScope, EntryIndex, Freeze, Tag, TagTarget, Thaw};
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;

use super::*;

fn header() -> Header {
    let now: Timestamp = "2026-11-21T08:00:00.000Z".parse().unwrap();
    Header {
        log: "registry.example/log".parse().unwrap(),
        id: RandomId::from_bytes([7; 16]),
        issued_at: now,
        not_after: now,
        context: None,
        annotations: None,
    }
}

/// Name and digests of the one subject of a statement.
fn subject(predicate: impl Into<Predicate>) -> (String, Digests) {
    let [only] = <[Subject; 1]>::try_from(statement(header(), predicate).subject).unwrap();
    (only.name.to_string(), only.digest)
}

#[test]
fn what_is_about_an_artifact_has_its_name_and_digests() {
    let (name, digests) = ("shop/web", Digests::of(b"manifest"));
    let tag =
        Tag { name: name.parse().unwrap(), tag: "latest".parse().unwrap(), target: TagTarget { digests } };
    let deny = Deny {
        name: name.parse().unwrap(),
        digests,
        effect: DenyEffect::Lookup,
        scope: DenyScope::Everywhere,
        channel: None,
        reason: "bad".parse().unwrap(),
    };
    assert_eq!(subject(tag), (name.to_owned(), digests));
    assert_eq!(subject(deny), (name.to_owned(), digests));
}

#[test]
fn what_is_about_no_artifact_has_the_nominal_digests_of_channel_or_origin() {
    let reason = || "audit".parse().unwrap();
    let freeze = Freeze { channel: "shop/prod".parse().unwrap(), reason: reason(), until: None };
    let nominal = Digests::of(b"registry.example/log\nurn:holdfast:freeze:v1\nshop/prod");
    assert_eq!(subject(freeze), ("shop/prod".to_owned(), nominal));
    let freeze = EntryIndex { index: LeafIndex::new(3).unwrap() };
    let nominal = Digests::of(b"registry.example/log\nurn:holdfast:thaw:v1\nregistry.example/log");
    assert_eq!(subject(Thaw { freeze, reason: reason() }), ("registry.example/log".to_owned(), nominal));
}

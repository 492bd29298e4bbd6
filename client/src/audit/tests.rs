use std::collections::HashMap;

use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::key::SigningKey;
use holdfast_formats::statement::Freeze;
use holdfast_formats::wire::v1::LoggedEntry;

use super::*;
use crate::test_log::{TestLog, user};

fn freeze() -> Freeze {
    Freeze { channel: "shop/prod".parse().unwrap(), reason: "incident".parse().unwrap(), until: None }
}

/// Policy 1 and a freeze.
fn honest() -> TestLog {
    let mut log = TestLog::new();
    log.push(freeze(), &user());
    log
}

fn replay(entries: &[LoggedEntry]) -> AuditReport {
    let mut replay = Replay::new("example/log".parse().unwrap());
    replay.page(entries, &HashMap::new()).unwrap();
    replay.report()
}

#[test]
fn an_honest_log_has_no_findings() {
    let report = replay(&honest().entries());
    assert_eq!((report.entries, report.findings), (2, Vec::new()));
}

#[test]
fn t32_an_entry_that_the_rule_book_refuses_is_found_and_the_replay_goes_on() {
    let mut log = TestLog::new();
    log.push(freeze(), &SigningKey::from_seed([66; 32]));
    log.push(freeze(), &user());
    let report = replay(&log.entries());
    let indices: Vec<_> = report.findings.iter().map(|finding| finding.index.map(LeafIndex::get)).collect();
    assert_eq!((report.entries, indices), (3, vec![Some(1)]));
}

#[test]
fn t32_a_payload_changed_after_it_was_signed_is_found() {
    let mut entries = honest().entries();
    let mut forged = Entry::parse(&entries[1].entry.0).unwrap();
    if let EntryPayload::Inline(bytes) = &mut forged.payload {
        *bytes = String::from_utf8(bytes.clone()).unwrap().replace("incident", "accident").into_bytes();
    }
    entries[1].entry = Base64Bytes(forged.encode().unwrap());
    let report = replay(&entries);
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
}

#[test]
fn t18_an_entry_that_is_logged_twice_is_found() {
    let mut entries = honest().entries();
    entries.push(LoggedEntry { index: LeafIndex::new(2).unwrap(), ..entries[1].clone() });
    assert_eq!(replay(&entries).findings.len(), 1);
}

#[test]
fn t32_a_root_that_the_entries_do_not_hash_to_is_found() {
    let mut replay = Replay::new("example/log".parse().unwrap());
    replay.page(&honest().entries(), &HashMap::new()).unwrap();
    replay.compare_root(replay.size(), replay.root());
    assert_eq!(replay.findings().len(), 0);
    replay.compare_root(replay.size(), TreeHash::empty());
    assert_eq!(replay.findings().len(), 1);
}

#[test]
fn entries_out_of_order_are_no_log() {
    let mut replay = Replay::new("example/log".parse().unwrap());
    assert!(replay.page(&honest().entries()[1..], &HashMap::new()).is_err());
}

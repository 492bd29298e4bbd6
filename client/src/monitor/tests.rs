use holdfast_formats::statement::Predicate;
use holdfast_formats::time::Timestamp;

use super::look::{News, checked};
use super::memory::{OUTBOX_MAX, Queued};
use super::*;

const START: Timestamp = Timestamp::from_ms(1_795_000_000_000);
const TEN_MINUTES: Duration = Duration::from_mins(10);

fn memory() -> Memory {
    Memory::of("example/log".parse().unwrap(), START)
}

fn after(minutes: u64) -> Timestamp {
    START.plus_ms(minutes * 60_000)
}

fn down() -> ClientError {
    ClientError::Unreachable { url: "http://127.0.0.1:1".to_owned(), source: "connection refused".into() }
}

fn kinds(memory: &Memory) -> Vec<AlertKind> {
    memory.outbox.iter().map(|queued| queued.alert.kind).collect()
}

#[test]
fn t17_silence_is_told_once_and_only_after_its_time() {
    let mut memory = memory();
    for minutes in [0, 5, 9] {
        memory.note_failure(&down(), TEN_MINUTES, after(minutes));
        assert_eq!(kinds(&memory), [], "{minutes}");
    }
    for minutes in [10, 11, 500] {
        memory.note_failure(&down(), TEN_MINUTES, after(minutes));
        assert_eq!(kinds(&memory), [AlertKind::Silence], "{minutes}");
    }
    assert!(memory.outbox[0].alert.says.contains("connection refused"), "{:?}", memory.outbox);
}

#[test]
fn t12_a_fork_is_told_at_once_and_each_only_once() {
    let mut memory = memory();
    let fork = |detail: &str| ClientError::Fork { detail: detail.to_owned(), evidence: None };
    memory.note_failure(&fork("one"), TEN_MINUTES, after(0));
    memory.note_failure(&fork("one"), TEN_MINUTES, after(1));
    memory.note_failure(&fork("two"), TEN_MINUTES, after(2));
    assert_eq!(kinds(&memory), [AlertKind::Fork, AlertKind::Fork]);
    assert_ne!(memory.outbox[0].alert.id, memory.outbox[1].alert.id);
}

#[test]
fn a_full_outbox_takes_nothing_more_and_loses_nothing() {
    let mut memory = memory();
    let alert = |n: u64| Alert::new(&memory.log, AlertKind::Pin, after(n), n.to_string());
    let queued = (0..OUTBOX_MAX as u64).map(|n| Queued { alert: alert(n), told: true });
    memory.outbox = queued.collect();
    assert_eq!(memory.room(), 0);
    memory.note_failure(&down(), TEN_MINUTES, after(60));
    assert_eq!(memory.outbox.len(), OUTBOX_MAX);
    memory.outbox.pop();
    memory.note_failure(&down(), TEN_MINUTES, after(61));
    assert_eq!(kinds(&memory).last(), Some(&AlertKind::Silence), "it was not forgotten");
}

#[test]
fn what_is_remembered_survives_its_bytes_and_is_read_strictly() {
    let mut memory = memory();
    memory.note_failure(&down(), TEN_MINUTES, after(60));
    let bytes = serde_json::to_vec(&memory).unwrap();
    assert_eq!(holdfast_formats::from_json::<Memory>(&bytes, bytes.len()).unwrap(), memory);
    let more = String::from_utf8(bytes).unwrap().replacen("\"heard\"", "\"herd\":1,\"heard\"", 1);
    assert!(holdfast_formats::from_json::<Memory>(more.as_bytes(), more.len()).is_err());
}

#[test]
fn t16_a_history_that_leaves_out_what_the_signed_head_names_is_not_believed() {
    let index = |n| holdfast_formats::tree::LeafIndex::new(n).unwrap();
    let news = || News { entries: std::collections::VecDeque::new(), next: index(3) };
    assert!(checked(news(), None, false).is_ok() && checked(news(), Some(index(7)), true).is_ok());
    let hidden = checked(news(), Some(index(7)), false).unwrap_err();
    assert_eq!(hidden.exit(), ExitCode::Integrity, "{hidden}");
}

#[test]
fn everyday_work_is_no_alert() {
    let freeze = holdfast_formats::statement::Freeze {
        channel: "shop/prod".parse().unwrap(),
        reason: "incident".parse().unwrap(),
        until: None,
    };
    assert_eq!(AlertKind::of(&freeze.into()), Some(AlertKind::Freeze));
    let tag = holdfast_formats::statement::Tag {
        name: "shop/web".parse().unwrap(),
        tag: "latest".parse().unwrap(),
        target: holdfast_formats::statement::TagTarget {
            digests: holdfast_formats::digest::Digests::of(b"x"),
        },
    };
    assert_eq!(AlertKind::of(&Predicate::from(tag)), None);
}

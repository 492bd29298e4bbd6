//! What must be on disk before a node answers from it.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::clock::SystemClock;
use crate::config::StoreLocation;
use holdfast_verify::rule_book::RuleBook;

use crate::objects::Host;
use crate::telemetry::Fatal;

fn parts(folder: &Path, store: Store, blocking: Blocking) -> (LogParts, Writer) {
    let keys = NodeKeys::generate(&folder.join("keys"), None).expect("keys are made");
    let (index, writer) =
        Index::open(&folder.join("index.sqlite"), blocking.clone(), 0).expect("the index opens");
    let metrics = Arc::new(Metrics::new());
    let keys = Arc::new(Keyring::new(keys, &folder.join("keys")));
    let clock = SystemClock::shared();
    let newest_rules = RuleBook::RELEASED;
    let parts = LogParts { store, index, keys, clock, blocking, metrics, newest_rules };
    (parts, writer)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn t2_a_log_whose_commits_cannot_be_made_durable_is_not_answered_from() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended);
    let fatal = Fatal::hook(move |_| seen.store(true, Ordering::SeqCst));
    let blocking = Blocking::new(NonZeroUsize::new(4).expect("four is not zero"));
    let host = Host { blocking: blocking.clone(), clock: SystemClock::shared(), fatal };
    let objects = StoreLocation::Directory(folder.path().join("objects"));
    let store = Store::open_without_flush(&objects, host).await.expect("the store opens");
    // An earlier process linked a commit and died. Reading it first would end as "malformed", not as "not durable".
    store.create(&ObjectKey::commit(0), Bytes::from_static(b"no commit")).await.expect("it is written");

    let (parts, writer) = parts(folder.path(), store, blocking);
    let refused = replay(&parts, writer, None).await.map(drop);
    assert!(matches!(refused, Err(ReplayError::Object(ObjectError::NotDurable { .. }))), "{refused:?}");
    assert!(ended.load(Ordering::SeqCst), "the process ends");
}

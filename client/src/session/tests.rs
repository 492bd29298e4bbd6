use std::sync::{Arc, Mutex};

use holdfast_formats::wire::v1::{ExitCode, PolicyChain as PolicyAnswer, Problem, ProblemCode, Receipt};
use serde::Serialize;

use super::*;
use crate::clock::FixedClock;
use crate::test_log::{NOW, TestLog};
use crate::test_server::{Answer, Asked, TestServer};

fn json<T: Serialize>(record: &T) -> Answer {
    Answer::new(200, "", &serde_json::to_vec(record).unwrap())
}

fn number(asked: &Asked, name: &str) -> Option<usize> {
    let rest = asked.line.split_once(&format!("{name}="))?.1;
    rest.split(['&', ' ']).next()?.parse().ok()
}

/// Serves a log at a size, as a registry does.
fn serve(log: &TestLog, size: usize, asked: &Asked) -> Answer {
    if asked.is("GET /v1/policies") {
        let policies = if number(asked, "after") == Some(0) { vec![log.receipt(0, size)] } else { vec![] };
        return json(&PolicyAnswer { policies });
    }
    if asked.is("GET /v1/log/checkpoint") {
        return Answer::new(200, "", log.checkpoint(size).as_bytes());
    }
    if asked.is("GET /v1/log/consistency") {
        return json(&log.consistency(number(asked, "from").unwrap(), number(asked, "to").unwrap()));
    }
    if let Some(rest) = asked.line.strip_prefix("GET /v1/log/proof/") {
        let index = rest.split(' ').next().unwrap().parse().unwrap();
        return json(&log.receipt(index, size));
    }
    let problem = Problem::new(ProblemCode::NoSuchRoute, "no such route");
    Answer::new(404, "", &serde_json::to_vec(&problem).unwrap())
}

/// A registry whose log and size a test changes while it runs.
struct Shown {
    now: Arc<Mutex<(TestLog, usize)>>,
    server: TestServer,
    home: tempfile::TempDir,
}

impl Shown {
    async fn start(log: &TestLog, size: usize) -> Self {
        let now = Arc::new(Mutex::new((log.clone(), size)));
        let shown = Arc::clone(&now);
        let server = TestServer::start(move |asked| {
            let (log, size) = shown.lock().unwrap().clone();
            serve(&log, size, asked)
        })
        .await;
        let home = tempfile::tempdir().unwrap();
        Places::under(home.path()).write_trust(&log.trust(&server.url)).unwrap();
        Self { now, server, home }
    }

    fn show(&self, log: &TestLog, size: usize) {
        *self.now.lock().unwrap() = (log.clone(), size);
    }

    /// A handle of a new process: it knows what is on disk and nothing else.
    fn open(&self) -> Registry {
        let options = OpenOptions { clock: Arc::new(FixedClock(NOW)), ..OpenOptions::new() };
        Registry::open(&Places::under(self.home.path()), options).unwrap()
    }
}

fn grown(size: usize) -> TestLog {
    let mut log = TestLog::new();
    log.grow_to(size);
    log
}

/// The same beginning, then other entries.
fn forked(log: &TestLog, shared: usize, size: usize) -> TestLog {
    let mut fork = log.clone();
    fork.cut_to(shared);
    fork.grow_to(size);
    fork
}

#[tokio::test]
async fn a_log_that_grows_is_followed_by_one_process_after_the_other() {
    let log = grown(9);
    let shown = Shown::start(&log, 3).await;
    for size in [3, 4, 7, 9] {
        shown.show(&log, size);
        assert_eq!(shown.open().sync().await.unwrap().size.get(), size as u64);
    }
}

#[tokio::test]
async fn t12_a_fork_is_never_accepted_whatever_its_size() {
    let log = grown(7);
    let shown = Shown::start(&log, 5).await;
    shown.open().sync().await.unwrap();
    for size in [4, 5, 7] {
        shown.show(&forked(&log, 2, 7), size);
        let error = shown.open().sync().await.unwrap_err();
        assert!(matches!(error, ClientError::Fork { .. }), "{size}: {error:?}");
        assert_eq!(error.exit(), ExitCode::Integrity);
    }
    shown.show(&log, 7);
    assert_eq!(shown.open().sync().await.unwrap().size.get(), 7);
}

#[tokio::test]
async fn t16_an_older_state_never_replaces_the_newest_one_seen() {
    let log = grown(8);
    let shown = Shown::start(&log, 8).await;
    shown.open().sync().await.unwrap();
    shown.show(&log, 5);
    // A node that lags shows a true beginning of the log: that is no lie, but not the newest state either.
    assert_eq!(shown.open().sync().await.unwrap_err().exit(), ExitCode::Unreachable);
    shown.show(&forked(&log, 6, 8), 8);
    assert!(matches!(shown.open().sync().await, Err(ClientError::Fork { .. })));
}

#[tokio::test]
async fn t12_a_receipt_of_a_forked_log_is_refused() {
    let log = grown(6);
    let shown = Shown::start(&log, 4).await;
    shown.open().sync().await.unwrap();
    let index = "2".parse().unwrap();
    shown.show(&log, 6);
    assert!(shown.open().receipt(index).await.is_ok());
    shown.show(&forked(&log, 2, 6), 6);
    assert_eq!(shown.open().receipt(index).await.unwrap_err().exit(), ExitCode::Integrity);
}

#[tokio::test]
async fn t18_another_log_with_the_same_name_and_keys_is_refused() {
    let log = grown(2);
    let shown = Shown::start(&log, 2).await;
    shown.show(&grown(2), 2);
    assert_eq!(shown.open().sync().await.unwrap_err().exit(), ExitCode::Integrity);
    assert!(shown.server.asked().iter().all(|asked| asked.is("GET /v1/policies")));
}

#[tokio::test]
async fn a_receipt_for_another_entry_than_asked_for_is_refused() {
    let log = grown(5);
    let receipt: Receipt = log.receipt(3, 5);
    assert_eq!(receipt.index.get(), 3);
    let shown = Shown::start(&log, 5).await;
    let registry = shown.open();
    assert!(registry.check_receipt("receipt", &receipt).await.is_ok());
    let moved = Receipt { index: "2".parse().unwrap(), ..receipt };
    assert_eq!(registry.check_receipt("receipt", &moved).await.unwrap_err().exit(), ExitCode::Integrity);
}

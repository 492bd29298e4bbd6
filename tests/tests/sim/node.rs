//! A node of the simulation: the registry's own code on the simulation's only thread, asked without a socket, killed without
//! a farewell.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use holdfast_formats::wire::v1::{Problem, ProblemCode, SweepReport};
use holdfast_registry::blocking::Blocking;
use holdfast_registry::clock::SharedClock;
use holdfast_registry::config::{RequestRates, SweepConfig};
use holdfast_registry::log::{Log, NodeKeys};
use holdfast_registry::node::{Node, NodeParts};
use holdfast_registry::objects::{Host, Store};
use holdfast_registry::telemetry::{Fatal, Metrics};
use holdfast_verify::rule_book::RuleBook;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

use super::time::NodeClock;
use super::wire::{Sea, Wire};

const MEMORY_BYTES: u64 = 16 * 1024 * 1024;
/// How long anybody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long a sweep may take in bad weather.
const SWEEP_PATIENCE: Duration = Duration::from_mins(1);
/// How old an object that nothing refers to is when a sweep names it.
const GRACE: Duration = Duration::from_hours(1);
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a start finds of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// What was written when the process died.
    Left,
    /// Nothing.
    Nothing,
}

/// One node, running or not.
pub(crate) struct SimNode {
    number: usize,
    home: PathBuf,
    keys: PathBuf,
    sea: Arc<Sea>,
    /// Its clock.
    pub(crate) clock: Arc<NodeClock>,
    life: Cell<u32>,
    running: RefCell<Option<Running>>,
}

struct Running {
    node: Node,
    wire: Wire,
}

/// A question.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// How.
    pub(crate) method: Method,
    /// Where.
    pub(crate) path: String,
    /// The bearer's token.
    pub(crate) token: Option<String>,
    /// The login secret.
    pub(crate) login: Option<String>,
    /// What is sent.
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// All of the body.
    pub(crate) body: Bytes,
}

impl Answer {
    /// What it says.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{}: {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// What it refuses with.
    pub(crate) fn problem(&self) -> Option<ProblemCode> {
        serde_json::from_slice::<Problem>(&self.body).ok().map(|problem| problem.code)
    }
}

impl SimNode {
    /// A node that does not run yet, below a folder, with keys that are there.
    pub(crate) fn new(number: usize, home: &Path, sea: &Arc<Sea>, clock: Arc<NodeClock>) -> Self {
        let (keys, home) = (home.join("keys"), home.join(format!("node-{number}")));
        let (life, running) = (Cell::new(0), RefCell::new(None));
        Self { number, home, keys, sea: Arc::clone(sea), clock, life, running }
    }

    /// Starts it, as a process that finds what the one before it left.
    pub(crate) async fn start(&self, found: Found) -> anyhow::Result<()> {
        let before = self.index_folder();
        self.life.set(self.life.get() + 1);
        std::fs::create_dir_all(self.index_folder())?;
        if found == Found::Left && before.exists() {
            // What is left is copied: in this process, the one that died never lets go of its files.
            for file in std::fs::read_dir(before)? {
                let file = file?;
                let is_shared_memory = file.file_name().to_string_lossy().ends_with("-shm");
                if !is_shared_memory {
                    std::fs::copy(file.path(), self.index_folder().join(file.file_name()))?;
                }
            }
        }
        let wire = Wire::of(&self.sea, self.number);
        let started = self.begin(wire.clone()).await;
        if started.is_err() {
            wire.kill();
        }
        self.running.replace(Some(Running { node: started?, wire }));
        Ok(())
    }

    async fn begin(&self, wire: Wire) -> anyhow::Result<Node> {
        let clock = Arc::clone(&self.clock) as SharedClock;
        let fatal = Fatal::hook(|reason| unreachable!("nothing is flushed here: {reason}"));
        let host = Host { blocking: Blocking::at_once(), clock: Arc::clone(&clock), fatal };
        let store = Store::from_object_store(Arc::new(wire), host);
        store.probe().await?;
        let parts = NodeParts {
            store,
            keys: NodeKeys::load(&self.keys)?.context("the keys are there")?,
            keys_folder: self.keys.clone(),
            index_path: self.index_folder().join("index.sqlite"),
            clock,
            metrics: Arc::new(Metrics::new()),
            memory_bytes: MEMORY_BYTES,
            newest_rules: RuleBook::RELEASED,
            rates: RequestRates::UNLIMITED,
            sweep: SweepConfig { every: None, grace: GRACE },
            scrub: holdfast_registry::config::ScrubConfig::NEVER,
            witnesses: Vec::new(),
            acknowledge_refused: None,
        };
        Ok(Node::start(parts).await?)
    }

    /// It dies here and now.
    pub(crate) fn kill(&self) {
        if let Some(Running { node, wire }) = self.running.take() {
            wire.kill();
            drop(node);
        }
    }

    /// Cuts it off from the store, or lets it through again.
    pub(crate) fn set_cut(&self, cut: bool) {
        if let Some(running) = self.running.borrow().as_ref() {
            running.wire.set_cut(cut);
        }
    }

    /// Its log, when it runs.
    pub(crate) fn log(&self) -> anyhow::Result<Log> {
        Ok(self.running.borrow().as_ref().context("it runs")?.node.log().clone())
    }

    /// Lets it sweep; `None` when it does not come to an end.
    pub(crate) async fn sweep(&self) -> Option<Result<SweepReport, String>> {
        let sweeper =
            self.running.borrow().as_ref().map(|running| running.node.service().sweeper().clone())?;
        let swept = tokio::time::timeout(SWEEP_PATIENCE, sweeper.sweep(false)).await.ok()?;
        Some(swept.map_err(|error| error.to_string()))
    }

    /// Asks it; `None` when no whole answer comes.
    pub(crate) async fn ask(&self, question: Question) -> Option<Answer> {
        let router = self.router()?;
        let mut request = Request::builder().method(question.method).uri(question.path);
        if let Some(token) = question.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(login) = question.login {
            request = request.header("holdfast-login", login);
        }
        let request = request.body(Body::from(question.body)).ok()?;
        let answered = async {
            let Ok(response) = router.oneshot(request).await;
            let status = response.status().as_u16();
            let body = axum::body::to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.ok()?;
            Some(Answer { status, body })
        };
        tokio::time::timeout(PATIENCE, answered).await.ok().flatten()
    }

    fn router(&self) -> Option<Router> {
        self.running.borrow().as_ref().map(|running| running.node.router())
    }

    fn index_folder(&self) -> PathBuf {
        self.home.join(format!("life-{}", self.life.get()))
    }
}

//! A registry inside the test's process: a node on a store, served on a free port of this machine.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use holdfast_formats::tree::LeafIndex;
use holdfast_registry::blocking::Blocking;
use holdfast_registry::config::{RequestRates, ScrubConfig, SweepConfig, WitnessConfig};
use holdfast_registry::http::front::{FrontLimits, Listener, ServeOutcome, serve};
use holdfast_registry::log::NodeKeys;
use holdfast_registry::node::{Node, NodeError, NodeParts};
use holdfast_registry::objects::{Host, Store};
use holdfast_registry::telemetry::{Fatal, Metrics};
use holdfast_verify::rule_book::RuleBook;
use object_store::ObjectStore;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Backing, Http, Person, TestClock};

const MEMORY_BYTES: u64 = 64 * 1024 * 1024;
const BLOCKING_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(31);

/// What a restart finds of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// The file as it was left.
    Kept,
    /// Nothing: it is made anew from the store.
    Removed,
}

/// Why a registry did not start.
pub type StartError = NodeError;

/// A registry that is stopped when the test drops it.
pub struct TestRegistry {
    backing: Backing,
    home: TempDir,
    clock: TestClock,
    address: SocketAddr,
    running: Option<Running>,
    acknowledge: Option<LeafIndex>,
    newest_rules: RuleBook,
    rates: RequestRates,
    witnesses: Vec<WitnessConfig>,
}

struct Running {
    node: Node,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<ServeOutcome>,
}

impl TestRegistry {
    /// A fresh registry in memory, or in the bucket that the environment names.
    pub async fn start() -> anyhow::Result<Self> {
        Self::on(Backing::from_environment()?).await
    }

    /// A fresh registry in a directory of its own.
    pub async fn in_directory() -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let backing = Backing::directory(home.path());
        Self::begin(backing, home).await
    }

    /// A fresh registry on a store.
    pub async fn on(backing: Backing) -> anyhow::Result<Self> {
        Self::begin(backing, tempfile::tempdir()?).await
    }

    /// A fresh registry on a store, where callers may ask only so often.
    pub async fn limited(backing: Backing, rates: RequestRates) -> anyhow::Result<Self> {
        Self::begin_with(backing, tempfile::tempdir()?, rates).await
    }

    async fn begin(backing: Backing, home: TempDir) -> anyhow::Result<Self> {
        Self::begin_with(backing, home, RequestRates::UNLIMITED).await
    }

    async fn begin_with(backing: Backing, home: TempDir, rates: RequestRates) -> anyhow::Result<Self> {
        NodeKeys::generate(&home.path().join("keys"), None)?;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let clock = TestClock::at_present();
        let mut registry = Self {
            backing,
            home,
            clock,
            address,
            running: None,
            acknowledge: None,
            newest_rules: RuleBook::RELEASED,
            rates,
            witnesses: Vec::new(),
        };
        registry.try_start().await?;
        Ok(registry)
    }

    /// One more node on the same store, with the same keys and an index and a port of its own.
    pub async fn another_node(&self) -> anyhow::Result<Self> {
        anyhow::ensure!(self.backing.is_shared(), "a local directory has one node");
        let home = tempfile::tempdir()?;
        let keys = home.path().join("keys");
        std::fs::create_dir(&keys)?;
        for file in std::fs::read_dir(self.keys_folder())? {
            let file = file?;
            std::fs::copy(file.path(), keys.join(file.file_name()))?;
        }
        let (backing, clock, rates) = (self.backing.clone(), self.clock.clone(), self.rates);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut node = Self {
            backing,
            home,
            clock,
            address,
            running: None,
            acknowledge: None,
            newest_rules: RuleBook::RELEASED,
            rates,
            witnesses: self.witnesses.clone(),
        };
        node.try_start().await?;
        Ok(node)
    }

    /// Starts it when it is stopped, as `serve` does: probe, node, port.
    pub async fn try_start(&mut self) -> anyhow::Result<()> {
        let store = self.open_store().await?;
        store.probe().await?;
        let metrics = Arc::new(Metrics::new());
        let node = self.start_node(store, &metrics).await?;
        let listener = Listener::bind(self.address, None)?;
        self.address = listener.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            // A sender that is dropped stops it just the same.
            drop(stopped.await);
        };
        let serving = tokio::spawn(serve(listener, node.router(), limits(), metrics, shutdown));
        self.running = Some(Running { node, stop, serving });
        Ok(())
    }

    async fn start_node(&self, store: Store, metrics: &Arc<Metrics>) -> anyhow::Result<Node> {
        let keys = NodeKeys::load(&self.keys_folder())?.context("the keys are there")?;
        let parts = NodeParts {
            store,
            keys,
            keys_folder: self.keys_folder(),
            index_path: self.index_path(),
            clock: self.clock.of_registry(),
            metrics: Arc::clone(metrics),
            memory_bytes: MEMORY_BYTES,
            newest_rules: self.newest_rules,
            rates: self.rates,
            sweep: SweepConfig::NEVER,
            scrub: ScrubConfig::NEVER,
            witnesses: self.witnesses.clone(),
            acknowledge_refused: self.acknowledge,
        };
        Ok(Node::start(parts).await?)
    }

    /// The store, opened once more. A local directory must not be in use.
    pub async fn open_store(&self) -> anyhow::Result<Store> {
        let fatal = Fatal::hook(|reason| unreachable!("the disk of the test machine failed: {reason}"));
        let blocking = Blocking::new(BLOCKING_MAX);
        self.backing.open(Host { blocking, clock: self.clock.of_registry(), fatal }).await
    }

    /// Stops it; what was begun is answered first.
    pub async fn stop(&mut self) -> anyhow::Result<ServeOutcome> {
        let Running { node, stop, serving } = self.running.take().context("it is running")?;
        drop(stop);
        let outcome = serving.await?;
        tokio::time::timeout(Duration::from_secs(20), node.stop()).await.context("the node ends")?;
        Ok(outcome)
    }

    /// Stops it and starts it on the same port.
    pub async fn restart(&mut self, index: Index) -> anyhow::Result<()> {
        self.stop().await?;
        if index == Index::Removed {
            self.remove_index()?;
        }
        self.try_start().await
    }

    /// From its next start on it is of a version whose newest rule book is this one.
    pub const fn update_to(&mut self, newest_rules: RuleBook) {
        self.newest_rules = newest_rules;
    }

    /// Removes the index, which must not be in use.
    pub fn remove_index(&self) -> anyhow::Result<()> {
        let folder = self.home.path().join("index");
        let _: () = if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        };
        Ok(())
    }

    /// Starts it anew, with these witnesses to ask.
    pub async fn ask_witnesses(&mut self, witnesses: Vec<WitnessConfig>) -> anyhow::Result<()> {
        self.witnesses = witnesses;
        self.restart(Index::Kept).await
    }

    /// From the next start on, goes on although this entry is refused.
    pub fn acknowledge(&mut self, entry: LeafIndex) {
        self.acknowledge = Some(entry);
    }

    /// Moves the clock of the registry and of all its people forward, and waits until the node has noticed.
    pub async fn advance(&self, by: Duration) -> anyhow::Result<()> {
        self.clock.advance(by);
        while self.backing.is_shared() && self.node()?.log().head().seen() < self.clock.timestamp() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The clock of the registry and of all its people.
    pub const fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// The running node.
    pub fn node(&self) -> anyhow::Result<&Node> {
        Ok(&self.running.as_ref().context("it is running")?.node)
    }

    /// Where it is served.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port's address.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address with a new one-time login secret, as `serve` prints it.
    pub fn login_url(&self) -> anyhow::Result<String> {
        let secret = self.node()?.log().keys().new_login(&self.keys_folder())?;
        Ok(format!("{}#{}", self.url(), secret.expose()))
    }

    /// Whoever logs in first: policy 1 names their key.
    pub async fn login(&self) -> anyhow::Result<Person> {
        Person::login(self).await
    }

    /// A plain client without token.
    pub fn http(&self) -> anyhow::Result<Http> {
        Http::new(&self.url(), None)
    }

    /// Where its objects are.
    pub const fn backing(&self) -> &Backing {
        &self.backing
    }

    /// Its objects, behind its back.
    pub fn objects(&self) -> anyhow::Result<Arc<dyn ObjectStore>> {
        self.backing.objects()
    }

    /// Where its keys are.
    pub fn keys_folder(&self) -> PathBuf {
        self.home.path().join("keys")
    }

    /// Where its index is.
    pub fn index_path(&self) -> PathBuf {
        self.home.path().join("index/index.sqlite")
    }

    /// The folder that goes away with it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

/// The limits of `serve`, with a drain that a test can wait for.
fn limits() -> FrontLimits {
    FrontLimits {
        connections_max: 1024,
        head_deadline: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        body_deadline: Duration::from_secs(30),
        upload_deadline: Duration::from_mins(1),
        stall: Duration::from_secs(30),
        drain_deadline: Duration::from_secs(5),
        streams_max: 128,
    }
}

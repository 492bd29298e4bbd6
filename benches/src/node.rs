//! A node in this process, on a store of its own or on that of a registry that is stopped. Its clock moves only when it is
//! moved, so that an entry's bytes are known before it is logged.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use holdfast_formats::policy::Policy;
use holdfast_formats::time::Timestamp;
use holdfast_registry::blocking::Blocking;
use holdfast_registry::clock::{Clock as _, ManualClock, SharedClock, SystemClock};
use holdfast_registry::config::StoreLocation;
use holdfast_registry::log::NodeKeys;
use holdfast_registry::node::{Node, NodeParts};
use holdfast_registry::objects::{Host, Store};
use holdfast_registry::telemetry::{Fatal, Metrics};
use holdfast_verify::policy_template::{RegistryKeys, solo_policy};
use holdfast_verify::rule_book::RuleBook;

use crate::entries::Author;

const MEMORY_BYTES: u64 = 128 * 1024 * 1024;

/// Opens the data folder of a registry, making keys when there are none. The time is now for good.
pub(crate) async fn open(data: &Path) -> anyhow::Result<(Node, Timestamp)> {
    let now_ms = SystemClock.now_ms();
    let node = open_at(data, ManualClock::new(now_ms)).await?;
    let newest = node.log().head().time().unwrap_or(Timestamp::from_ms(0));
    Ok((node, newest.max(Timestamp::from_ms(now_ms))))
}

/// The same by another clock.
pub(crate) async fn open_at(data: &Path, clock: SharedClock) -> anyhow::Result<Node> {
    let keys_folder = data.join("keys");
    let keys = match NodeKeys::load(&keys_folder)? {
        Some(keys) => keys,
        None => NodeKeys::generate(&keys_folder, None)?,
    };
    let blocking = Blocking::new(NonZeroUsize::new(64).expect("64 is not zero"));
    let host = Host { blocking, clock: Arc::clone(&clock), fatal: Fatal::process() };
    let store = Store::open(&StoreLocation::Directory(data.join("objects")), host).await?;
    store.probe().await?;
    let parts = NodeParts {
        store,
        keys,
        keys_folder,
        index_path: data.join("index.sqlite"),
        clock,
        metrics: Arc::new(Metrics::new()),
        memory_bytes: MEMORY_BYTES,
        newest_rules: RuleBook::RELEASED,
        rates: holdfast_registry::config::RequestRates::UNLIMITED,
        sweep: holdfast_registry::config::SweepConfig::NEVER,
        scrub: holdfast_registry::config::ScrubConfig::NEVER,
        witnesses: Vec::new(),
        acknowledge_refused: None,
    };
    Ok(Node::start(parts).await?)
}

/// The first policy of a new log: one person with every role.
pub(crate) fn first_policy(node: &Node, author: &Author) -> anyhow::Result<Policy> {
    let [log, head, registry] = node.log().keys().public();
    let keys = RegistryKeys { log, head, registry };
    Ok(solo_policy(author.log.clone(), keys, author.key.public(), "owner".parse()?))
}

/// Gives a new log its first policy.
pub(crate) async fn admit(node: &Node, author: &Author) -> anyhow::Result<()> {
    let policy = first_policy(node, author)?;
    node.log().append(author.sign(policy)?).await.context("policy 1")?;
    Ok(())
}

//! Opening what every command works on: runtime, store, keys, node.

use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use holdfast_formats::origin::Origin;
use holdfast_registry::blocking::Blocking;
use holdfast_registry::clock::SystemClock;
use holdfast_registry::config::ServeConfig;
use holdfast_registry::folder_lock::{FolderLock, LockError};
use holdfast_registry::log::{KeysError, NodeKeys};
use holdfast_registry::node::{Node, NodeParts};
use holdfast_registry::objects::{Host, ObjectKey, OpenError, Store, make_root};
use holdfast_registry::telemetry::{Fatal, Metrics};
use holdfast_verify::rule_book::RuleBook;

/// The name of the index file in the data folder.
const INDEX_FILE: &str = "index.sqlite";

/// Runs a command on a runtime whose blocking threads are bounded.
pub(super) fn run(
    config: &ServeConfig,
    command: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    // A runtime has several ways to run a future: given the type of this one, it would be compiled for each of them.
    let command: Pin<&mut dyn Future<Output = anyhow::Result<()>>> = pin!(command);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Reads of a local store bring their own blocking calls; ours are bounded by `Blocking`.
        .max_blocking_threads(config.limits.blocking_max.get().saturating_mul(2))
        .build()
        .context("the runtime did not start")?
        .block_on(command)
}

/// Takes the data folder for this process: nobody else touches its index meanwhile.
pub(super) fn data(config: &ServeConfig) -> anyhow::Result<FolderLock> {
    let folder = &config.data;
    // The store lies in it most often: what is acknowledged there must not go with a folder that was never flushed.
    make_root(folder).map_err(|source| LockError::Unusable { folder: folder.clone(), source })?;
    Ok(FolderLock::acquire(folder)?)
}

/// Whether a registry runs on this data folder or this store already.
pub(super) fn is_in_use(error: &anyhow::Error) -> bool {
    let lock = match error.downcast_ref() {
        Some(OpenError::Lock(lock)) => Some(lock),
        _ => error.downcast_ref(),
    };
    matches!(lock, Some(LockError::Held { .. }))
}

/// Opens and probes the store.
pub(super) async fn store(config: &ServeConfig) -> anyhow::Result<Store> {
    let host = Host {
        blocking: Blocking::new(config.limits.blocking_max),
        clock: SystemClock::shared(),
        fatal: Fatal::process(),
    };
    let store = Store::open(&config.store, host).await?;
    store.probe().await?;
    Ok(store)
}

/// Reads the node's keys, or makes them when the store has no log yet.
pub(super) async fn keys(config: &ServeConfig, store: &Store) -> anyhow::Result<NodeKeys> {
    let wanted: Option<Origin> = config.origin.as_deref().map(str::parse).transpose()?;
    if let Some(keys) = NodeKeys::load(&config.keys)? {
        return match wanted {
            Some(wanted) if wanted != keys.origin => {
                Err(KeysError::OtherOrigin { folder: config.keys.clone(), found: keys.origin, wanted }.into())
            }
            _ => Ok(keys),
        };
    }
    if !store.is_local() {
        return Err(KeysError::Missing { folder: config.keys.clone() }.into());
    }
    if store.head(&ObjectKey::commit(0)).await?.is_some() {
        bail!(
            "the store has a log, but there are no keys in {}: give the folder of the log's keys with --keys",
            config.keys.display()
        );
    }
    Ok(NodeKeys::generate(&config.keys, wanted)?)
}

/// Starts a node on the configured store.
pub(super) async fn node(
    config: &ServeConfig,
    store: Store,
    metrics: &Arc<Metrics>,
    acknowledge_refused: Option<holdfast_formats::tree::LeafIndex>,
) -> anyhow::Result<Node> {
    let keys = keys(config, &store).await?;
    let parts = NodeParts {
        store,
        keys,
        keys_folder: config.keys.clone(),
        index_path: config.data.join(INDEX_FILE),
        clock: SystemClock::shared(),
        metrics: Arc::clone(metrics),
        memory_bytes: config.limits.memory_bytes,
        newest_rules: RuleBook::RELEASED,
        rates: config.limits.rates,
        sweep: config.sweep,
        scrub: config.scrub,
        witnesses: config.witnesses.clone(),
        acknowledge_refused,
    };
    Ok(Node::start(parts).await?)
}

/// Removes the index, so that the next start makes it anew.
pub(super) fn remove_index(data: &Path) -> anyhow::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let path = data.join(format!("{INDEX_FILE}{suffix}"));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

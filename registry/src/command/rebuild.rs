//! `rebuild`: makes the index anew from the store alone.

use std::sync::Arc;
use std::time::Instant;

use holdfast_registry::config::{ServeConfig, ServeFlags};
use holdfast_registry::telemetry::{Metrics, start_logging};

use super::{CommandFailure, opening, say};

pub(crate) fn run(flags: ServeFlags) -> Result<(), CommandFailure> {
    let config = ServeConfig::load(flags)?;
    start_logging(config.log_format, &config.log_level)?;
    Ok(opening::runtime(&config)?.block_on(rebuild(&config))?)
}

async fn rebuild(config: &ServeConfig) -> anyhow::Result<()> {
    // The store's lock is taken first: a running registry keeps its index.
    let store = opening::store(config).await?;
    opening::remove_index(&config.data)?;
    let started = Instant::now();
    let node = opening::node(config, store, &Arc::new(Metrics::new()), None).await?;
    let seconds = started.elapsed().as_secs_f64();
    let head = node.log().head();
    let entries = head.size().get();
    let rate = entries as f64 / seconds.max(0.001);
    say(&format!("rebuilt {entries} entries in {seconds:.2} s ({rate:.0}/s)"))?;
    say(&format!("origin  {}", node.log().keys().origin))?;
    say(&format!("root    {}", head.root()))?;
    node.stop().await;
    Ok(())
}

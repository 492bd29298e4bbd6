//! `rebuild`: makes the index anew from the store alone.

use std::sync::Arc;
use std::time::Instant;

use holdfast_registry::config::{ServeConfig, ServeFlags};
use holdfast_registry::telemetry::{Metrics, start_logging};

use super::{CommandFailure, opening, say};

pub(crate) fn run(flags: ServeFlags) -> Result<(), CommandFailure> {
    let mut config = ServeConfig::load(flags)?;
    config.serves_nobody();
    start_logging(config.log_format, &config.log_level)?;
    Ok(opening::run(&config, rebuild(&config))?)
}

async fn rebuild(config: &ServeConfig) -> anyhow::Result<()> {
    // A running registry keeps its index, wherever its store is.
    let _data = opening::data(config)?;
    let store = opening::store(config).await?;
    opening::remove_index(&config.data)?;
    let started = Instant::now();
    let node = opening::node(config, store, &Arc::new(Metrics::new()), None).await?;
    let took = started.elapsed();
    let head = node.log().head();
    let entries = head.size().get();
    let rate = u128::from(entries) * 1000 / took.as_millis().max(1);
    say(&format!("rebuilt {entries} entries in {:.2} s ({rate}/s)", took.as_secs_f64()))?;
    say(&format!("origin  {}", node.log().keys().origin))?;
    say(&format!("root    {}", head.root()))?;
    node.stop().await;
    Ok(())
}

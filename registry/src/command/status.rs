//! `status`: how the registry does, from its files or, when it runs, from itself.

use std::sync::Arc;

use anyhow::Context as _;
use holdfast_formats::wire::v1::RegistryInfo;
use holdfast_registry::config::{ServeConfig, ServeFlags};
use holdfast_registry::objects::OpenError;
use holdfast_registry::telemetry::{Metrics, start_logging};

use super::{CommandFailure, opening, say};

pub(crate) fn run(flags: ServeFlags) -> Result<(), CommandFailure> {
    let mut config = ServeConfig::load(flags)?;
    // Only a node that serves asks witnesses.
    config.witnesses.clear();
    start_logging(config.log_format, &config.log_level)?;
    Ok(opening::run(&config, status(&config))?)
}

async fn status(config: &ServeConfig) -> anyhow::Result<()> {
    let store = match opening::store(config).await {
        Ok(store) => store,
        Err(error) if matches!(error.downcast_ref(), Some(OpenError::Locked { .. })) => {
            return ask(config).await;
        }
        Err(error) => return Err(error),
    };
    let node = opening::node(config, store, &Arc::new(Metrics::new()), None).await?;
    let head = node.log().head();
    say("running  no")?;
    say(&format!("origin   {}", node.log().keys().origin))?;
    say(&format!("entries  {}", head.size()))?;
    say(&format!("root     {}", head.root()))?;
    say(&format!("halted   {}", head.halted().unwrap_or("no")))?;
    node.stop().await;
    Ok(())
}

/// Asks the running registry what everybody may know.
async fn ask(config: &ServeConfig) -> anyhow::Result<()> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let url = config.external_url.clone().unwrap_or_else(|| format!("{scheme}://{}", config.listen));
    let unreachable = || {
        format!("the store is in use, but no registry answers on {url}; give its --listen or --external-url")
    };
    let body = reqwest::get(format!("{url}/v1/registry")).await.with_context(unreachable)?.bytes().await?;
    let info: RegistryInfo = serde_json::from_slice(&body).with_context(unreachable)?;
    let ready = reqwest::get(format!("{url}/readyz")).await?.status().is_success();
    say("running  yes")?;
    say(&format!("origin   {}", info.origin))?;
    say(&format!("version  {}", info.version))?;
    say(&format!(
        "policy   {}",
        info.policy.map_or_else(|| "none, it waits for its first login".to_owned(), |n| n.to_string())
    ))?;
    say(&format!("ready    {}", if ready { "yes" } else { "no" }))?;
    Ok(())
}

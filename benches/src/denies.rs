//! How long a small, urgent statement takes while others push: one deny after another, each with its own digest.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use holdfast_client::{Draft, OpenOptions, Places, Registry};
use holdfast_formats::name::ArtifactName;

use crate::entries::deny;
use crate::latency::Latencies;

/// The arguments of `deny`.
#[derive(Args)]
pub(crate) struct DenyArguments {
    /// The folder that `holdfast login` made
    #[arg(long)]
    home: PathBuf,
    /// The name that answers for the denies
    #[arg(long)]
    name: ArtifactName,
    /// End when this file exists
    #[arg(long)]
    until: PathBuf,
    /// How long to wait between two
    #[arg(long, default_value_t = 20)]
    pause_ms: u64,
}

pub(crate) async fn run(arguments: DenyArguments) -> anyhow::Result<()> {
    let registry = Registry::open(&Places::under(&arguments.home), OpenOptions::new())?;
    registry.submit(Draft::new(deny(&arguments.name, "the first one learns the policy")?)).await?;
    let started = Instant::now();
    let mut all = Vec::new();
    while !arguments.until.exists() {
        let draft = Draft::new(deny(&arguments.name, &all.len().to_string())?);
        let before = Instant::now();
        registry.submit(draft).await?;
        all.push(before.elapsed());
        tokio::time::sleep(Duration::from_millis(arguments.pause_ms)).await;
    }
    Ok(Latencies::of(all).report(started.elapsed())?)
}

//! What the disk can do: the floor under everything that is durable.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use crate::latency::Latencies;

/// The arguments of `fsync`.
#[derive(Args)]
pub(crate) struct FsyncArguments {
    /// A folder on the disk to be measured
    #[arg(long)]
    folder: PathBuf,
    /// How long to measure
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

pub(crate) fn run(arguments: &FsyncArguments) -> anyhow::Result<()> {
    let path = arguments.folder.join("fsync.tmp");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    let block = [0x5a; 4096];
    let (started, until) = (Instant::now(), Duration::from_secs_f64(arguments.seconds));
    let mut all = Vec::new();
    while started.elapsed() < until {
        let before = Instant::now();
        file.write_all(&block)?;
        file.sync_all()?;
        all.push(before.elapsed());
    }
    let took = started.elapsed();
    std::fs::remove_file(&path)?;
    Ok(Latencies::of(all).report(took)?)
}

//! How many entries a second the log takes, durable, without HTTP: judged, frozen, fsynced, kept in the index.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use clap::Args;
use holdfast_formats::key::SigningKey;
use holdfast_formats::name::ArtifactName;
use holdfast_registry::log::{Log, Prepared};

use crate::entries::Author;
use crate::latency::Latencies;
use crate::node::{admit, open};

/// The arguments of `append`.
#[derive(Args)]
pub(crate) struct AppendArguments {
    /// An empty folder on the disk to be measured
    #[arg(long)]
    data: PathBuf,
    /// How many entries
    #[arg(long, default_value_t = 50_000)]
    entries: u64,
    /// How many wait for the log at a time
    #[arg(long, default_value_t = 1024)]
    concurrency: usize,
}

pub(crate) async fn run(arguments: AppendArguments) -> anyhow::Result<()> {
    let (node, now) = open(&arguments.data).await?;
    let author = Author { log: node.log().keys().origin.clone(), key: SigningKey::from_seed([7; 32]), now };
    admit(&node, &author).await?;
    let name: ArtifactName = "bench/tiny".parse()?;
    let prepared =
        (1..=arguments.entries).map(|n| author.publish(&name, n)).collect::<anyhow::Result<Vec<_>>>()?;
    let queue = Arc::new(Mutex::new(prepared));
    let started = Instant::now();
    let workers: Vec<_> = (0..arguments.concurrency)
        .map(|_| tokio::spawn(append_all(node.log().clone(), Arc::clone(&queue))))
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await??);
    }
    let took = started.elapsed();
    node.stop().await;
    Ok(Latencies::of(all).report(took)?)
}

async fn append_all(log: Log, queue: Arc<Mutex<Vec<Prepared>>>) -> anyhow::Result<Vec<std::time::Duration>> {
    let mut latencies = Vec::new();
    while let Some(prepared) = next(&queue) {
        let before = Instant::now();
        log.append(prepared).await?;
        latencies.push(before.elapsed());
    }
    Ok(latencies)
}

fn next(queue: &Mutex<Vec<Prepared>>) -> Option<Prepared> {
    queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop()
}

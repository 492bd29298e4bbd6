//! Tiny signed artifacts over the client library: uploaded, published, and each receipt verified.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use futures::future::try_join_all;
use holdfast_client::{About, OpenOptions, Places, PushRequest, Registry};
use holdfast_formats::manifest::{Body, Kind};
use tokio::runtime::Handle;

use crate::latency::Latencies;

/// The arguments of `fill`.
#[derive(Args)]
pub(crate) struct FillArguments {
    /// The folder that `holdfast login` made
    #[arg(long)]
    home: PathBuf,
    /// The artifacts' name; their versions are counted from 1
    #[arg(long)]
    name: String,
    /// How many to push
    #[arg(long)]
    entries: u64,
    /// How many at a time
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
}

pub(crate) fn run(arguments: FillArguments) -> anyhow::Result<()> {
    let registry = Registry::open(&Places::under(&arguments.home), OpenOptions::new())?;
    let sources = sources()?;
    for n in 1..=arguments.entries {
        std::fs::write(source(sources.path(), n), format!("{}@{n}", arguments.name))?;
    }
    let job = Job {
        registry,
        name: arguments.name,
        folder: sources.path().to_owned(),
        entries: arguments.entries,
        next: AtomicU64::new(1),
    };
    let threads = std::thread::available_parallelism()?.get().min(arguments.concurrency);
    let here = Handle::current();
    let started = Instant::now();
    let all = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let start = |workers: usize| {
                let (here, job) = (&here, &job);
                scope.spawn(move || here.block_on(work_side_by_side(job, workers)))
            };
            let threads: Vec<_> =
                (0..threads).map(|n| start(share(arguments.concurrency, threads, n))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("a worker never panics"))
                .collect::<Vec<_>>()
        })
    });
    let all = all.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat();
    Ok(Latencies::of(all).report(started.elapsed())?)
}

/// In memory where there is such a folder: making and removing them must not keep the registry's disk busy.
fn sources() -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

struct Job {
    registry: Registry,
    name: String,
    folder: PathBuf,
    entries: u64,
    next: AtomicU64,
}

/// How many of `all` the n-th of several threads takes on.
fn share(all: usize, threads: usize, n: usize) -> usize {
    all / threads + usize::from(n < all % threads)
}

async fn work_side_by_side(job: &Job, workers: usize) -> anyhow::Result<Vec<Duration>> {
    Ok(try_join_all((0..workers).map(|_| work(job))).await?.concat())
}

async fn work(job: &Job) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    loop {
        let n = job.next.fetch_add(1, Ordering::Relaxed);
        if n > job.entries {
            return Ok(latencies);
        }
        let request = PushRequest {
            artifact: format!("{}@{n}", job.name).parse()?,
            source: source(&job.folder, n),
            body: Body::None(Kind::Build),
            about: About::nothing(),
        };
        let before = Instant::now();
        job.registry.push(&request).await?;
        latencies.push(before.elapsed());
    }
}

fn source(folder: &Path, n: u64) -> PathBuf {
    folder.join(n.to_string())
}

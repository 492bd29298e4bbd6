//! What others notice: lookups and small pushes at a steady pace, far below what the registry could take, until told to stop.
//!
//! Each connection has moments at which it asks. When its answer before came late, the wait counts from the moment, so that
//! a registry that stands still makes many late answers and not one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use futures::future::try_join_all;
use holdfast_client::{About, OpenOptions, Places, PushRequest, Registry};
use holdfast_formats::manifest::{Body, Kind};
use tokio::task::JoinHandle;

use crate::latency::Latencies;
use crate::load::Connection;

/// The arguments of `steady`.
#[derive(Args)]
pub(crate) struct SteadyArguments {
    /// Where the server listens
    #[arg(long)]
    port: u16,
    /// What to look up
    #[arg(long)]
    path: String,
    /// The folder with key and trust; the token is taken from `HOLDFAST_TOKEN`
    #[arg(long)]
    home: PathBuf,
    /// The pushed artifacts' name
    #[arg(long)]
    name: String,
    /// Lookups a second
    #[arg(long, default_value_t = 200)]
    lookups_per_s: u32,
    /// Pushes a second
    #[arg(long, default_value_t = 20)]
    pushes_per_s: u32,
    /// How long, unless a file says so
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Go on until this file exists
    #[arg(long)]
    until: Option<PathBuf>,
}

/// How many ask at a time, of each kind.
const CONNECTIONS: u32 = 8;

pub(crate) async fn run(arguments: SteadyArguments) -> anyhow::Result<()> {
    let token = std::env::var("HOLDFAST_TOKEN")?;
    let (port, url) = (arguments.port, format!("http://127.0.0.1:{}", arguments.port));
    let options = OpenOptions { url: Some(url), token: Some(token.trim().parse()?), ..OpenOptions::new() };
    let registry = Registry::open(&Places::under(&arguments.home), options)?;
    let sources = Arc::new(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?);
    let header = format!("Authorization: Bearer {}\r\n", token.trim());
    let started = Instant::now();
    let end = End { at: started + Duration::from_secs_f64(arguments.seconds), file: arguments.until };
    let mut lookups: Vec<JoinHandle<anyhow::Result<Vec<Duration>>>> = Vec::new();
    let mut pushes = Vec::new();
    for n in 0..CONNECTIONS {
        let pace = Pace::of(arguments.lookups_per_s, n, started, end.clone());
        lookups.push(tokio::spawn(look_up(Connection::open(port, &arguments.path, &header).await?, pace)));
        let pace = Pace::of(arguments.pushes_per_s, n, started, end.clone());
        let who = Pusher { registry: registry.clone(), name: arguments.name.clone(), n };
        pushes.push(tokio::spawn(push(who, Arc::clone(&sources), pace)));
    }
    for (name, all) in [("lookup_", lookups), ("push_", pushes)] {
        let all = try_join_all(all).await?.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat();
        Latencies::of(all).report_as(name, started.elapsed())?;
    }
    Ok(())
}

async fn look_up(mut connection: Connection, mut pace: Pace) -> anyhow::Result<Vec<Duration>> {
    let mut all = Vec::new();
    while let Some(due) = pace.next().await {
        connection.ask().await?;
        all.push(due.elapsed());
    }
    Ok(all)
}

struct Pusher {
    registry: Registry,
    name: String,
    n: u32,
}

async fn push(
    pusher: Pusher,
    sources: Arc<tempfile::TempDir>,
    mut pace: Pace,
) -> anyhow::Result<Vec<Duration>> {
    let mut all = Vec::new();
    let run = std::process::id();
    while let Some(due) = pace.next().await {
        let artifact = format!("{}@{run}-{}-{}", pusher.name, pusher.n, all.len());
        let request = PushRequest {
            source: source(sources.path(), pusher.n, &artifact)?,
            artifact: artifact.parse()?,
            body: Body::None(Kind::Config),
            about: About::nothing(),
        };
        pusher.registry.push(&request).await?;
        all.push(due.elapsed());
    }
    Ok(all)
}

fn source(folder: &Path, n: u32, content: &str) -> std::io::Result<PathBuf> {
    let path = folder.join(n.to_string());
    std::fs::write(&path, content)?;
    Ok(path)
}

/// When it is over.
#[derive(Clone)]
struct End {
    at: Instant,
    file: Option<PathBuf>,
}

impl End {
    fn is_now(&self) -> bool {
        self.file.as_ref().map_or_else(|| Instant::now() >= self.at, |file| file.exists())
    }
}

/// The moments at which one of several asks.
struct Pace {
    next: Instant,
    every: Duration,
    end: End,
}

impl Pace {
    fn of(per_s: u32, n: u32, started: Instant, end: End) -> Self {
        let every = Duration::from_secs(u64::from(CONNECTIONS)) / per_s.max(1);
        Self { next: started + every * n / CONNECTIONS, every, end }
    }

    /// Waits for the next moment; gives when the wait for an answer began. A timer that fires late is nobody's fault.
    async fn next(&mut self) -> Option<Instant> {
        if self.end.is_now() {
            return None;
        }
        let due = self.next;
        self.next += self.every;
        if Instant::now() >= due {
            return Some(due);
        }
        tokio::time::sleep_until(due.into()).await;
        Some(Instant::now())
    }
}

//! T33: crowds that ask for nothing. They are closed by deadline, and healthy clients are served meanwhile.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use futures::StreamExt as _;
use futures::future::try_join_all;
use futures::stream::FuturesUnordered;
use holdfast_tests::Folder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::raw::{World, connect, p99, read_to_close};
use super::scale::{Scale, measured, memory_mib};

/// What the head deadline of the binary is, and as much again for a machine that is busy.
const CLOSED_WITHIN: Duration = Duration::from_secs(20);

/// Ways to keep a connection open without asking for anything.
#[derive(Debug, Clone, Copy)]
enum Way {
    Silent,
    HalfHead,
    HeadWithoutEnd,
    Preface,
    PrefaceAndSettings,
    /// The client will never send more, and says so.
    HalfClosed,
    /// A byte of a head now and then.
    Drip,
}

const WAYS: [Way; 7] = [
    Way::Silent,
    Way::HalfHead,
    Way::HeadWithoutEnd,
    Way::Preface,
    Way::PrefaceAndSettings,
    Way::HalfClosed,
    Way::Drip,
];

impl Way {
    const fn start(self) -> &'static [u8] {
        match self {
            Self::Silent => b"",
            Self::HalfHead | Self::HalfClosed => b"GET /v1/regis",
            Self::HeadWithoutEnd | Self::Drip => b"GET /v1/registry HTTP/1.1\r\nhost: x\r\nx-a: ",
            Self::Preface => b"PRI",
            Self::PrefaceAndSettings => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        }
    }

    /// Keeps one connection until the server closes it, and says how long that took.
    async fn keep(self, address: SocketAddr) -> Result<Duration> {
        let mut stream = connect(address, self.start()).await?;
        let opened = Instant::now();
        match self {
            Self::Drip => {
                while stream.write_all(b"a").await.is_ok() && opened.elapsed() < CLOSED_WITHIN {
                    sleep(Duration::from_millis(500)).await;
                }
            }
            Self::HalfClosed => drop(stream.shutdown().await),
            Self::Silent
            | Self::HalfHead
            | Self::HeadWithoutEnd
            | Self::Preface
            | Self::PrefaceAndSettings => {}
        }
        read_to_close(&mut stream, CLOSED_WITHIN).await?;
        Ok(opened.elapsed())
    }
}

/// So many connections in all ways at once; a few opened at a time, as fast as the server takes them.
async fn crowd(address: SocketAddr, connections: usize) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    let mut all: FuturesUnordered<_> =
        WAYS.into_iter().cycle().take(connections).map(|way| way.keep(address)).collect();
    while let Some(kept) = all.next().await {
        longest = longest.max(kept?);
    }
    Ok(longest)
}

/// Asks one healthy request after the other until told to end.
async fn ask_until(
    world: &World,
    end: impl Future<Output = Result<Duration>>,
) -> Result<(Duration, Vec<Duration>)> {
    let mut end = std::pin::pin!(end);
    let mut took = Vec::new();
    loop {
        tokio::select! {
            ended = end.as_mut() => return Ok((ended?, took)),
            healthy = world.healthy() => took.push(healthy?),
        }
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t33_silent_half_open_and_dripping_connections_are_closed_by_deadline_and_the_healthy_are_served()
-> Result<()> {
    let scale = Scale::of_this_run();
    let world = World::start(&[]).await?;
    let address = world.server.address();
    let (longest, took) = ask_until(&world, crowd(address, scale.connections)).await?;
    let (asked, p99) = (took.len(), p99(took)?);
    let (_, peak) = memory_mib(world.server.process())?;
    measured(&format!(
        "{} connections that ask for nothing: the last closed after {longest:.1?}; {asked} healthy requests, p99 {p99:.1?}; memory peak {peak} MiB",
        scale.connections
    ))?;
    assert!(longest < CLOSED_WITHIN, "{longest:?}");
    assert!(asked > 20, "healthy clients were served meanwhile: {asked}");
    assert!(scale.p99.is_none_or(|limit| p99 <= limit), "{p99:?}");
    assert!(world.counter("holdfast_http_connections_expired_total ").await? > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t33_more_silent_connections_than_places_lock_nobody_out() -> Result<()> {
    let world = World::start(&["--connections-max", "64"]).await?;
    let address = world.server.address();
    let token = world.authorization()?;
    let upload = format!("POST /v1/submissions HTTP/1.1\r\nhost: x\r\n{token}content-length: 20\r\n\r\n");
    let mut upload = connect(address, upload).await?;
    let mut idle = Vec::new();
    for _ in 0..40 {
        idle.push(connect(address, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await?);
    }
    sleep(Duration::from_millis(1_100)).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(address).await?);
    }
    let mut took = Vec::new();
    for _ in 0..20 {
        took.push(world.healthy().await?);
        silent.push(TcpStream::connect(address).await?);
    }
    let folder = Folder::with("app", "1.0.0")?;
    world.ana.push("shop/web@1.0.0", &folder).await?;
    upload.write_all(b"{\"statements\":[]    ").await?;
    let mut answer = [0; 12];
    upload.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"HTTP/1.1 400", "who was in the middle of a request has kept the place");
    assert!(world.counter("holdfast_http_connections_refused_total ").await? >= 140);
    Ok(())
}

/// Asks on one connection that stays open until the time is over.
async fn ask_again_and_again(world: &World, until: Instant) -> Result<Vec<Duration>> {
    let mut stream = connect(world.server.address(), "").await?;
    let mut took = Vec::new();
    while Instant::now() < until {
        let asked = Instant::now();
        stream.write_all(b"GET /v1/registry HTTP/1.1\r\nhost: x\r\n\r\n").await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            anyhow::ensure!(stream.read_buf(&mut answer).await? > 0, "the server closed");
        }
        anyhow::ensure!(answer.starts_with(b"HTTP/1.1 200 "), "{:?}", String::from_utf8_lossy(&answer));
        took.push(asked.elapsed());
    }
    Ok(took)
}

#[tokio::test(flavor = "multi_thread")]
async fn t33_sustained_load_is_answered_without_a_failure_while_a_crowd_keeps_silent() -> Result<()> {
    let scale = Scale::of_this_run();
    let world = World::start(&[]).await?;
    let mut silent = Vec::new();
    for _ in 0..scale.connections / 2 {
        silent.push(TcpStream::connect(world.server.address()).await?);
    }
    let (until, begun) = (Instant::now() + scale.load, Instant::now());
    let took = try_join_all((0..32).map(|_| ask_again_and_again(&world, until))).await?.concat();
    let (asked, lasted, p99) = (took.len(), begun.elapsed(), p99(took)?);
    measured(&format!(
        "32 clients beside {} silent connections: {asked} requests in {lasted:.1?}, p99 {p99:.1?}",
        silent.len()
    ))?;
    assert!(asked > 100, "{asked}");
    assert!(scale.p99.is_none_or(|limit| p99 <= limit), "{p99:?}");
    Ok(())
}

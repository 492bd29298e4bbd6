//! Connections that send any bytes, and a registry of their own to send them to.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use holdfast_tests::{Person, Server, TestClock};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// A server process and somebody who is logged in.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) data: TempDir,
    pub(crate) ana: Person,
}

impl World {
    /// With more arguments for the server.
    pub(crate) async fn start(more: &[&str]) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let server = Server::start_on(data.path(), SocketAddr::from(([127, 0, 0, 1], 0)), more)?;
        let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
        Ok(Self { server, data, ana })
    }

    /// The header line that authorises.
    pub(crate) fn authorization(&self) -> Result<String> {
        Ok(format!("authorization: Bearer {}\r\n", self.ana.token()?.expose()))
    }

    /// A healthy request on a connection of its own, and how long it took.
    pub(crate) async fn healthy(&self) -> Result<Duration> {
        let begun = Instant::now();
        let answer = exchange(
            self.server.address(),
            "GET /v1/registry HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        );
        let answer = answer.await?;
        anyhow::ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        Ok(begun.elapsed())
    }

    /// The sum of a counter that `/metrics` shows.
    pub(crate) async fn counter(&self, name: &str) -> Result<u64> {
        let page = self.ana.http()?.get("/metrics").await?.text().await?;
        let line = page.lines().find_map(|line| line.strip_prefix(name)).context("the counter is there")?;
        Ok(line.trim().parse()?)
    }
}

/// A connection on which `bytes` were sent.
pub(crate) async fn connect(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes.as_ref()).await?;
    Ok(stream)
}

/// Everything until the server closes, which it must do in time.
pub(crate) async fn read_to_close(stream: &mut TcpStream, within: Duration) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let ended = timeout(within, stream.read_to_end(&mut bytes)).await;
    drop(ended.with_context(|| format!("open after {within:?}: {:?}", String::from_utf8_lossy(&bytes)))?);
    Ok(bytes)
}

/// What a server answers until it closes.
pub(crate) async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Result<String> {
    let mut stream = connect(address, request).await?;
    let bytes = read_to_close(&mut stream, Duration::from_secs(15)).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The duration that 99 of 100 stayed within.
pub(crate) fn p99(mut all: Vec<Duration>) -> Result<Duration> {
    all.sort_unstable();
    let place = (all.len() * 99).div_ceil(100).saturating_sub(1);
    all.get(place).copied().context("something was measured")
}

//! A load generator that is cheaper than what it measures: one prepared request, connections that stay open, and no
//! parsing of an answer beyond its status and length.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::latency::Latencies;
use crate::report::figure;

/// Numbers far apart, so that neighbours do not lie in one tile.
const SPREAD: usize = 7_919;
/// Prepared at most.
const REQUESTS_MAX: usize = 1_000;

/// The arguments of `load`.
#[derive(Args)]
pub(crate) struct LoadArguments {
    /// Where the server listens
    #[arg(long)]
    port: u16,
    /// What to ask for; `{}` in it stands for a number that changes from request to request
    #[arg(long)]
    path: String,
    /// The numbers are below this one
    #[arg(long, default_value_t = 1)]
    numbers: usize,
    /// A file with one header line to send along, such as the token's
    #[arg(long)]
    header_file: Option<PathBuf>,
    /// How many connections
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// How long
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
}

pub(crate) async fn run(arguments: LoadArguments) -> anyhow::Result<()> {
    let header = match &arguments.header_file {
        Some(file) => std::fs::read_to_string(file)?.trim_end().to_owned() + "\r\n",
        None => String::new(),
    };
    let request = |n: usize| {
        let path = arguments.path.replace("{}", &(n * SPREAD % arguments.numbers).to_string());
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n")
    };
    let requests: Arc<[String]> = (0..arguments.numbers.clamp(1, REQUESTS_MAX)).map(request).collect();
    let until = Duration::from_secs_f64(arguments.seconds);
    let started = Instant::now();
    let workers: Vec<_> = (0..arguments.connections)
        .map(|_| tokio::spawn(ask_again_and_again(arguments.port, Arc::clone(&requests), started, until)))
        .collect();
    let mut all = Vec::new();
    let mut bytes = 0;
    for worker in workers {
        let (latencies, size) = worker.await??;
        all.extend(latencies);
        bytes = size;
    }
    figure("bytes", bytes)?;
    Ok(Latencies::of(all).report(started.elapsed())?)
}

async fn ask_again_and_again(
    port: u16,
    requests: Arc<[String]>,
    started: Instant,
    until: Duration,
) -> anyhow::Result<(Vec<Duration>, usize)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 * 1024);
    let (mut latencies, mut bytes) = (Vec::with_capacity(1 << 16), 0);
    for request in requests.iter().cycle().take_while(|_| started.elapsed() < until) {
        let before = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        bytes = read_answer(&mut stream, &mut buffer).await?;
        latencies.push(before.elapsed());
    }
    Ok((latencies, bytes))
}

/// Reads one answer to its end and gives the size of its body.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<usize> {
    buffer.clear();
    let mut expected = None;
    loop {
        ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
        if expected.is_none() {
            expected = head_and_body(buffer)?;
        }
        match expected {
            Some((head, body)) if buffer.len() >= head + body => return Ok(body),
            _ => {}
        }
    }
}

/// The sizes of head and body, once the head is there.
fn head_and_body(answer: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let (head, _) = answer.split_at(end);
    let head = std::str::from_utf8(head)?;
    if !head.starts_with("HTTP/1.1 200 ") {
        bail!("the server answered {:?}", String::from_utf8_lossy(answer));
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Ok(Some((end + 4, length.context("the answer has no content-length")?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() -> anyhow::Result<()> {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(head_and_body(answer)?, Some((38, 3)));
        assert_eq!(head_and_body(&answer[..30])?, None);
        assert!(head_and_body(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc").is_err());
        Ok(())
    }
}

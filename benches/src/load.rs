//! A load generator that is cheaper than what it measures: one prepared request, connections that stay open, and no
//! parsing of an answer beyond its status and length.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::latency::Latencies;
use crate::report::figure;

/// The arguments of `load`.
#[derive(Args)]
pub(crate) struct LoadArguments {
    /// Where the server listens
    #[arg(long)]
    port: u16,
    /// What to ask for; `{}` in it stands for a number that is drawn anew for every request
    #[arg(long)]
    path: String,
    /// The numbers are below this one
    #[arg(long, default_value_t = 1)]
    numbers: u64,
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
    let request = request(&arguments.path, &header);
    let until = Duration::from_secs_f64(arguments.seconds);
    let started = Instant::now();
    let questions = |connection| Questions::new(&request, arguments.numbers, connection);
    let workers: Vec<_> = (1..=arguments.connections)
        .map(|n| tokio::spawn(ask_again_and_again(arguments.port, questions(n), started, until)))
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

/// What one connection asks, one after another.
struct Questions {
    before: String,
    /// What follows the number, where there is one.
    behind: Option<String>,
    numbers: u64,
    drawn: u64,
    request: String,
}

impl Questions {
    fn new(request: &str, numbers: u64, connection: usize) -> Self {
        let (before, behind) = match request.split_once("{}") {
            Some((before, behind)) => (before.to_owned(), Some(behind.to_owned())),
            None => (request.to_owned(), None),
        };
        let request = if behind.is_none() { before.clone() } else { String::new() };
        Self { before, behind, numbers: numbers.max(1), drawn: connection as u64, request }
    }

    fn next(&mut self) -> &[u8] {
        if let Some(behind) = &self.behind {
            // A linear congruential generator: its high bits are random enough, and the same in every run.
            self.drawn =
                self.drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = (self.drawn >> 33) % self.numbers;
            self.request.clear();
            // A string takes whatever is written to it.
            let _ = write!(self.request, "{}{number}{behind}", self.before);
        }
        self.request.as_bytes()
    }
}

async fn ask_again_and_again(
    port: u16,
    mut questions: Questions,
    started: Instant,
    until: Duration,
) -> anyhow::Result<(Vec<Duration>, usize)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 * 1024);
    let (mut latencies, mut bytes) = (Vec::with_capacity(1 << 16), 0);
    while started.elapsed() < until {
        let before = Instant::now();
        stream.write_all(questions.next()).await?;
        bytes = read_answer(&mut stream, &mut buffer).await?;
        latencies.push(before.elapsed());
    }
    Ok((latencies, bytes))
}

/// One connection that asks one question again and again.
pub(crate) struct Connection {
    stream: TcpStream,
    request: String,
    buffer: Vec<u8>,
}

impl Connection {
    /// `header` is whole lines.
    pub(crate) async fn open(port: u16, path: &str, header: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: request(path, header), buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Asks once, and reads the answer to its end.
    pub(crate) async fn ask(&mut self) -> anyhow::Result<usize> {
        self.stream.write_all(self.request.as_bytes()).await?;
        read_answer(&mut self.stream, &mut self.buffer).await
    }
}

fn request(path: &str, header: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n")
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
    fn every_question_has_a_number_of_its_own() {
        let mut questions = Questions::new("GET /{} HTTP/1.1", 100_000, 1);
        let asked: std::collections::HashSet<Vec<u8>> =
            (0..1_000).map(|_| questions.next().to_vec()).collect();
        assert!(
            asked.len() > 950 && asked.iter().all(|asked| asked.ends_with(b" HTTP/1.1")),
            "{}",
            asked.len()
        );
        let mut plain = Questions::new("GET / HTTP/1.1", 1, 1);
        assert_eq!(
            (plain.next().to_vec(), plain.next()),
            (b"GET / HTTP/1.1".to_vec(), &b"GET / HTTP/1.1"[..])
        );
    }

    #[test]
    fn an_answer_ends_where_its_length_says() -> anyhow::Result<()> {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(head_and_body(answer)?, Some((38, 3)));
        assert_eq!(head_and_body(&answer[..30])?, None);
        assert!(head_and_body(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc").is_err());
        Ok(())
    }
}

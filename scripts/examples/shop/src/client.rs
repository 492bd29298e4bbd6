//! The shop's own HTTP client, so that a smoke test needs no other program.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::orders::NewOrder;

const DEADLINE: Duration = Duration::from_secs(5);

/// An answer of the shop.
pub(crate) struct Answer {
    pub(crate) ok: bool,
    pub(crate) body: String,
}

/// Asks whether the shop at `http://host:port` is healthy.
pub(crate) fn check(url: &str) -> Result<Answer> {
    exchange(url, "GET /health", "")
}

/// Places an order.
pub(crate) fn order(url: &str, order: &NewOrder) -> Result<Answer> {
    exchange(url, "POST /orders", &serde_json::to_string(order)?)
}

/// Lists all orders.
pub(crate) fn orders(url: &str) -> Result<Answer> {
    exchange(url, "GET /orders", "")
}

fn exchange(url: &str, request: &str, body: &str) -> Result<Answer> {
    let host =
        url.strip_prefix("http://").context("the address must begin with http://")?.trim_end_matches('/');
    let mut stream = TcpStream::connect(host).with_context(|| format!("nobody answers at {url}"))?;
    stream.set_read_timeout(Some(DEADLINE))?;
    write!(stream, "{request} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
    let mut text = String::new();
    stream.read_to_string(&mut text).with_context(|| format!("{url} broke off"))?;
    let (head, body) = text.split_once("\r\n\r\n").context("the answer has no end of headers")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    ensure!(status.len() == 3, "the answer has no status");
    Ok(Answer { ok: status.starts_with('2'), body: body.to_owned() })
}

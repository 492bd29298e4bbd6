//! The service: `GET /health`, `GET /orders`, `POST /orders`. One request at a time over HTTP/1.1, each with a deadline.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Release;
use crate::orders::{NewOrder, Orders};
use crate::settings::{Config, Flags};

const HEAD_BYTES_MAX: u64 = 8 * 1024;
const BODY_BYTES_MAX: u64 = 64 * 1024;
const DEADLINE: Duration = Duration::from_secs(5);

/// A running shop.
pub(crate) struct Shop {
    pub(crate) release: Release,
    pub(crate) orders: Orders,
    pub(crate) config: Config,
    pub(crate) flags: Flags,
}

struct Request {
    line: String,
    body: Vec<u8>,
}

struct Response {
    status: &'static str,
    body: Value,
}

/// Serves until the process ends. A connection that breaks harms nobody else.
pub(crate) fn serve(shop: &Shop, listen: &str) -> Result<()> {
    let listener =
        TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}: is it taken?"))?;
    writeln!(std::io::stdout(), "shop {} on http://{}", shop.release.version, listener.local_addr()?)?;
    for stream in listener.incoming() {
        if let Err(error) = stream.map_err(Into::into).and_then(|stream| converse(shop, &stream)) {
            writeln!(std::io::stderr(), "shop: {error:#}")?;
        }
    }
    Ok(())
}

fn converse(shop: &Shop, mut stream: &TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    let response = match receive(stream) {
        Ok(request) => shop.answer(&request),
        Err(error) => Response::refusal("400 Bad Request", &error),
    };
    let body = response.body.to_string();
    write!(
        stream,
        "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        response.status,
        body.len()
    )?;
    Ok(stream.flush()?)
}

fn receive(stream: &TcpStream) -> Result<Request> {
    let mut reader = BufReader::new(stream.take(HEAD_BYTES_MAX));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        ensure!(
            reader.read_line(&mut header)? > 0,
            "the request has no end of headers within {HEAD_BYTES_MAX} bytes"
        );
        match header.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse()?;
            }
            Some(_) => {}
            None => break,
        }
    }
    ensure!(length <= BODY_BYTES_MAX, "a body may have {BODY_BYTES_MAX} bytes");
    reader.get_mut().set_limit(length);
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    Ok(Request { line: line.trim_end().to_owned(), body })
}

impl Shop {
    fn answer(&self, request: &Request) -> Response {
        let mut words = request.line.split(' ');
        let answer = match (words.next().unwrap_or_default(), words.next().unwrap_or_default()) {
            ("GET", "/health") => self.health(),
            ("GET", "/orders") => self.list(),
            ("POST", "/orders") => self.order(&request.body),
            _ => Ok(Response { status: "404 Not Found", body: json!({"error": "try /health or /orders"}) }),
        };
        answer.unwrap_or_else(|error| Response::refusal("422 Unprocessable Content", &error))
    }

    /// Healthy means: every stored total is what the order says. It re-calculates all of them.
    fn health(&self) -> Result<Response> {
        let orders = self.orders.all()?;
        let version = self.release.version;
        Ok(match orders.iter().find_map(crate::orders::Order::defect) {
            Some(reason) => Response {
                status: "500 Internal Server Error",
                body: json!({"status": "failing", "version": version, "reason": reason}),
            },
            None => Response {
                status: "200 OK",
                body: json!({"status": "ok", "version": version, "orders": orders.len(), "schema": self.release.schema}),
            },
        })
    }

    fn list(&self) -> Result<Response> {
        let orders = self.orders.all()?;
        Ok(Response { status: "200 OK", body: json!({"currency": self.config.currency, "orders": orders}) })
    }

    fn order(&self, body: &[u8]) -> Result<Response> {
        ensure!(self.flags.accept_orders, "the shop is closed (flag accept_orders)");
        let order: NewOrder =
            serde_json::from_slice(body).context("an order has customer, quantity, unit_price_cents")?;
        let most = self.config.quantity_max;
        ensure!((1..=most).contains(&order.quantity), "the quantity must be 1 to {most}");
        ensure!(order.unit_price_cents >= 0, "the price must not be negative");
        let id = self.orders.add(&order)?;
        Ok(Response { status: "201 Created", body: json!({"id": id}) })
    }
}

impl Response {
    fn refusal(status: &'static str, error: &anyhow::Error) -> Self {
        Self { status, body: json!({"error": format!("{error:#}")}) }
    }
}

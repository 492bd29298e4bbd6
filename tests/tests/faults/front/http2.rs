//! T34: HTTP/2 used against the server: resets, endless headers, pings, settings, windows that never open.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::{join_all, try_join_all};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::raw::{World, connect, p99};
use super::scale::{Scale, measured, memory_mib};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PEAK_MIB: u64 = 400;

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET path`, without any indexing, so that every connection can send the same bytes.
fn head(path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap_or(u8::MAX);
    [[0x82, 0x86, 0x04, length].as_slice(), path.as_bytes(), &[0x01, 1, b'x']].concat()
}

fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &head(path))
}

/// The odd number of the nth stream of a client.
fn stream_id(n: u32) -> u32 {
    2 * n + 1
}

/// What one connection sends without end, a round at a time.
type Flood = fn(u32) -> Vec<u8>;

fn rapid_resets(n: u32) -> Vec<u8> {
    let stream = stream_id(n);
    [get(stream, "/v1/registry"), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
}

/// The client never resets anything itself: it makes the server do so, by a window update of nothing.
fn resets_by_the_server(n: u32) -> Vec<u8> {
    let stream = stream_id(n);
    [frame(HEADERS, END_HEADERS, stream, &head("/v1/registry")), frame(WINDOW_UPDATE, 0, stream, &[0; 4])]
        .concat()
}

fn endless_headers(n: u32) -> Vec<u8> {
    let kind = if n == 0 { HEADERS } else { CONTINUATION };
    frame(kind, 0, 1, &[[0x00, 1, b'x', 100].as_slice(), &[b'a'; 100]].concat().repeat(10))
}

/// Headers that say little and mean much: one large value, put into the table once and named a thousand times.
fn packed_headers(n: u32) -> Vec<u8> {
    let mut block = head("/v1/registry");
    block.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
    block.extend([b'a'; 4_000]);
    block.extend([0xbe; 4_000]);
    frame(HEADERS, END_STREAM | END_HEADERS, stream_id(n), &block)
}

fn pings(_: u32) -> Vec<u8> {
    frame(PING, 0, 0, &[7; 8]).repeat(100)
}

fn settings(_: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff]).repeat(100)
}

fn empty_continuations(n: u32) -> Vec<u8> {
    if n == 0 {
        frame(HEADERS, 0, 1, &head("/v1/registry"))
    } else {
        frame(CONTINUATION, 0, 1, &[]).repeat(100)
    }
}

fn unread_answers(n: u32) -> Vec<u8> {
    get(stream_id(n), "/v1/openapi.json")
}

const FLOODS: [(&str, Flood, bool); 8] = [
    ("rapid resets", rapid_resets, false),
    ("resets by the server", resets_by_the_server, true),
    ("endless headers", endless_headers, true),
    ("packed headers", packed_headers, false),
    ("empty continuations", empty_continuations, true),
    ("pings", pings, true),
    ("settings", settings, true),
    ("unread answers", unread_answers, false),
];

/// Floods on one connection until the time is over; whether the server ended it before.
async fn flood(address: SocketAddr, rounds: Flood, lasting: Duration) -> Result<bool> {
    // No window, so nothing that is answered can leave.
    let start = [PREFACE, &frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])].concat();
    let mut stream = connect(address, start).await?;
    let begun = Instant::now();
    let sending = async {
        for n in 0..0x3fff_ffff {
            if stream.write_all(&rounds(n)).await.is_err() {
                return true;
            }
            if begun.elapsed() > lasting {
                return false;
            }
        }
        false
    };
    // A server that takes no more bytes has stopped the flood just as well.
    Ok(timeout(lasting + Duration::from_secs(1), sending).await.unwrap_or(false))
}

#[tokio::test(flavor = "multi_thread")]
async fn t34_floods_over_http2_neither_fill_memory_nor_stop_healthy_requests() -> Result<()> {
    let scale = Scale::of_this_run();
    let world = World::start(&[]).await?;
    let address = world.server.address();
    let connections = scale.connections / 100;
    for (name, rounds, must_end) in FLOODS {
        let lasting = if must_end { Duration::from_secs(15) } else { scale.load / 4 };
        let floods = try_join_all((0..connections).map(|_| tokio::spawn(flood(address, rounds, lasting))));
        let mut floods = std::pin::pin!(floods);
        let mut took = Vec::new();
        let ended = loop {
            tokio::select! {
                ended = floods.as_mut() => break ended?,
                healthy = world.healthy() => took.push(healthy?),
            }
        };
        let ended = ended.into_iter().collect::<Result<Vec<_>>>()?.into_iter().filter(|ended| *ended).count();
        took.push(world.healthy().await?);
        let (asked, p99) = (took.len(), p99(took)?);
        let (now, peak) = memory_mib(world.server.process())?;
        measured(&format!(
            "{name} on {connections} connections: the server ended {ended}; {asked} healthy requests, p99 {p99:.1?}; memory now {now} MiB, peak {peak} MiB"
        ))?;
        ensure!(!must_end || ended == connections, "{name}: the server ended {ended} of {connections}");
        ensure!(peak < PEAK_MIB, "{name}: {peak} MiB");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t34_bodies_that_nobody_reads_are_not_buffered_beyond_their_window() -> Result<()> {
    let world = World::start(&[]).await?;
    let address = world.server.address();
    let (before, _) = memory_mib(world.server.process())?;
    let connections = Scale::of_this_run().connections / 10;
    let block = [b"\x83\x86\x04\x0f/v1/submissions".as_slice(), &[0x01, 1, b'x']].concat();
    let mut start = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    for n in 0..16 {
        start.extend(frame(HEADERS, END_HEADERS, stream_id(n), &block));
        for _ in 0..4 {
            start.extend(frame(0, 0, stream_id(n), &[b' '; 16_000]));
        }
    }
    let open = join_all((0..connections).map(|_| async {
        let mut stream = TcpStream::connect(address).await?;
        drop(timeout(Duration::from_secs(3), stream.write_all(&start)).await);
        anyhow::Ok(stream)
    }))
    .await;
    sleep(Duration::from_millis(300)).await;
    world.healthy().await?;
    let (now, peak) = memory_mib(world.server.process())?;
    measured(&format!(
        "{} connections with 16 unread bodies each: memory before {before}, now {now}, peak {peak} MiB",
        open.len()
    ))?;
    assert!(peak < PEAK_MIB, "{peak} MiB");
    Ok(())
}

//! T34: bodies and heads that are longer, shorter or more than what they say. Memory stays what it was.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use holdfast_formats::chunk_frame::FRAMES_BYTES_MAX;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::raw::{World, connect, exchange, read_to_close};
use super::scale::{Scale, measured, memory_mib};

/// What a registry may ever have under these attacks, in MiB. Its budget for bodies and chunks is 128.
const PEAK_MIB: u64 = 400;
/// No route reads more of a body.
const READ_BYTES_MAX: usize = FRAMES_BYTES_MAX + 16 * 1024 * 1024;

/// Routes that take a body, then some that take none.
const ROUTES: [&str; 8] = [
    "POST /v1/submissions",
    "POST /v1/namespaces/shop/chunks/missing",
    "POST /v1/namespaces/shop/chunks",
    "POST /v1/namespaces/shop/blobs",
    "GET /v1/registry",
    "GET /v1/artifacts",
    "PUT /v1/artifacts/shop/web@1",
    "POST /nowhere",
];

/// Sends a head and then chunks of zeros until the server has enough; how many bytes that took, and what it said.
async fn endless(address: SocketAddr, head: String) -> Result<(usize, String)> {
    let stream = connect(address, head).await?;
    let (mut reader, mut writer) = stream.into_split();
    let sending = tokio::spawn(async move {
        let piece = [b"10000\r\n".as_slice(), &b" ".repeat(0x1_0000), b"\r\n"].concat();
        let mut sent = 0;
        while sent <= 4 * READ_BYTES_MAX && writer.write_all(&piece).await.is_ok() {
            sent += piece.len();
        }
        sent
    });
    let mut answer = Vec::new();
    // Closing while we still send is a reset, which is an end too.
    drop(tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer).await);
    Ok((sending.await?, String::from_utf8_lossy(&answer).into_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn t34_endless_chunked_bodies_end_at_the_limit_of_their_route_in_bounded_memory() -> Result<()> {
    let world = World::start(&[]).await?;
    let token = world.authorization()?;
    for route in ROUTES {
        for token in [token.as_str(), ""] {
            let head = format!("{route} HTTP/1.1\r\nhost: x\r\n{token}transfer-encoding: chunked\r\n\r\n");
            let (sent, answer) = endless(world.server.address(), head).await?;
            ensure!(sent <= 2 * READ_BYTES_MAX, "{route}: {sent} bytes were taken: {answer}");
            ensure!(answer.is_empty() || !answer.starts_with("HTTP/1.1 5"), "{route}: {answer}");
        }
    }
    let (now, peak) = memory_mib(world.server.process())?;
    measured(&format!("endless bodies: memory now {now} MiB, peak {peak} MiB"))?;
    assert!(peak < PEAK_MIB, "{peak} MiB");
    world.healthy().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t34_lengths_that_are_false_change_nothing_and_are_told_apart_from_the_next_request() -> Result<()> {
    let world = World::start(&[]).await?;
    let address = world.server.address();
    let token = world.authorization()?;
    let before = world.ana.list().await?;
    for route in &ROUTES[..4] {
        let head =
            |length: &str| format!("{route} HTTP/1.1\r\nhost: x\r\n{token}content-length: {length}\r\n\r\n");
        for huge in
            ["99999999999", "18446744073709551615", "18446744073709551616", "-1", "+5", "5 5", "0x10", ""]
        {
            let answer = exchange(address, head(huge) + "{}").await?;
            assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{route} {huge}: {answer}");
        }
        let mut longer = connect(address, head("5000") + "{\"a\":1}").await?;
        longer.shutdown().await?;
        let answer = String::from_utf8(read_to_close(&mut longer, Duration::from_secs(15)).await?)?;
        assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{route} longer: {answer}");
        let shorter = exchange(address, head("2") + "{}{}{}{}{}\r\n\r\n").await?;
        assert_eq!(
            shorter.matches("HTTP/1.1 4").count(),
            2,
            "{route}: an answer, and one to what is no request: {shorter}"
        );
    }
    assert_eq!(world.ana.list().await?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t34_heads_that_are_too_large_or_too_many_are_refused() -> Result<()> {
    let world = World::start(&[]).await?;
    let address = world.server.address();
    let many = (0..10_000).fold(String::new(), |all, n| format!("{all}x-{n}: 1\r\n"));
    let heads = [
        format!("GET /v1/registry HTTP/1.1\r\nhost: x\r\n{many}\r\n"),
        format!("GET /v1/registry HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(1024 * 1024)),
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(1024 * 1024)),
        format!("{} / HTTP/1.1\r\nhost: x\r\n\r\n", "A".repeat(1024 * 1024)),
        format!(
            "GET /v1/artifacts?{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "a=b&".repeat(10_000)
        ),
    ];
    let asked = (0..40).flat_map(|_| &heads).map(|head| async {
        // The server may close before all of it is sent.
        let mut stream = TcpStream::connect(address).await?;
        drop(stream.write_all(head.as_bytes()).await);
        let answer = read_to_close(&mut stream, Duration::from_secs(15)).await?;
        ensure!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
        Ok(())
    });
    try_join_all(asked).await?;
    let (_, peak) = memory_mib(world.server.process())?;
    assert!(peak < PEAK_MIB, "{peak} MiB");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t34_bodies_that_strangers_drip_take_nothing_from_those_with_a_token() -> Result<()> {
    let scale = Scale::of_this_run();
    let world = World::start(&[]).await?;
    let address = world.server.address();
    let drip = "POST /v1/submissions HTTP/1.1\r\nhost: x\r\ncontent-length: 1048576\r\n\r\n{";
    let mut dripping = try_join_all((0..scale.connections).map(|_| connect(address, drip))).await?;
    sleep(Duration::from_millis(200)).await;
    tokio::time::timeout(Duration::from_secs(20), world.ana.publish("shop/web@1.0.0", "bytes")).await??;
    let last = dripping.last_mut().expect("there are some");
    last.shutdown().await?;
    let answer = String::from_utf8(read_to_close(last, Duration::from_secs(15)).await?)?;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("send a token"), "{answer}");
    Ok(())
}

//! T34: requests whose end two programs could see in different places. Nothing behind such a request is answered.

use anyhow::Result;
use tokio::io::AsyncWriteExt as _;

use super::raw::{World, connect, exchange, read_to_close};

/// What an attacker hides behind a request; its answer would be the second one.
const HIDDEN: &str = "GET /v1/registry HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn t34_what_is_hidden_behind_a_request_of_two_lengths_is_never_answered() -> Result<()> {
    let world = World::start(&[]).await?;
    let heads = [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: 0\r\ncontent-length: 50\r\n",
        "content-length: 5, 6\r\n",
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity\r\ncontent-length: 4\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        " content-length: 4\r\n",
        "content-length:\u{b}4\r\n",
        "content-length: 4\rx: y\r\n",
        "content-length: 1e1\r\n",
    ];
    for head in heads {
        for method in ["POST /v1/submissions", "GET /v1/registry"] {
            let request = format!("{method} HTTP/1.1\r\nhost: x\r\n{head}\r\n0\r\n\r\n{HIDDEN}");
            let answer = exchange(world.server.address(), request).await?;
            assert!(!answer.contains("\"origin\"") || method.starts_with("GET"), "{head:?}: {answer}");
            assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{method} {head:?}: {answer}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t34_chunks_that_are_framed_wrongly_end_the_connection() -> Result<()> {
    let world = World::start(&[]).await?;
    let token = world.authorization()?;
    for body in [
        "x\r\n\r\n",
        "-1\r\n\r\n",
        "5\r\nab\r\n0\r\n\r\n",
        "ffffffffffffffff1\r\n",
        "2\r\n{}0\r\n\r\n",
        "2\n{}\n0\n\n",
    ] {
        let head = "POST /v1/submissions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n";
        let mut stream = connect(world.server.address(), format!("{head}{token}\r\n{body}{HIDDEN}")).await?;
        stream.shutdown().await?;
        let answer = read_to_close(&mut stream, std::time::Duration::from_secs(15)).await?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains("\"origin\""), "{body:?}: {answer}");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{body:?}: {answer}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn t34_pipelined_requests_are_answered_one_after_the_other_in_order() -> Result<()> {
    let world = World::start(&[]).await?;
    let one = |n: u32| format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: n{n}.\r\n\r\n");
    let all: Vec<String> = (0..500).map(one).chain([HIDDEN.to_owned()]).collect();
    let all = all.concat();
    let answer = exchange(world.server.address(), all).await?;
    let ids: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("x-request-id: n")).collect();
    let expected: Vec<String> = (0..500).map(|n| format!("{n}.")).collect();
    assert_eq!(ids, expected);
    Ok(())
}

//! T27: little that unpacks to much.

use anyhow::{Context as _, Result};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::wire::v1::ProblemCode;
use holdfast_tests::{Person, Server, TestClock, frame, raw_chunk, zstd_chunk};
use reqwest::Method;

/// The most memory that a process ever had, in MiB.
pub(crate) fn peak_mib(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("Linux tells it")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn t27_bombs_are_refused_in_bounded_memory() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path())?;
    let ana = Person::login_at(server.login_url()?, TestClock::at_present()).await?;
    let http = ana.http()?;
    let zeros = vec![0_u8; 256 * 1024 * 1024];
    let bomb = zstd::bulk::compress(&zeros, 1)?;
    drop(zeros);
    assert!(bomb.len() < 64 * 1024, "256 MiB fit into {} bytes", bomb.len());
    let small = zstd::bulk::compress(&[7; 1000], 1)?;
    let twice = [small.clone(), small.clone()].concat();
    let skippable = [small.clone(), vec![0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]].concat();
    let bodies = [
        zstd_chunk(4 * 1024 * 1024, &bomb),
        zstd_chunk(1000, &bomb),
        zstd_chunk(256 * 1024 * 1024, &bomb),
        zstd_chunk(2000, &twice),
        zstd_chunk(1000, &twice),
        zstd_chunk(1000, &skippable),
        zstd_chunk(999, &small),
        zstd_chunk(1001, &small),
        zstd_chunk(1000, &small[..small.len() - 1]),
        zstd_chunk(1000, b""),
        raw_chunk(b""),
    ];
    let digest = Blake3Digest::of(&[7; 1000]);
    let path = "/v1/namespaces/shop/chunks";
    for _ in 0..5 {
        let sent = bodies.iter().map(|body| http.refusal(Method::POST, path, frame(digest, body)));
        for (at, outcome) in futures::future::join_all(sent).await.into_iter().enumerate() {
            let (status, code, detail) = outcome?;
            let expected = [ProblemCode::Malformed, ProblemCode::TooLarge, ProblemCode::DigestMismatch];
            assert!(
                matches!(status, 400 | 413) && expected.contains(&code),
                "{at}: {status} {code} {detail}"
            );
        }
    }
    let peak = peak_mib(server.process())?;
    assert!(peak < 200, "the server had {peak} MiB");
    let honest = http.send(Method::POST, path, frame(digest, &zstd_chunk(1000, &small))).await?;
    assert_eq!(honest.status(), 200, "a frame that is what it says is taken");
    Ok(())
}

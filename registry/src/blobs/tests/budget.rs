//! Memory is bounded by the budget, and those who wait for it do not wait for each other.

use std::time::Duration;

use futures::{StreamExt, future};

use super::super::Manner;
use super::super::memory::Pool;
use super::*;

const MIB: usize = 1024 * 1024;
const A_WHILE: Duration = Duration::from_millis(200);
const A_MINUTE: Duration = Duration::from_mins(1);

async fn large_blob(world: &World, seed: u64) -> (BlobRecord, Vec<u8>) {
    let chunks: Vec<Vec<u8>> = (0..6).map(|n| noise(seed + n, 2 * MIB)).collect();
    let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    (world.push(&slices).await, chunks.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_a_reader_holds_count_until_it_lets_go_and_never_stop_an_upload() -> Result<(), BlobError>
{
    let mut world = World::in_memory().await;
    let (record, content) = large_blob(&world, 1).await;
    world.with_budget(16 * MIB);
    let stalled = world.blobs.reader(&world.namespace, record.digests.blake3, None).await?;
    let mut stalled = stalled.into_stream();
    let held = stalled.next().await.expect("there are bytes")?;
    let free_bytes = world.blobs.inner.budget.serving.free_bytes();
    assert!(free_bytes <= 4 * MIB, "{free_bytes}");

    let other = tokio::time::timeout(A_WHILE, world.read(&record)).await;
    assert!(other.is_err(), "the share was full");
    tokio::time::timeout(A_MINUTE, large_blob(&world, 100)).await.expect("uploads have their own share");

    drop((held, stalled));
    let other = tokio::time::timeout(A_MINUTE, world.read(&record)).await;
    assert_eq!(other.expect("the share is free")?, content);
    assert_eq!(world.blobs.inner.budget.serving.free_bytes(), 5 * MIB);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pushes_and_pulls_at_once_finish_on_the_smallest_budget() -> Result<(), BlobError> {
    let mut world = World::in_memory().await;
    world.with_budget(MIB);
    let work = future::join_all((0..8).map(|n| {
        let world = &world;
        async move {
            let (record, content) = large_blob(world, n * 10).await;
            assert_eq!(world.read(&record).await?, content);
            world.blobs.scrub(&world.namespace, &record.digests, record.size, &Manner::Alone).await
        }
    }));
    let finished = tokio::time::timeout(A_MINUTE, work).await.expect("nobody waits for ever");
    for scrubbed in finished {
        assert_eq!(scrubbed?.bytes, 12 * MIB as u64);
    }
    let budget = &world.blobs.inner.budget;
    let shares = [&budget.work, &budget.serving, &budget.records, &budget.served_records];
    let free = shares.map(Pool::free_bytes);
    assert_eq!(free, [320 * 1024, 320 * 1024, 32 * 1024, 48 * 1024]);
    Ok(())
}

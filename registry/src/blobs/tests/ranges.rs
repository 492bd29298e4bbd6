//! Every range of a blob is that slice of its bytes.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;

#[derive(Debug, Clone)]
struct Part {
    chunk: usize,
    from: f64,
    to: f64,
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = (0..4_usize, 0.0..1.0, 0.0..1.0).prop_map(|(chunk, from, to)| Part { chunk, from, to });
    prop::collection::vec(part, 1..8)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a small length"
)]
fn share(of: usize, part: f64) -> usize {
    (of as f64 * part) as usize
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_range_of_a_blob_is_that_slice_of_it(
        lengths in prop::array::uniform4(1..3000_usize),
        parts in parts(),
        ranges in prop::collection::vec((0.0..1.0, 0.0..1.0), 1..6),
    ) {
        runtime().block_on(check(lengths, parts, ranges))?;
    }
}

async fn check(lengths: [usize; 4], parts: Vec<Part>, ranges: Vec<(f64, f64)>) -> Result<(), TestCaseError> {
    let failed = |error: BlobError| TestCaseError::fail(error.to_string());
    let world = World::in_memory().await;
    let mut chunks = Vec::new();
    for (seed, length) in (0..).zip(lengths) {
        chunks.push(noise(seed, length));
    }
    for (n, chunk) in chunks.iter().enumerate() {
        let object = if n % 2 == 0 { raw(chunk) } else { compressed(chunk) };
        world.blobs.put_chunk(&world.namespace, Blake3Digest::of(chunk), object).await.map_err(failed)?;
    }
    let mut extents = Vec::new();
    let mut content = Vec::new();
    for part in parts {
        let chunk = &chunks[part.chunk];
        let (a, b) = (share(chunk.len(), part.from), share(chunk.len(), part.to));
        let (from, to) = (a.min(b), a.max(b) + 1);
        content.extend_from_slice(&chunk[from..to]);
        let small = |n: usize| u32::try_from(n).expect("a chunk is small");
        extents.push(Extent {
            chunk: Blake3Digest::of(chunk),
            offset: small(from),
            length: small(to - from),
        });
    }
    let record = BlobRecord { digests: Digests::of(&content), size: content.len() as u64, extents };
    world.blobs.put_record(&world.namespace, record.clone(), None).await.map_err(failed)?;
    prop_assert_eq!(world.read(&record).await.map_err(failed)?, &content);
    for (a, b) in ranges {
        let (a, b) = (share(content.len(), a), share(content.len(), b));
        let (from, to) = (a.min(b), a.max(b));
        let read = world.read_range(&record, Some((from as u64, to as u64))).await.map_err(failed)?;
        prop_assert_eq!(read, &content[from..to]);
    }
    Ok(())
}

#[tokio::test]
async fn ranges_outside_the_blob_are_refused_with_its_size() {
    let world = World::in_memory().await;
    let record = world.push(&[b"0123456789"]).await;
    for range in [(0, 11), (11, 12), (6, 5), (0, u64::MAX)] {
        let refused = world.blobs.reader(&world.namespace, record.digests.blake3, Some(range)).await;
        assert!(matches!(refused, Err(BlobError::Range { size_bytes: 10 })), "{range:?} {refused:?}");
    }
}

#[tokio::test]
async fn chunks_outside_the_range_are_not_read() -> Result<(), BlobError> {
    let world = World::in_directory().await;
    let record = world.push(&[b"lost", b"kept", b"gone"]).await;
    world.lose(&world.chunk_key(b"lost"));
    world.lose(&world.chunk_key(b"gone"));
    assert_eq!(world.read_range(&record, Some((4, 8))).await?, "kept");
    assert!(matches!(world.read_range(&record, Some((3, 8))).await, Err(BlobError::Corrupt { .. })));
    Ok(())
}

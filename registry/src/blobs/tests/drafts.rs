//! Blobs that are hashed while their chunks arrive: never more believed than what reading back would give.

use std::sync::Arc;

use futures::{StreamExt, stream};
use holdfast_formats::id::RandomId;
use tokio::sync::Semaphore;

use super::super::{Arriving, DraftPlace};
use super::*;

const ID: RandomId = RandomId::from_bytes([7; 16]);

impl World {
    /// Sends chunks as the bytes of a draft from an offset on; returns how many were new.
    async fn draft(&self, offset_bytes: usize, chunks: &[&[u8]]) -> Result<u32, BlobError> {
        let budget = Arc::new(Semaphore::new(100));
        let mut arriving = Vec::new();
        for chunk in chunks {
            let held = Arc::clone(&budget).acquire_owned().await.expect("it is never closed");
            arriving.push(Ok(Arriving { chunk: Blake3Digest::of(chunk), object: raw(chunk), held }));
        }
        let place = DraftPlace { id: ID, offset_bytes: u64::try_from(offset_bytes).expect("it is small") };
        let new = self.blobs.put_chunks(&self.namespace, stream::iter(arriving).boxed(), Some(place)).await;
        assert_eq!(budget.available_permits(), 100, "what was held is given back");
        new
    }
}

#[tokio::test]
async fn a_drafted_blob_is_the_same_blob() -> Result<(), BlobError> {
    for world in World::both().await {
        let (a, b, c) = (noise(1, 400_000), noise(2, 500_000), noise(3, 300_000));
        assert_eq!(world.draft(0, &[&a, &b]).await?, 2);
        // The answer got lost, so the same chunks are sent again, and then what follows.
        assert_eq!(world.draft(0, &[&a, &b]).await?, 0);
        assert_eq!(world.draft(900_000, &[&c]).await?, 1);
        let record = record_of(&[&a, &b, &c]);
        assert_eq!(world.blobs.put_record(&world.namespace, record.clone(), Some(ID)).await?, Put::New);
        assert_eq!(world.read(&record).await?, [a, b, c].concat());
    }
    Ok(())
}

#[tokio::test]
async fn what_a_draft_does_not_cover_is_read_back() -> Result<(), BlobError> {
    for world in World::both().await {
        let (a, b, c) = (noise(1, 400_000), noise(2, 500_000), noise(3, 300_000));
        world.put_raw(&b).await?;
        world.draft(0, &[&a]).await?;
        // There is a gap before this one, so it does not count.
        world.draft(900_000, &[&c]).await?;
        let record = record_of(&[&a, &b, &c]);
        assert_eq!(world.blobs.put_record(&world.namespace, record.clone(), Some(ID)).await?, Put::New);
        assert_eq!(world.read(&record).await?, [a, b, c].concat());
    }
    Ok(())
}

#[tokio::test]
async fn a_draft_vouches_for_no_other_record() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    let (a, b, c) = (noise(1, 300_000), noise(2, 300_000), noise(3, 300_000));
    let drafted = record_of(&[&a, &b]);
    for extents in [[&a, &c], [&b, &a], [&a, &a]] {
        world.put_raw(&c).await?;
        world.draft(0, &[&a, &b]).await?;
        let liar = BlobRecord { extents: record_of(&[extents[0], extents[1]]).extents, ..drafted.clone() };
        let refused = world.blobs.put_record(&world.namespace, liar, Some(ID)).await;
        assert!(matches!(refused, Err(BlobError::DigestMismatch { .. })), "{refused:?}");
    }
    let mut part = drafted.clone();
    part.extents[0].offset = 1;
    world.draft(0, &[&a, &b]).await?;
    assert!(world.blobs.put_record(&world.namespace, part, Some(ID)).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_draft_stays_in_its_namespace() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    let (a, b) = (noise(1, 300_000), noise(2, 300_000));
    world.draft(0, &[&a, &b]).await?;
    let refused = world.blobs.put_record(&namespace("bank"), record_of(&[&a, &b]), Some(ID)).await;
    assert!(matches!(refused, Err(BlobError::Missing(_))), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_chunk_that_lies_ends_its_request_and_leaves_the_draft_sound() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    let (a, b) = (noise(1, 300_000), noise(2, 300_000));
    let held = || async { Arc::new(Semaphore::new(1)).acquire_owned().await.expect("it is never closed") };
    let sent = [
        Ok(Arriving { chunk: Blake3Digest::of(&a), object: raw(&a), held: held().await }),
        Ok(Arriving { chunk: Blake3Digest::of(&b), object: raw(&a), held: held().await }),
    ];
    let place = DraftPlace { id: ID, offset_bytes: 0 };
    let refused: Result<_, BlobError> =
        world.blobs.put_chunks(&world.namespace, stream::iter(sent).boxed(), Some(place)).await;
    assert!(matches!(refused, Err(BlobError::DigestMismatch { .. })), "{refused:?}");
    world.draft(300_000, &[&b]).await?;
    let record = record_of(&[&a, &b]);
    assert_eq!(world.blobs.put_record(&world.namespace, record, Some(ID)).await?, Put::New);
    Ok(())
}

//! One bit flipped anywhere: an error, never data.

use super::*;
use crate::blobs::error::Unreadable;

fn flipped(object: &Bytes, bit: usize) -> Bytes {
    let mut bytes = object.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes.into()
}

fn bits(object: &Bytes) -> std::ops::Range<usize> {
    0..object.len() * 8
}

#[tokio::test]
async fn t8_a_bit_flipped_anywhere_in_a_chunk_is_an_error() -> Result<(), BlobError> {
    let content = b"flip me ".repeat(40);
    for good in [raw(&content), compressed(&content)] {
        let mut world = World::in_memory().await;
        let record = world.push(&[&content]).await;
        let key = world.chunk_key(&content);
        for bit in bits(&good) {
            world.overwrite(&key, flipped(&good, bit)).await;
            world.restart();
            let read = world.read(&record).await;
            assert!(
                matches!(&read, Err(BlobError::Corrupt { key: named, .. }) if named == key.as_str()),
                "bit {bit}: {read:?}"
            );
            assert_eq!(
                world.blobs.missing(&world.namespace, &[record.digests.blake3]).await?.len(),
                1,
                "bit {bit}"
            );
        }
        world.overwrite(&key, good).await;
        assert_eq!(world.read(&record).await?, content);
    }
    Ok(())
}

#[tokio::test]
async fn t8_a_bit_flipped_in_a_chunk_that_was_served_before_is_an_error() -> Result<(), BlobError> {
    let content = b"flip me again ".repeat(20);
    let digest = Blake3Digest::of(&content);
    for good in [raw(&content), compressed(&content)] {
        let world = World::in_memory().await;
        world.blobs.put_chunk(&world.namespace, digest, good.clone()).await?;
        let key = world.chunk_key(&content);
        for bit in bits(&good) {
            assert!(world.blobs.stored_chunk(&world.namespace, &digest).await.is_ok_and(|read| read == good));
            world.overwrite(&key, flipped(&good, bit)).await;
            let read = world.blobs.stored_chunk(&world.namespace, &digest).await;
            assert!(matches!(&read, Err(Unreadable::Bad(named, _)) if *named == key), "bit {bit}: {read:?}");
            world.overwrite(&key, good.clone()).await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn t8_a_bit_flipped_anywhere_in_a_record_is_an_error() -> Result<(), BlobError> {
    let mut world = World::in_memory().await;
    let record = world.push(&[b"first", b"second"]).await;
    let key = world.record_key(&record);
    let good = world.store.get(&key).await?;
    for bit in bits(&good) {
        world.overwrite(&key, flipped(&good, bit)).await;
        world.restart();
        let read = world.blobs.reader(&world.namespace, record.digests.blake3, None).await;
        assert!(
            matches!(&read, Err(BlobError::Corrupt { key: named, .. }) if named == key.as_str()),
            "bit {bit}: {read:?}"
        );
        let required = world.blobs.require(&world.namespace, &[(record.digests, record.size)]).await;
        assert!(matches!(required, Err(BlobError::Missing(_))), "bit {bit}: {required:?}");
    }
    world.overwrite(&key, good).await;
    assert_eq!(world.read(&record).await?, "firstsecond");
    Ok(())
}

#[tokio::test]
async fn t8_a_bit_flipped_anywhere_in_an_alias_is_an_error() -> Result<(), BlobError> {
    let mut world = World::in_memory().await;
    let record = world.push(&[b"first", b"second"]).await;
    world.push(&[b"another blob"]).await;
    let key = world.alias_key(&record);
    let good = world.store.get(&key).await?;
    for bit in bits(&good) {
        world.overwrite(&key, flipped(&good, bit)).await;
        world.restart();
        let found = world.blobs.find_by_sha256(&world.namespace, &record.digests.sha256).await;
        assert!(matches!(found, Err(BlobError::Corrupt { .. })), "bit {bit}: {found:?}");
    }
    Ok(())
}

#[tokio::test]
async fn t8_objects_that_changed_places_are_errors() -> Result<(), BlobError> {
    let mut world = World::in_memory().await;
    let (one, two) = (world.push(&[b"blob one"]).await, world.push(&[b"blob two"]).await);
    let other = world.store.get(&world.alias_key(&two)).await?;
    world.overwrite(&world.alias_key(&one), other).await;
    world.restart();
    let found = world.blobs.find_by_sha256(&world.namespace, &one.digests.sha256).await;
    assert!(matches!(found, Err(BlobError::Corrupt { .. })), "{found:?}");
    let other = world.store.get(&world.chunk_key(b"blob two")).await?;
    world.overwrite(&world.chunk_key(b"blob one"), other).await;
    assert!(matches!(world.read(&one).await, Err(BlobError::Corrupt { .. })));
    let other = world.store.get(&world.record_key(&two)).await?;
    world.overwrite(&world.record_key(&one), other).await;
    assert!(matches!(world.read(&one).await, Err(BlobError::Corrupt { .. })));
    Ok(())
}

#[tokio::test]
async fn t8_what_precedes_a_bad_chunk_is_given_and_nothing_after_it() -> Result<(), BlobError> {
    use futures::StreamExt;
    let world = World::in_memory().await;
    let chunks: Vec<Vec<u8>> = (0..8).map(|n| noise(n, 50_000)).collect();
    let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    let record = world.push(&slices).await;
    let mut bad = raw(&chunks[4]).to_vec();
    bad[20_000] ^= 1;
    world.overwrite(&world.chunk_key(&chunks[4]), bad).await;
    let reader = world.blobs.reader(&world.namespace, record.digests.blake3, None).await?;
    let items: Vec<_> = reader.into_stream().collect().await;
    assert_eq!(items.len(), 5);
    assert!(
        items.iter().zip(&chunks).take(4).all(|(item, chunk)| matches!(item, Ok(bytes) if bytes == chunk))
    );
    assert!(matches!(items.last(), Some(Err(BlobError::Corrupt { .. }))));
    let past_it = world.read_range(&record, Some((250_000, 400_000))).await?;
    assert_eq!(past_it, chunks[5..].concat());
    Ok(())
}

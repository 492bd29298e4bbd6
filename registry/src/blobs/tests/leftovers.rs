//! What a crash left behind does not count as present until it was hashed, and is replaced when bad.

use holdfast_formats::statement::ObjectClass;

use super::*;

#[tokio::test]
async fn a_torn_chunk_counts_as_missing_and_is_replaced() -> Result<(), BlobError> {
    for world in World::both().await {
        let content = noise(1, 10_000);
        let good = raw(&content);
        let digest = Blake3Digest::of(&content);
        for torn in [Bytes::new(), good.slice(..20), good.slice(..5_000), Bytes::from(vec![0; good.len()])] {
            world.overwrite(&world.chunk_key(&content), torn).await;
            world.blobs.forget(&world.namespace, ObjectClass::Chunk, &digest);
            assert_eq!(world.blobs.missing(&world.namespace, &[digest]).await?, [digest]);
            assert_eq!(world.put_raw(&content).await?, Put::New);
            assert_eq!(world.store.get(&world.chunk_key(&content)).await?, good);
            assert!(world.blobs.missing(&world.namespace, &[digest]).await?.is_empty());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_torn_chunk_is_replaced_by_whoever_sends_it_without_asking() -> Result<(), BlobError> {
    for world in World::both().await {
        world.overwrite(&world.chunk_key(b"content"), b"torn".as_slice()).await;
        assert_eq!(world.put_raw(b"content").await?, Put::New);
        assert_eq!(world.store.get(&world.chunk_key(b"content")).await?, raw(b"content"));
    }
    Ok(())
}

#[tokio::test]
async fn a_good_leftover_is_kept_as_it_is() -> Result<(), BlobError> {
    for world in World::both().await {
        let content = vec![7; 10_000];
        let digest = Blake3Digest::of(&content);
        world.overwrite(&world.chunk_key(&content), compressed(&content)).await;
        assert!(world.blobs.missing(&world.namespace, &[digest]).await?.is_empty());
        assert_eq!(world.put_raw(&content).await?, Put::Existing);
        assert_eq!(world.store.get(&world.chunk_key(&content)).await?, compressed(&content));
    }
    Ok(())
}

#[tokio::test]
async fn torn_records_and_aliases_are_replaced() -> Result<(), BlobError> {
    for mut world in World::both().await {
        let record = world.push(&[b"first", b"second"]).await;
        for key in [world.record_key(&record), world.alias_key(&record)] {
            let good = world.store.get(&key).await?;
            for torn in [Bytes::new(), good.slice(..good.len() / 2), Bytes::from(vec![0; good.len()])] {
                world.overwrite(&key, torn).await;
                world.restart();
                world.blobs.put_record(&world.namespace, record.clone(), None).await?;
                assert_eq!(world.store.get(&key).await?, good, "{key}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn t5_a_record_that_outlived_its_chunk_is_refused_with_the_chunk_to_send() -> Result<(), BlobError> {
    let mut world = World::in_directory().await;
    let record = world.push(&[b"kept", b"lost in the crash"]).await;
    world.lose(&world.chunk_key(b"lost in the crash"));
    world.restart();
    let wanted = [(record.digests, record.size)];
    let Err(BlobError::Missing(missing)) = world.blobs.require(&world.namespace, &wanted).await else {
        panic!("a chunk is missing");
    };
    let places: Vec<_> = missing.iter().map(|m| (m.chunk, m.offset, m.length)).collect();
    assert_eq!(places, [(Blake3Digest::of(b"lost in the crash"), 4, 17)]);
    world.put_raw(b"lost in the crash").await?;
    world.blobs.require(&world.namespace, &wanted).await?;
    assert_eq!(world.read(&record).await?, "keptlost in the crash");
    Ok(())
}

#[tokio::test]
async fn an_alias_lost_in_a_crash_is_written_again_before_the_blob_is_referred_to() -> Result<(), BlobError> {
    let mut world = World::in_directory().await;
    let record = world.push(&[b"content"]).await;
    world.lose(&world.alias_key(&record));
    world.restart();
    world.blobs.require(&world.namespace, &[(record.digests, record.size)]).await?;
    let found = world.blobs.find_by_sha256(&world.namespace, &record.digests.sha256).await?;
    assert_eq!(found, Some(record.digests.blake3));
    Ok(())
}

#[tokio::test]
async fn what_a_committed_entry_refers_to_counts_while_it_is_there() -> Result<(), BlobError> {
    let mut world = World::in_directory().await;
    let record = world.push(&[b"referred to", b"by a blob"]).await;
    let chunks: Vec<Blake3Digest> = record.extents.iter().map(|extent| extent.chunk).collect();
    world.overwrite(&world.chunk_key(b"referred to"), b"rotten".as_slice()).await;
    world.restart();
    world.blobs.refer(&world.namespace, ObjectClass::Blob, &[record.digests.blake3]).await?;
    world.blobs.require(&world.namespace, &[(record.digests, record.size)]).await?;
    assert!(world.blobs.missing(&world.namespace, &chunks).await?.is_empty());
    assert!(matches!(world.read(&record).await, Err(BlobError::Corrupt { .. })));
    assert_eq!(world.blobs.missing(&world.namespace, &chunks).await?, chunks[..1]);

    world.restart();
    world.lose(&world.chunk_key(b"by a blob"));
    world.blobs.refer(&world.namespace, ObjectClass::Chunk, &chunks).await?;
    assert_eq!(world.blobs.missing(&world.namespace, &chunks).await?, chunks[1..]);
    Ok(())
}

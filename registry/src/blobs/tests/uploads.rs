//! What is taken in, and what is not.

use futures::future;
use holdfast_formats::digest::NamedDigest;

use super::super::Manner;
use super::*;

#[tokio::test]
async fn a_chunk_that_is_there_need_not_be_sent_again() -> Result<(), BlobError> {
    for world in World::both().await {
        let wanted = [Blake3Digest::of(b"one"), Blake3Digest::of(b"two")];
        assert_eq!(world.blobs.missing(&world.namespace, &wanted).await?, wanted);
        assert_eq!(world.put_raw(b"one").await?, Put::New);
        assert_eq!(world.put_raw(b"one").await?, Put::Existing);
        assert_eq!(world.blobs.missing(&world.namespace, &wanted).await?, wanted[1..]);
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_shared_across_namespaces() -> Result<(), BlobError> {
    for world in World::both().await {
        let record = world.push(&[b"secret"]).await;
        let bank = namespace("bank");
        let chunk = [record.digests.blake3];
        assert_eq!(world.blobs.missing(&bank, &chunk).await?, chunk);
        assert!(matches!(
            world.blobs.put_record(&bank, record.clone(), None).await,
            Err(BlobError::Missing(_))
        ));
        let read = world.blobs.reader(&bank, record.digests.blake3, None).await;
        assert!(matches!(read, Err(BlobError::NotFound)));
        assert_eq!(world.blobs.find_by_sha256(&bank, &record.digests.sha256).await?, None);
        assert!(world.blobs.require(&bank, &[(record.digests, record.size)]).await.is_err());
        assert_eq!(world.blobs.put_chunk(&bank, chunk[0], raw(b"secret")).await?, Put::New);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_poisons_the_digest_of_a_chunk() -> Result<(), BlobError> {
    for world in World::both().await {
        let digest = Blake3Digest::of(b"good");
        for object in [raw(b"evil"), compressed(&[b'e'; 4096])] {
            let refused = world.blobs.put_chunk(&world.namespace, digest, object).await;
            assert!(
                matches!(refused, Err(BlobError::DigestMismatch { wanted: NamedDigest::Blake3(d) }) if d == digest)
            );
        }
        assert_eq!(world.store.head(&world.chunk_key(b"good")).await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_poisons_a_digest_of_a_blob() -> Result<(), BlobError> {
    for world in World::both().await {
        world.put_raw(b"some ").await?;
        world.put_raw(b"bytes").await?;
        let good = record_of(&[b"some ", b"bytes"]);
        let other = Digests::of(b"something else");
        let mut wrong_blake3 = good.clone();
        wrong_blake3.digests.blake3 = other.blake3;
        let mut wrong_sha256 = good.clone();
        wrong_sha256.digests.sha256 = other.sha256;
        let mut wrong_order = good.clone();
        wrong_order.extents.reverse();
        let mut wrong_size = good.clone();
        wrong_size.size = 11;
        for wrong in [wrong_blake3, wrong_sha256, wrong_order, wrong_size] {
            let refused = world.blobs.put_record(&world.namespace, wrong.clone(), None).await;
            assert!(matches!(refused, Err(BlobError::DigestMismatch { .. })), "{refused:?}");
            assert_eq!(world.store.head(&world.record_key(&wrong)).await?, None);
            assert_eq!(world.store.head(&world.alias_key(&wrong)).await?, None);
        }
        assert_eq!(world.blobs.put_record(&world.namespace, good.clone(), None).await?, Put::New);
        assert_eq!(world.read(&good).await?, "some bytes");
    }
    Ok(())
}

#[tokio::test]
async fn an_extent_beyond_its_chunk_is_refused() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    world.put_raw(b"short").await?;
    let mut record = record_of(&[b"short"]);
    record.extents[0].offset = 1;
    assert!(world.blobs.put_record(&world.namespace, record, None).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_blob_is_found_by_its_sha256_and_pushed_twice_is_there_already() -> Result<(), BlobError> {
    for mut world in World::both().await {
        let record = world.push(&[&noise(1, 300_000), b"tail"]).await;
        for _ in 0..2 {
            let found = world.blobs.find_by_sha256(&world.namespace, &record.digests.sha256).await?;
            assert_eq!(found, Some(record.digests.blake3));
            assert_eq!(world.blobs.put_record(&world.namespace, record.clone(), None).await?, Put::Existing);
            world.blobs.require(&world.namespace, &[(record.digests, record.size)]).await?;
            world.restart();
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_empty_blob_is_a_blob() -> Result<(), BlobError> {
    for world in World::both().await {
        let record = world.push(&[]).await;
        assert_eq!(record.digests, Digests::of(b""));
        assert!(world.read(&record).await?.is_empty());
        assert!(world.read_range(&record, Some((0, 0))).await?.is_empty());
        world.blobs.require(&world.namespace, &[(record.digests, 0)]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_record_is_refused_with_the_chunks_to_send_and_where_they_stand() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    world.put_raw(b"there").await?;
    let record = record_of(&[b"there", b"lost 1", b"there", b"lost 22", b"lost 1"]);
    let Err(BlobError::Missing(missing)) = world.blobs.put_record(&world.namespace, record, None).await
    else {
        panic!("chunks are missing");
    };
    let places: Vec<_> = missing.iter().map(|m| (m.chunk, m.offset, m.length)).collect();
    assert_eq!(places, [(Blake3Digest::of(b"lost 1"), 5, 6), (Blake3Digest::of(b"lost 22"), 16, 7)]);
    Ok(())
}

#[tokio::test]
async fn a_list_of_what_is_missing_ends_somewhere() {
    let world = World::in_memory().await;
    let extent = |n: u64| Extent { chunk: Blake3Digest::of(&n.to_be_bytes()), offset: 0, length: 1 };
    let extents: Vec<Extent> = (0..10_000).map(extent).collect();
    let record = BlobRecord { digests: Digests::of(b"any"), size: 10_000, extents };
    let refused = world.blobs.put_record(&world.namespace, record, None).await;
    assert!(matches!(refused, Err(BlobError::Missing(missing)) if missing.len() == 4096));
}

#[tokio::test]
async fn what_a_statement_refers_to_must_be_there_under_both_digests() -> Result<(), BlobError> {
    for mut world in World::both().await {
        let record = world.push(&[b"artifact"]).await;
        let absent = Digests::of(b"never sent");
        let mut half = record.digests;
        half.sha256 = absent.sha256;
        for _ in 0..2 {
            let wanted = [(record.digests, record.size), (absent, 10)];
            let Err(BlobError::Missing(missing)) = world.blobs.require(&world.namespace, &wanted).await
            else {
                panic!("a blob is missing");
            };
            let places: Vec<_> = missing.iter().map(|m| (m.chunk, m.offset, m.length)).collect();
            assert_eq!(places, [(absent.blake3, 0, 10)]);
            for wrong in [(half, record.size), (record.digests, record.size + 1)] {
                let refused = world.blobs.require(&world.namespace, &[wrong]).await;
                assert!(matches!(refused, Err(BlobError::DigestMismatch { .. })), "{refused:?}");
            }
            world.restart();
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_push_the_same_bytes_nobody_fails() -> Result<(), BlobError> {
    for world in World::both().await {
        let chunks: Vec<Vec<u8>> = (0..4).map(|n| noise(n, 100_000)).collect();
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let records = future::join_all((0..16).map(|_| world.push(&chunks))).await;
        for record in records {
            assert_eq!(world.read(&record).await?, chunks.concat());
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_call_can_be_made_from_a_task() {
    fn sendable<T: Send>(_: &T) {}
    let world = World::in_memory().await;
    let (blobs, namespace) = (&world.blobs, &world.namespace);
    let digests = Digests::of(b"");
    sendable(&blobs.missing(namespace, &[]));
    sendable(&blobs.put_chunk(namespace, digests.blake3, Bytes::new()));
    sendable(&blobs.put_record(namespace, record_of(&[]), None));
    sendable(&blobs.require(namespace, &[]));
    sendable(&blobs.reader(namespace, digests.blake3, None));
    sendable(&blobs.scrub(namespace, &digests, 0, &Manner::Alone));
    sendable(&blobs.find_by_sha256(namespace, &digests.sha256));
}

//! Small blobs whose chunk comes with the record.

use holdfast_formats::digest::NamedDigest;

use super::*;

impl World {
    async fn put_small(&self, record: BlobRecord, content: &[u8]) -> Result<Put, BlobError> {
        let chunk = (Blake3Digest::of(content), raw(content));
        self.blobs.put_blob(&self.namespace, record, None, vec![chunk]).await
    }
}

#[tokio::test]
async fn a_small_blob_is_there_with_its_chunk_and_under_both_digests() -> Result<(), BlobError> {
    for mut world in World::both().await {
        let record = record_of(&[b"small"]);
        assert_eq!(world.put_small(record.clone(), b"small").await?, Put::New);
        assert_eq!(world.put_small(record.clone(), b"small").await?, Put::Existing);
        world.restart();
        assert_eq!(world.put_small(record.clone(), b"small").await?, Put::Existing);
        assert_eq!(world.read(&record).await?, "small");
        let found = world.blobs.find_by_sha256(&world.namespace, &record.digests.sha256).await?;
        assert_eq!(found, Some(record.digests.blake3));
    }
    Ok(())
}

#[tokio::test]
async fn what_is_left_of_a_crash_is_completed_whatever_it_is() -> Result<(), BlobError> {
    for world in World::both().await {
        for (n, left) in
            ["chunk", "alias", "record", "bad chunk", "bad alias", "bad record"].iter().enumerate()
        {
            let content = format!("content {n}");
            let record = record_of(&[content.as_bytes()]);
            let key = match left.rsplit(' ').next() {
                Some("chunk") => world.chunk_key(content.as_bytes()),
                Some("alias") => world.alias_key(&record),
                _ => world.record_key(&record),
            };
            let object = match *left {
                "chunk" => raw(content.as_bytes()),
                "alias" => super::super::alias::object(&record.digests),
                "record" => super::super::sealed::seal(&record),
                _ => Bytes::from_static(b"torn"),
            };
            world.overwrite(&key, object).await;
            world.put_small(record.clone(), content.as_bytes()).await?;
            assert_eq!(world.read(&record).await?, content, "{left}");
            let found = world.blobs.find_by_sha256(&world.namespace, &record.digests.sha256).await?;
            assert_eq!(found, Some(record.digests.blake3), "{left}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn nobody_poisons_a_digest_with_a_small_blob() -> Result<(), BlobError> {
    for world in World::both().await {
        let good = record_of(&[b"good"]);
        let mut other_sha256 = good.clone();
        other_sha256.digests.sha256 = Digests::of(b"evil").sha256;
        let refused = world.put_small(other_sha256, b"good").await;
        assert!(matches!(refused, Err(BlobError::DigestMismatch { wanted: NamedDigest::Sha256(_) })));
        let mut other_size = good.clone();
        (other_size.size, other_size.extents[0].length) = (3, 3);
        assert!(matches!(world.put_small(other_size, b"good").await, Err(BlobError::DigestMismatch { .. })));
        let evil = vec![(good.digests.blake3, raw(b"evil"))];
        let refused = world.blobs.put_blob(&world.namespace, good.clone(), None, evil).await;
        assert!(matches!(refused, Err(BlobError::DigestMismatch { .. })));
        for key in [world.chunk_key(b"good"), world.record_key(&good), world.alias_key(&good)] {
            assert_eq!(world.store.head(&key).await?, None);
        }
    }
    Ok(())
}

#[tokio::test]
async fn several_chunks_may_come_with_a_record_and_others_be_there() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    world.put_raw(b"there ").await?;
    let record = record_of(&[b"there ", b"and ", b"sent"]);
    let sent = |content: &[u8]| (Blake3Digest::of(content), raw(content));
    let incomplete = world.blobs.put_blob(&world.namespace, record.clone(), None, vec![sent(b"sent")]).await;
    assert!(matches!(incomplete, Err(BlobError::Missing(missing)) if missing.len() == 1));
    let chunks = vec![sent(b"and "), sent(b"sent")];
    assert_eq!(world.blobs.put_blob(&world.namespace, record.clone(), None, chunks).await?, Put::New);
    assert_eq!(world.read(&record).await?, "there and sent");
    Ok(())
}

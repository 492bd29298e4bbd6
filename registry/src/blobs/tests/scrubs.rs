//! A scrub names what is bad, and what it named can be put again.

use holdfast_formats::digest::NamedDigest;
use holdfast_formats::statement::{ObjectClass, ScrubOutcome};

use super::super::{BadObjects, Manner, ScrubFinding};
use super::*;

impl World {
    async fn scrub(&self, record: &BlobRecord) -> Result<ScrubFinding, BlobError> {
        self.blobs.scrub(&self.namespace, &record.digests, record.size, &Manner::Alone).await
    }
}

fn named(finding: &ScrubFinding) -> Vec<(ObjectClass, NamedDigest)> {
    finding.bad.iter().map(|bad| (bad.class, bad.digest)).collect()
}

fn chunk(content: &[u8]) -> (ObjectClass, NamedDigest) {
    (ObjectClass::Chunk, NamedDigest::Blake3(Blake3Digest::of(content)))
}

#[tokio::test]
async fn a_good_blob_is_read_whole_and_found_good() -> Result<(), BlobError> {
    for world in World::both().await {
        let record = world.push(&[&noise(1, 200_000), &noise(2, 300_000)]).await;
        let good = ScrubFinding { outcome: ScrubOutcome::Good, bytes: 500_000, bad: Vec::new() };
        assert_eq!(world.scrub(&record).await?, good);
    }
    Ok(())
}

#[tokio::test]
async fn t8_a_scrub_names_every_bad_chunk_and_putting_them_again_heals() -> Result<(), BlobError> {
    for world in World::both().await {
        let record = world.push(&[b"one", b"two", b"three", b"two"]).await;
        for bad in [b"two".as_slice(), b"three"] {
            world.overwrite(&world.chunk_key(bad), raw(b"rot")).await;
        }
        let found = world.scrub(&record).await?;
        assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Bad, vec![chunk(b"two"), chunk(b"three")]));
        assert_eq!(found.bytes, 3);

        let chunks: Vec<Blake3Digest> = record.extents.iter().map(|extent| extent.chunk).collect();
        assert_eq!(world.blobs.missing(&world.namespace, &chunks[..3]).await?, chunks[1..3]);
        let required = world.blobs.require(&world.namespace, &[(record.digests, record.size)]).await;
        assert!(matches!(required, Err(BlobError::Missing(missing)) if missing.len() == 2));
        assert_eq!(world.put_raw(b"two").await?, Put::New);
        assert_eq!(world.put_raw(b"three").await?, Put::New);
        assert_eq!(world.scrub(&record).await?.outcome, ScrubOutcome::Good);
        assert_eq!(world.read(&record).await?, "onetwothreetwo");
    }
    Ok(())
}

#[tokio::test]
async fn a_scrub_says_what_is_missing() -> Result<(), BlobError> {
    let world = World::in_directory().await;
    let record = world.push(&[b"kept", b"lost"]).await;
    world.lose(&world.chunk_key(b"lost"));
    let found = world.scrub(&record).await?;
    assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Missing, vec![chunk(b"lost")]));

    world.lose(&world.record_key(&record));
    let found = world.scrub(&record).await?;
    let record_itself = (ObjectClass::Blob, NamedDigest::Blake3(record.digests.blake3));
    assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Missing, vec![record_itself]));
    Ok(())
}

#[tokio::test]
async fn t8_a_scrub_names_bad_records_and_aliases_and_a_push_heals_them() -> Result<(), BlobError> {
    for world in World::both().await {
        let record = world.push(&[b"content"]).await;
        let named_as = [
            (world.record_key(&record), (ObjectClass::Blob, NamedDigest::Blake3(record.digests.blake3))),
            (world.alias_key(&record), (ObjectClass::Alias, NamedDigest::Sha256(record.digests.sha256))),
        ];
        for (key, name) in named_as {
            world.overwrite(&key, b"rotten".as_slice()).await;
            let found = world.scrub(&record).await?;
            assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Bad, vec![name]));
            world.blobs.put_record(&world.namespace, record.clone(), None).await?;
            assert_eq!(world.scrub(&record).await?.outcome, ScrubOutcome::Good);
        }
    }
    Ok(())
}

#[tokio::test]
#[cfg(unix)]
async fn what_the_disk_cannot_read_is_bad_and_putting_it_again_heals() -> Result<(), BlobError> {
    let world = World::in_directory().await;
    let record = world.push(&[b"readable", b"not so"]).await;
    let key = world.chunk_key(b"not so");
    world.lose(&key);
    // Opening a link to itself fails with an error of the file system, like a bad sector.
    std::os::unix::fs::symlink(world.file(&key), world.file(&key)).expect("a link");
    let found = world.scrub(&record).await?;
    assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Bad, vec![chunk(b"not so")]));
    assert_eq!(world.put_raw(b"not so").await?, Put::New);
    assert_eq!(world.scrub(&record).await?.outcome, ScrubOutcome::Good);
    Ok(())
}

#[tokio::test]
async fn a_record_whose_good_chunks_make_another_blob_is_bad() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    let record = world.push(&[b"one", b"two"]).await;
    let mut forged = record.clone();
    forged.extents.reverse();
    world.overwrite(&world.record_key(&record), super::super::sealed::seal(&forged)).await;
    let found = world.scrub(&record).await?;
    let record_itself = (ObjectClass::Blob, NamedDigest::Blake3(record.digests.blake3));
    assert_eq!((found.outcome, named(&found)), (ScrubOutcome::Bad, vec![record_itself]));
    Ok(())
}

#[tokio::test]
async fn a_blob_that_is_another_than_was_published_is_bad() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    let record = world.push(&[b"content"]).await;
    let found = world.blobs.scrub(&world.namespace, &record.digests, record.size + 1, &Manner::Alone).await?;
    assert_eq!(found.outcome, ScrubOutcome::Bad);
    Ok(())
}

#[tokio::test]
async fn what_blobs_share_is_read_once_a_round() -> Result<(), BlobError> {
    for world in World::both().await {
        let one = world.push(&[b"shared", b"one"]).await;
        let other = world.push(&[b"shared", b"other"]).await;
        let scrub = async |record: &BlobRecord, manner: &Manner| {
            let found = world.blobs.scrub(&world.namespace, &record.digests, record.size, manner).await;
            found.map(|found| (found.outcome, found.bytes))
        };
        let again = Manner::Again(world.blobs.begin_round(None));
        assert_eq!(scrub(&one, &again).await?, (ScrubOutcome::Good, 9));
        assert_eq!(scrub(&other, &again).await?, (ScrubOutcome::Good, 5));
        assert_eq!(scrub(&one, &again).await?, (ScrubOutcome::Good, 0));
        let whole = Manner::Whole(world.blobs.begin_round(None));
        assert_eq!(scrub(&one, &whole).await?, (ScrubOutcome::Good, 9));
        assert_eq!(scrub(&other, &whole).await?, (ScrubOutcome::Good, 11), "all of it is hashed");

        world.overwrite(&world.chunk_key(b"shared"), raw(b"rot")).await;
        let next = Manner::Again(world.blobs.begin_round(None));
        assert_eq!(scrub(&one, &next).await?, (ScrubOutcome::Bad, 3));
        assert_eq!(
            scrub(&other, &next).await?,
            (ScrubOutcome::Bad, 5),
            "what is bad is never taken for read"
        );
        assert_eq!(scrub(&other, &Manner::Alone).await?.0, ScrubOutcome::Bad);
    }
    Ok(())
}

#[tokio::test]
async fn chunks_are_read_again_however_they_compare_to_what_was_said_of_them() -> Result<(), BlobError> {
    for world in World::both().await {
        // Of this chunk, the record uses the beginning alone.
        let large = noise(7, 300_000);
        world.put_raw(&large).await?;
        let extent = Extent { chunk: Blake3Digest::of(&large), offset: 0, length: 10 };
        let part = BlobRecord { digests: Digests::of(&large[..10]), size: 10, extents: vec![extent] };
        world.blobs.put_record(&world.namespace, part.clone(), None).await?;
        let contents: Vec<Vec<u8>> = (0..200).zip(1000..).map(|(n, length)| noise(n, length)).collect();
        let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
        let many = world.push(&contents).await;
        let again = async |record: &BlobRecord| {
            let manner = Manner::Again(world.blobs.begin_round(None));
            world.blobs.scrub(&world.namespace, &record.digests, record.size, &manner).await
        };
        let found = again(&part).await?;
        assert_eq!((found.outcome, found.bytes), (ScrubOutcome::Good, 300_000));
        let text = "compressible ".repeat(10_000);
        world
            .blobs
            .put_chunk(&world.namespace, Blake3Digest::of(text.as_bytes()), compressed(text.as_bytes()))
            .await?;
        let record = record_of(&[text.as_bytes()]);
        world.blobs.put_record(&world.namespace, record.clone(), None).await?;
        assert_eq!(again(&record).await?.bytes, record.size);
        assert_eq!(again(&many).await?.bytes, many.size);

        world.overwrite(&world.chunk_key(contents[3]), raw(b"rot")).await;
        world.overwrite(&world.chunk_key(contents[150]), b"no chunk".as_slice()).await;
        world.overwrite(&world.chunk_key(&large), raw(&noise(8, 300_000))).await;
        let found = again(&many).await?;
        assert_eq!(found.outcome, ScrubOutcome::Bad);
        let mut bad = named(&found);
        bad.sort_unstable_by_key(|(_, digest)| *digest != chunk(contents[3]).1);
        assert_eq!(bad, [chunk(contents[3]), chunk(contents[150])]);
        assert_eq!(named(&again(&part).await?), [chunk(&large)]);
    }
    Ok(())
}

#[tokio::test]
async fn what_needs_a_bad_object_is_found_without_reading_content() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    let one = world.push(&[b"shared", b"one"]).await;
    let other = world.push(&[b"shared", b"other"]).await;
    let alone = world.push(&[b"alone"]).await;
    let chunk_bad = |finding: &ScrubFinding| {
        let mut bad = BadObjects::default();
        finding.bad.iter().for_each(|object| assert!(bad.add(object)));
        bad
    };
    world.overwrite(&world.chunk_key(b"shared"), raw(b"rot")).await;
    let bad = chunk_bad(&world.scrub(&one).await?);
    let touched = async |record: &BlobRecord, bad: &BadObjects| {
        let found = world.blobs.touched_by(&world.namespace, &record.digests, None, bad).await;
        found.map(|found| (found.outcome, named(&found), found.bytes))
    };
    assert_eq!(touched(&other, &bad).await?, (ScrubOutcome::Bad, vec![chunk(b"shared")], 0));
    assert_eq!(touched(&alone, &bad).await?, (ScrubOutcome::Good, vec![], 0));
    let wanted = [(other.digests, other.size)];
    let required = world.blobs.require(&world.namespace, &wanted).await;
    assert!(
        matches!(required, Err(BlobError::Missing(missing)) if missing.len() == 1),
        "it counts as missing"
    );
    Ok(())
}

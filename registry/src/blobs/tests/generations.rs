//! What sweeps name is absent from then on, wherever it lies, until it is put again under its new key.

use std::sync::Arc;

use holdfast_formats::digest::NamedDigest;
use holdfast_formats::statement::{ObjectClass, SweepPhase};
use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::{LeafIndex, TreeSize};
use holdfast_verify::facts::{Effect, SweepFact};
use std::sync::atomic::Ordering;

use super::*;

fn at(index: u64) -> LeafIndex {
    LeafIndex::new(index).expect("a small number")
}

impl World {
    fn object(&self, class: ObjectClass, digest: NamedDigest, g: u64) -> SweptObject {
        SweptObject { class, namespace: self.namespace.clone(), digest, g: at(g) }
    }

    fn chunk(&self, content: &[u8], g: u64) -> SweptObject {
        self.object(ObjectClass::Chunk, NamedDigest::Blake3(Blake3Digest::of(content)), g)
    }

    /// Alias and record of a blob.
    fn naming(&self, record: &BlobRecord, g: u64) -> [SweptObject; 2] {
        [
            self.object(ObjectClass::Alias, NamedDigest::Sha256(record.digests.sha256), g),
            self.object(ObjectClass::Blob, NamedDigest::Blake3(record.digests.blake3), g),
        ]
    }

    /// A sweep that names these objects is logged and kept.
    fn swept(&mut self, index: u64, objects: &[SweptObject]) {
        self.begin_sweep(index, objects);
        self.index.writer.commit().expect("it is kept");
    }

    fn begin_sweep(&mut self, index: u64, objects: &[SweptObject]) {
        let writer = &mut self.index.writer;
        writer.begin().expect("a transaction begins");
        let sweep = SweepFact {
            index: at(index),
            phase: SweepPhase::End,
            artifacts: Vec::new(),
            objects: None,
            time: Timestamp::from_ms(0),
            swept: None,
        };
        writer.apply(&Effect::Sweep { sweep, objects: Arc::from(objects) }).expect("it is applied");
    }
}

#[tokio::test]
async fn t15_what_was_swept_is_put_again_under_its_new_key_and_a_late_delete_finds_only_the_old_one()
-> Result<(), BlobError> {
    for mut world in World::both().await {
        let record = world.push(&[b"content"]).await;
        let mut objects = world.naming(&record, 0).to_vec();
        objects.push(world.chunk(b"content", 0));
        let wanted = [(record.digests, record.size)];
        world.swept(9, &objects);
        let chunk = [Blake3Digest::of(b"content")];
        assert_eq!(world.blobs.missing(&world.namespace, &chunk).await?, chunk, "although it lies there");
        assert!(matches!(world.blobs.require(&world.namespace, &wanted).await, Err(BlobError::Missing(_))));
        assert!(matches!(world.read(&record).await, Err(BlobError::NotFound)));

        assert_eq!(world.push(&[b"content"]).await, record);
        world.blobs.require(&world.namespace, &wanted).await?;
        for _ in 0..2 {
            world.blobs.delete_swept(&objects).await?;
            assert_eq!(world.read(&record).await?, "content");
        }
        assert_eq!(world.store.head(&world.chunk_key(b"content")).await?, None);
        let found = world.blobs.find_by_sha256(&world.namespace, &record.digests.sha256).await?;
        assert_eq!(found, Some(record.digests.blake3));
    }
    Ok(())
}

#[tokio::test]
async fn a_good_record_is_no_word_for_chunks_that_a_sweep_named() -> Result<(), BlobError> {
    for mut world in World::both().await {
        let record = world.push(&[b"swept ", b"kept"]).await;
        let wanted = [(record.digests, record.size)];
        world.blobs.require(&world.namespace, &wanted).await?;
        let swept = [world.chunk(b"swept ", 0)];
        world.swept(3, &swept);
        let Err(BlobError::Missing(missing)) = world.blobs.require(&world.namespace, &wanted).await else {
            panic!("a chunk was swept");
        };
        assert_eq!(missing.iter().map(|m| m.chunk).collect::<Vec<_>>(), [Blake3Digest::of(b"swept ")]);
        assert!(matches!(
            world.blobs.put_record(&world.namespace, record.clone(), None).await,
            Err(BlobError::Missing(_))
        ));
        world.put_raw(b"swept ").await?;
        world.blobs.require(&world.namespace, &wanted).await?;
        assert_eq!(world.read(&record).await?, "swept kept");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_deleted_that_no_newer_sweep_named() -> Result<(), BlobError> {
    for mut world in World::both().await {
        world.push(&[b"one"]).await;
        world.push(&[b"two"]).await;
        let (one, two) = (world.chunk(b"one", 0), world.chunk(b"two", 0));
        world.swept(4, std::slice::from_ref(&one));
        for kept in [two.clone(), world.chunk(b"one", 4)] {
            let refused = world.blobs.delete_swept(&[one.clone(), kept]).await;
            assert!(matches!(refused, Err(BlobError::NotSwept(_))), "{refused:?}");
            assert!(world.store.head(&world.chunk_key(b"one")).await?.is_some(), "nor what stood beside it");
        }
        // A sweep that is not kept names nothing.
        world.begin_sweep(5, std::slice::from_ref(&two));
        world.index.writer.roll_back()?;
        assert!(matches!(world.blobs.delete_swept(&[two]).await, Err(BlobError::NotSwept(_))));
        assert_eq!(world.blobs.inner.index.newest_sweep(), at(4));
        world.blobs.delete_swept(&[one]).await?;
        assert_eq!(world.store.head(&world.chunk_key(b"one")).await?, None);
        assert!(world.store.head(&world.chunk_key(b"two")).await?.is_some());
    }
    Ok(())
}

#[tokio::test]
async fn whoever_looks_for_what_is_condemned_rescues_it() -> Result<(), BlobError> {
    let world = World::in_memory().await;
    let record = world.push(&[b"needed ", b"again"]).await;
    let other = world.push(&[b"not needed"]).await;
    let wanted = [(record.digests, record.size)];
    world.blobs.require(&world.namespace, &wanted).await?;
    let chunks = [world.chunk(b"again", 0), world.chunk(b"not needed", 0)];
    let condemning = world.blobs.condemn(chunks.to_vec()).expect("nothing else is condemned");
    assert!(world.blobs.condemn(Vec::new()).is_none(), "one at a time");
    let check = condemning.check(TreeSize::ZERO);
    assert!(condemning.take_rescued().is_empty());
    // What is known of the record says nothing: its chunks are looked for one by one.
    world.blobs.require(&world.namespace, &wanted).await?;
    assert!(check.is_needed.load(Ordering::SeqCst));
    assert_eq!(condemning.take_rescued(), chunks[..1]);
    assert!(!check.is_needed.load(Ordering::SeqCst), "the sweeper knows of it now");
    world.blobs.require(&world.namespace, &wanted).await?;
    assert!(condemning.take_rescued().is_empty(), "it is off the list");
    drop(condemning);
    world.blobs.require(&world.namespace, &[(other.digests, other.size)]).await?;
    let again = world.blobs.condemn(chunks.to_vec()).expect("the list was lifted");
    assert!(again.take_rescued().is_empty());
    Ok(())
}

#[tokio::test]
async fn generations_are_known_again_after_a_restart() -> Result<(), BlobError> {
    let mut world = World::in_directory().await;
    world.push(&[b"content"]).await;
    let chunk = world.chunk(b"content", 0);
    world.swept(7, std::slice::from_ref(&chunk));
    world.index.reopen();
    world.restart();
    assert_eq!(world.blobs.inner.index.newest_sweep(), at(7));
    let digest = [Blake3Digest::of(b"content")];
    assert_eq!(world.blobs.missing(&world.namespace, &digest).await?, digest);
    world.put_raw(b"content").await?;
    let second = world.chunk(b"content", 7);
    world.swept(12, std::slice::from_ref(&second));
    world.put_raw(b"content").await?;
    world.blobs.delete_swept(&[chunk, second]).await?;
    assert!(world.blobs.missing(&world.namespace, &digest).await?.is_empty());
    let third = ObjectKey::of_content(&world.chunk(b"content", 12)).expect("a valid key");
    assert_eq!(world.store.get(&third).await?, raw(b"content"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_parent_and_no_earlier_check_vouches_for_chunks_of_a_catalog_that_a_sweep_named()
-> Result<(), BlobError> {
    let mut world = World::in_memory().await;
    let (bytes, listing, contents) = catalogs::many(20);
    for content in &contents {
        world.put_raw(content).await?;
    }
    let (catalog, _) = world.push_catalog(&bytes).await;
    let checked = async |world: &World| {
        world.blobs.require_catalog(&world.namespace, &catalog, listing, Some(&catalog)).await
    };
    checked(&world).await?;
    let mut named = [world.chunk(&contents[3], 0), world.chunk(&contents[7], 0)];
    named.sort_by_key(|object| object.digest);
    let condemning = world.blobs.condemn(named.to_vec()).expect("nothing else is condemned");
    checked(&world).await?;
    let mut rescued = condemning.take_rescued();
    rescued.sort_by_key(|object| object.digest);
    assert_eq!(rescued, named);
    drop(condemning);

    world.swept(5, &named);
    for _ in 0..2 {
        let Err(BlobError::Missing(missing)) = checked(&world).await else { panic!("two were swept") };
        let missing: Vec<_> = missing.iter().map(|m| NamedDigest::Blake3(m.chunk)).collect();
        assert_eq!(missing, named.iter().map(|object| object.digest).collect::<Vec<_>>());
        world.restart();
    }
    world.put_raw(&contents[3]).await?;
    world.put_raw(&contents[7]).await?;
    checked(&world).await
}

//! One suite that every backend runs, and what only a local directory promises.
//!
//! `HOLDFAST_TEST_S3=s3://BUCKET` (with the usual `AWS_*` variables) adds a bucket to the backends.

mod fakes;
mod local;

use std::num::NonZeroUsize;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::future::join_all;
use holdfast_formats::digest::{Blake3Digest, NamedDigest};
use holdfast_formats::statement::ObjectClass;
use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::tree::LeafIndex;
use tempfile::TempDir;

use super::*;
use crate::blocking::Blocking;
use crate::clock::SystemClock;
use crate::randomness::random_hex;
use crate::telemetry::Fatal;

const DIGEST: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

fn host() -> Host {
    let slots = NonZeroUsize::new(8).expect("eight is not zero");
    Host { blocking: Blocking::new(slots), clock: SystemClock::shared(), fatal: Fatal::process() }
}

async fn open(location: &str) -> Store {
    let location = location.parse().expect("the location is valid");
    Store::open(&location, host()).await.expect("the store opens")
}

async fn open_directory(directory: &TempDir) -> Store {
    open(directory.path().to_str().expect("temporary paths are UTF-8")).await
}

/// Every backend at hand, empty. The directory lives as long as the test.
async fn backends() -> (Vec<Store>, TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut stores = vec![open_directory(&directory).await, open("memory:").await];
    if let Ok(bucket) = std::env::var("HOLDFAST_TEST_S3") {
        stores.push(open(&format!("{bucket}/{}", random_hex())).await);
    }
    (stores, directory)
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_of_100_writers_of_one_slot_exactly_one_wins_and_its_bytes_stay() -> Result<(), ObjectError> {
    let (stores, _directory) = backends().await;
    for store in stores {
        let key = ObjectKey::commit(20_000);
        let bytes = |n: usize| Bytes::from(format!("writer {n}"));
        let outcomes = join_all((0..100).map(|n| store.create_durable(&key, bytes(n)))).await;
        let mut winners = Vec::new();
        for (n, outcome) in outcomes.into_iter().enumerate() {
            if outcome? == Created::New {
                winners.push(n);
            }
        }
        let [winner] = winners[..] else { panic!("{store:?}: winners {winners:?}") };
        assert_eq!(store.get(&key).await?, bytes(winner), "{store:?}");
        assert_eq!(store.create(&key, bytes(100)).await?, Created::AlreadyExisted, "{store:?}");
        assert_eq!(store.get(&key).await?, bytes(winner), "{store:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_object_larger_than_its_kind_ever_is_is_not_read_into_memory() -> Result<(), ObjectError> {
    let (stores, _directory) = backends().await;
    for store in stores {
        let key = ObjectKey::checkpoint();
        let most = usize::try_from(key.bytes_max()).expect("it fits");
        store.replace(&key, Bytes::from(vec![b'x'; most])).await?;
        assert_eq!(store.get(&key).await?.len(), most, "{store:?}");
        store.replace(&key, Bytes::from(vec![b'x'; most + 1])).await?;
        let refused = store.get(&key).await;
        assert!(matches!(refused, Err(ObjectError::TooLarge { .. })), "{store:?}: {refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn listings_are_in_key_order_and_go_on_after_any_key() -> Result<(), ObjectError> {
    let (stores, _directory) = backends().await;
    for store in stores {
        for n in [10_001, 3, 9_999, 0, 10_000] {
            store.create(&ObjectKey::commit(n), Bytes::from_static(b"four")).await?;
        }
        store.create(&ObjectKey::chunk("shop", DIGEST, 0)?, Bytes::from_static(b"elsewhere")).await?;

        let all: Vec<Listed> = store.list(&KeyPrefix::commits()).try_collect().await?;
        let keys: Vec<&str> = all.iter().map(Listed::key).collect();
        let expected: Vec<ObjectKey> = [0, 3, 9_999, 10_000, 10_001].map(ObjectKey::commit).to_vec();
        assert_eq!(keys, expected.iter().map(ObjectKey::as_str).collect::<Vec<_>>(), "{store:?}");
        assert!(all.iter().all(|object| object.size_bytes() == 4 && object.modified_ms() > 0), "{store:?}");

        let later: Vec<Listed> = store.list_after(&KeyPrefix::commits(), &expected[2]).try_collect().await?;
        let names: Vec<&str> = later.iter().map(Listed::name).collect();
        assert_eq!(names, ["00000000000000010000", "00000000000000010001"], "{store:?}");

        let nothing: Vec<Listed> = store.list(&KeyPrefix::blobs("shop")?).try_collect().await?;
        assert!(nothing.is_empty(), "{store:?}");
    }
    Ok(())
}

#[tokio::test]
async fn ranges_are_exact_or_refused() -> Result<(), ObjectError> {
    let (stores, _directory) = backends().await;
    for store in stores {
        let key = ObjectKey::chunk("shop", DIGEST, 0)?;
        store.create(&key, Bytes::from_static(b"0123456789")).await?;
        assert_eq!(store.get_range(&key, 2..5).await?, "234", "{store:?}");
        assert_eq!(store.get_range(&key, 9..10).await?, "9", "{store:?}");
        #[expect(clippy::reversed_empty_ranges, reason = "what a careless client asks for")]
        for beyond in [0..11, 10..12, 20..30, 5..5, 6..5] {
            let refused = store.get_range(&key, beyond.clone()).await;
            assert!(
                matches!(refused, Err(ObjectError::OutOfRange { .. })),
                "{store:?} {beyond:?} {refused:?}"
            );
        }
        let absent = store.get_range(&ObjectKey::checkpoint(), 0..1).await;
        assert!(absent.is_err_and(|error| error.is_not_found()), "{store:?}");
    }
    Ok(())
}

#[tokio::test]
async fn absent_objects_are_not_found_and_replaced_ones_are_new() -> Result<(), ObjectError> {
    let (stores, _directory) = backends().await;
    for store in stores {
        let key = ObjectKey::tile("tile/0/x001/067.p/8")?;
        assert_eq!(store.head(&key).await?, None, "{store:?}");
        assert!(store.get(&key).await.is_err_and(|error| error.is_not_found()), "{store:?}");
        store.replace(&key, Bytes::from_static(b"old")).await?;
        store.replace(&key, Bytes::from_static(b"newer")).await?;
        assert_eq!(store.head(&key).await?, Some(5), "{store:?}");
        assert_eq!(store.get(&key).await?, "newer", "{store:?}");
        store.barrier().await?;
        store.make_durable(&key).await?;
    }
    Ok(())
}

#[tokio::test]
async fn empty_objects_are_objects() -> Result<(), ObjectError> {
    let (stores, _directory) = backends().await;
    for store in stores {
        let key = ObjectKey::attachment(DIGEST)?;
        assert_eq!(store.create_durable(&key, Bytes::new()).await?, Created::New, "{store:?}");
        assert_eq!(store.head(&key).await?, Some(0), "{store:?}");
        assert!(store.get(&key).await?.is_empty(), "{store:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_backend_passes_the_probe_and_keeps_our_time() -> Result<(), ProbeError> {
    let (stores, _directory) = backends().await;
    for store in stores {
        store.probe().await?;
        let skew_ms = store.store_time_skew_ms().await?;
        assert_eq!(skew_ms.is_none(), store.is_local(), "{store:?}");
        assert!(skew_ms.unwrap_or(0).abs() < 5_000, "{store:?} {skew_ms:?}");
    }
    Ok(())
}

#[tokio::test]
async fn content_is_listed_by_class_and_only_what_a_newer_sweep_named_is_deleted()
-> Result<(), Box<dyn std::error::Error>> {
    let (stores, _directory) = backends().await;
    for store in stores {
        let shop = "shop".parse()?;
        let digest = |n: u8| NamedDigest::Blake3(Blake3Digest::of(&[n]));
        let object = |n: u8, g: u64| SweptObject {
            class: ObjectClass::Chunk,
            namespace: "shop".parse().expect("a name"),
            digest: digest(n),
            g: LeafIndex::new(g).expect("a small number"),
        };
        for n in 0..40 {
            let key = ObjectKey::of_content(&object(n, 0))?;
            store.create(&key, Bytes::from_static(b"four")).await?;
        }
        store.create(&ObjectKey::of_content(&object(3, 8))?, Bytes::from_static(b"five5")).await?;
        store.create(&ObjectKey::alias("bank", "sha256", DIGEST, 0)?, Bytes::new()).await?;
        let names: Vec<String> = store.namespaces().await?.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["bank", "shop"], "{store:?}");

        let listed: Vec<StoredContent> = store.list_content(ObjectClass::Chunk, &shop)?.try_collect().await?;
        assert_eq!(listed.len(), 41, "{store:?}");
        assert!(listed.is_sorted_by_key(|stored| stored.object.digest), "{store:?}");
        let newest = listed.iter().find(|stored| stored.object == object(3, 8)).ok_or("it is listed")?;
        assert_eq!(newest.size_bytes, 5, "{store:?}");
        assert!(store.list_content(ObjectClass::Blob, &shop)?.try_next().await?.is_none(), "{store:?}");
        let aliases = store.list_content(ObjectClass::Alias, &"bank".parse()?)?;
        assert_eq!(aliases.try_collect::<Vec<_>>().await?.len(), 1, "{store:?}");

        let superseded = |n, g, newest: u64| {
            let newest = LeafIndex::new(newest).expect("a small number");
            Superseded::by(&object(n, g), newest).expect("a valid key").expect("it was named")
        };
        for _ in 0..2 {
            store.delete(vec![superseded(3, 0, 8), superseded(4, 0, 8), superseded(77, 0, 8)]).await?;
            store.barrier().await?;
            let left = store.list_content(ObjectClass::Chunk, &shop)?.try_collect::<Vec<_>>().await?;
            assert_eq!(left.len(), 39, "{store:?}: what is not there is fine");
            assert_eq!(store.get(&ObjectKey::of_content(&object(3, 8))?).await?, "five5", "{store:?}");
        }
        store.delete(Vec::new()).await?;
    }
    Ok(())
}

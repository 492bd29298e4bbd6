use std::sync::{Arc, Mutex};

use holdfast_formats::chunk::{ChunkHeader, Codec};
use holdfast_formats::chunk_frame::split_frame;
use holdfast_formats::wire::v1::Problem;

use super::*;
use crate::progress::Quiet;
use crate::source;
use crate::test_server::{Answer, Asked, TestServer};
use crate::transport::Address;

/// What a namespace holds: chunks by digest.
type Store = Arc<Mutex<std::collections::BTreeMap<String, Vec<u8>>>>;

fn json<T: serde::Serialize>(record: &T) -> Answer {
    Answer::new(200, "", &serde_json::to_vec(record).unwrap())
}

fn put(store: &Store, mut frames: &[u8]) -> Answer {
    let mut new = 0;
    while let Some((chunk, object, rest)) = split_frame(frames) {
        let (header, stored) = ChunkHeader::parse(object).unwrap();
        let bytes = match header.codec {
            Codec::Raw => stored.to_vec(),
            Codec::Zstd => zstd::bulk::decompress(stored, header.length as usize).unwrap(),
        };
        assert_eq!(Blake3Digest::of(&bytes), chunk);
        new += u32::from(store.lock().unwrap().insert(chunk.to_string(), bytes).is_none());
        frames = rest;
    }
    assert!(frames.is_empty());
    json(&ChunksStored { new })
}

/// Behaves as a registry does: a blob is accepted when its chunks are there and make up its bytes.
fn answer(store: &Store, asked: &Asked) -> Answer {
    if asked.line.contains("/chunks ") || asked.line.contains("/chunks?") {
        return put(store, &asked.body);
    }
    if asked.line.contains("/missing") {
        let query: MissingQuery = serde_json::from_slice(&asked.body).unwrap();
        let held = store.lock().unwrap();
        let missing = query.chunks.into_iter().filter(|c| !held.contains_key(&c.to_string())).collect();
        return json(&MissingAnswer { missing });
    }
    let (blob, frames) = BlobRecord::split(&asked.body).unwrap();
    put(store, frames);
    let held = store.lock().unwrap();
    let (mut bytes, mut missing) = (Vec::new(), Vec::new());
    for extent in &blob.extents {
        let offset = bytes.len() as u64;
        match held.get(&extent.chunk.to_string()) {
            Some(chunk) => bytes.extend_from_slice(chunk),
            None => {
                missing.push(MissingChunk { chunk: extent.chunk, offset, length: u64::from(extent.length) });
            }
        }
    }
    if !missing.is_empty() {
        let problem =
            Problem { missing: Some(missing), ..Problem::new(ProblemCode::ContentMissing, "send it again") };
        return Answer::new(409, "", &serde_json::to_vec(&problem).unwrap());
    }
    assert_eq!(holdfast_formats::digest::Digests::of(&bytes), blob.digests);
    json(&BlobStored { digests: blob.digests, size: ByteSize::of(&bytes) })
}

async fn registry() -> (TestServer, Store) {
    let store = Store::default();
    let held = Arc::clone(&store);
    (TestServer::start(move |asked| answer(&held, asked)).await, store)
}

async fn send(server: &TestServer, root: &std::path::Path) -> Result<(Vec<File>, Content), ClientError> {
    let transport = Transport::new(Address::parse(&server.url).unwrap(), None).unwrap();
    upload(&transport, &"shop".parse().unwrap(), source::list(root).unwrap(), &Quiet).await
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn a_second_push_sends_no_chunk_again() {
    let (server, _) = registry().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("big"), noise(6_000_000)).unwrap();
    std::fs::write(folder.path().join("copy"), noise(6_000_000)).unwrap();
    std::fs::write(folder.path().join("empty"), b"").unwrap();
    let (files, first) = send(&server, folder.path()).await.unwrap();
    assert_eq!((files.len(), first.bytes), (3, 12_000_000));
    assert!((6_000_000..6_100_000).contains(&first.new_bytes), "{}", first.new_bytes);
    let (again, second) = send(&server, folder.path()).await.unwrap();
    assert_eq!((again, second.new_bytes), (files, 0));
}

#[tokio::test]
async fn a_small_file_is_sent_at_once_with_its_record() {
    let (server, _) = registry().await;
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("a", "small"), ("b", "small"), ("c", "other")] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let (_, first) = send(&server, folder.path()).await.unwrap();
    assert_eq!((first.bytes, first.new_bytes), (15, 2 * (32 + 5)));
    let asked = server.asked();
    assert_eq!(asked.iter().filter(|asked| asked.line.contains("/blobs ")).count(), 3);
    assert_eq!(asked.len(), 3, "nothing was asked for, and no chunk came alone");
}

#[tokio::test]
async fn many_uploads_of_one_process_do_not_wait_for_each_other() {
    let (server, _) = registry().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("big"), noise(40 * 1024 * 1024)).unwrap();
    let uploads = (0..12).map(|_| send(&server, folder.path()));
    let all = tokio::time::timeout(Duration::from_mins(1), future::try_join_all(uploads)).await;
    assert_eq!(all.expect("they end").unwrap().len(), 12);
}

#[tokio::test]
async fn a_chunk_that_ended_in_between_is_read_and_sent_again() {
    let store = Store::default();
    let held = Arc::clone(&store);
    let swept = std::sync::atomic::AtomicBool::new(false);
    let server = TestServer::start(move |asked| {
        if asked.line.contains("/blobs") && !swept.swap(true, std::sync::atomic::Ordering::SeqCst) {
            let first = held.lock().unwrap().keys().next().cloned().unwrap();
            held.lock().unwrap().remove(&first);
        }
        answer(&held, asked)
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("big"), noise(5_000_000)).unwrap();
    let (files, content) = send(&server, folder.path()).await.unwrap();
    assert_eq!(files.len(), 1);
    assert!(content.new_bytes > 5_000_000);
}

#[tokio::test]
async fn a_file_that_vanishes_is_reported_by_name() {
    let (server, _) = registry().await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("gone");
    std::fs::write(&place, b"x").unwrap();
    let files = source::list(folder.path()).unwrap();
    std::fs::remove_file(&place).unwrap();
    let transport = Transport::new(Address::parse(&server.url).unwrap(), None).unwrap();
    let error = upload(&transport, &"shop".parse().unwrap(), files, &Quiet).await.unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
}

use std::sync::{Arc, Mutex};

use holdfast_formats::chunk::{ChunkHeader, Codec};
use holdfast_formats::chunk_frame::split_frame;
use holdfast_formats::wire::v1::{ChunksStored, MissingAnswer, MissingQuery, Problem};

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
    assert_eq!(Digests::of(&bytes), blob.digests);
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

async fn send_stream(
    server: &TestServer,
    stream: impl Read + Send + 'static,
) -> Result<(Digests, ByteSize, Content), ClientError> {
    let transport = Transport::new(Address::parse(&server.url).unwrap(), None).unwrap();
    upload_stream(&transport, &"shop".parse().unwrap(), Box::new(stream), &Quiet).await
}

#[tokio::test]
async fn a_stream_becomes_the_blob_that_a_file_of_its_bytes_is_and_shares_its_chunks() {
    let (server, _) = registry().await;
    for length in [0, 5, 20_000_000] {
        let bytes = noise(length);
        let (digests, size, first) = send_stream(&server, std::io::Cursor::new(bytes.clone())).await.unwrap();
        assert_eq!((digests, size.get()), (Digests::of(&bytes), length as u64));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), &bytes).unwrap();
        let (files, second) = send(&server, folder.path()).await.unwrap();
        assert_eq!(files[0].digests, digests);
        assert!(first.new_bytes >= length as u64 && (length < 10 || second.new_bytes == 0));
    }
}

/// Gives some bytes, then fails.
struct Torn(u64);

impl Read for Torn {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.min(into.len() as u64);
        self.0 -= length;
        match usize::try_from(length).unwrap() {
            0 => Err(std::io::Error::other("torn")),
            length => Ok(length),
        }
    }
}

#[tokio::test]
async fn a_stream_that_fails_at_any_point_records_no_blob() {
    let (server, _) = registry().await;
    for length in [0, 5, 300_000, 40_000_000] {
        let error = send_stream(&server, Torn(length)).await.unwrap_err();
        assert!(matches!(error, ClientError::Stream(StreamError::Read(_))), "{error}");
    }
    assert!(server.asked().iter().all(|asked| !asked.line.contains("/blobs")));
}

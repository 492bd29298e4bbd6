//! Content over a memory store and over a directory.

mod bombs;
mod budget;
mod catalogs;
mod drafts;
mod flips;
mod generations;
mod leftovers;
mod ranges;
mod scrubs;
mod together;
mod uploads;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use holdfast_formats::blob::{BlobRecord, Extent};
use holdfast_formats::chunk::{ChunkHeader, Codec};
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::name::Namespace;
use tempfile::TempDir;

use super::{BlobError, Blobs, Put};
use crate::blocking::Blocking;
use crate::clock::SystemClock;
use crate::index::{Index, Writer};
use crate::objects::{Host, ObjectKey, Store};
use crate::telemetry::Fatal;

const BUDGET_BYTES: u64 = 128 * 1024 * 1024;

/// A store, and the content in it as one process sees it.
struct World {
    store: Store,
    blobs: Blobs,
    namespace: Namespace,
    directory: Option<TempDir>,
    index: TestIndex,
}

impl World {
    async fn in_memory() -> Self {
        Self::at("memory:", None).await
    }

    async fn in_directory() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let location = directory.path().to_str().expect("temporary paths are UTF-8").to_owned();
        Self::at(&location, Some(directory)).await
    }

    async fn both() -> [Self; 2] {
        [Self::in_memory().await, Self::in_directory().await]
    }

    async fn at(location: &str, directory: Option<TempDir>) -> Self {
        let blocking = blocking();
        let host = Host { blocking: blocking.clone(), clock: SystemClock::shared(), fatal: Fatal::process() };
        let location = location.parse().expect("the location is valid");
        let store = Store::open(&location, host).await.expect("the store opens");
        let index = TestIndex::new(blocking.clone());
        let blobs = Blobs::new(store.clone(), index.index.clone(), blocking, BUDGET_BYTES);
        Self { store, blobs, namespace: namespace("shop"), directory, index }
    }

    /// The process ends and another one starts on the same store.
    fn restart(&mut self) {
        self.with_budget(usize::try_from(BUDGET_BYTES).expect("it is small"));
    }

    fn with_budget(&mut self, bytes: usize) {
        self.blobs = Blobs::new(self.store.clone(), self.index.index.clone(), blocking(), bytes as u64);
    }

    async fn put_raw(&self, content: &[u8]) -> Result<Put, BlobError> {
        self.blobs.put_chunk(&self.namespace, Blake3Digest::of(content), raw(content)).await
    }

    /// Puts the chunks and the record of the blob that they make.
    async fn push(&self, chunks: &[&[u8]]) -> BlobRecord {
        for chunk in chunks {
            self.put_raw(chunk).await.expect("a good chunk is taken");
        }
        let record = record_of(chunks);
        self.blobs.put_record(&self.namespace, record.clone(), None).await.expect("a good record is taken");
        record
    }

    async fn read(&self, record: &BlobRecord) -> Result<Bytes, BlobError> {
        self.read_range(record, None).await
    }

    async fn read_range(&self, record: &BlobRecord, range: Option<(u64, u64)>) -> Result<Bytes, BlobError> {
        let reader = self.blobs.reader(&self.namespace, record.digests.blake3, range).await?;
        assert_eq!((*reader.digests(), reader.size_bytes()), (record.digests, record.size));
        let all: BytesMut = reader.into_stream().try_collect().await?;
        Ok(all.freeze())
    }

    async fn overwrite(&self, key: &ObjectKey, object: impl Into<Bytes>) {
        self.store.replace(key, object.into()).await.expect("the store takes it");
    }

    /// Where a chunk is as long as no sweep names it.
    fn chunk_key(&self, content: &[u8]) -> ObjectKey {
        let digest = Blake3Digest::of(content).to_string();
        ObjectKey::chunk(self.namespace.as_str(), &digest, 0).expect("a valid key")
    }

    fn record_key(&self, record: &BlobRecord) -> ObjectKey {
        let digest = record.digests.blake3.to_string();
        ObjectKey::blob(self.namespace.as_str(), &digest, 0).expect("a valid key")
    }

    fn alias_key(&self, record: &BlobRecord) -> ObjectKey {
        let digest = record.digests.sha256.to_string();
        ObjectKey::alias(self.namespace.as_str(), "sha256", &digest, 0).expect("a valid key")
    }

    /// Loses an object, as a disk does. Only in a directory.
    fn lose(&self, key: &ObjectKey) {
        std::fs::remove_file(self.file(key)).expect("the object was there");
    }

    fn file(&self, key: &ObjectKey) -> PathBuf {
        self.directory.as_ref().expect("this world is in a directory").path().join(key.as_str())
    }
}

/// An index in which sweeps can be made to have happened.
struct TestIndex {
    index: Index,
    writer: Writer,
    folder: TempDir,
}

impl TestIndex {
    fn new(blocking: Blocking) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("index.sqlite");
        let (index, mut writer) = Index::open(&path, blocking, 0).expect("the index opens");
        writer.finish().expect("it is made");
        Self { index, writer, folder }
    }

    /// The process ends and another one opens the same file.
    fn reopen(&mut self) {
        let path = self.folder.path().join("index.sqlite");
        (self.index, self.writer) = Index::open(&path, blocking(), 0).expect("the index opens");
    }
}

fn blocking() -> Blocking {
    Blocking::new(NonZeroUsize::new(8).expect("eight is not zero"))
}

fn namespace(text: &str) -> Namespace {
    text.parse().expect("a valid namespace")
}

fn raw(content: &[u8]) -> Bytes {
    object(Codec::Raw, content.len(), content)
}

fn compressed(content: &[u8]) -> Bytes {
    object(Codec::Zstd, content.len(), &zstd::bulk::compress(content, 3).expect("it compresses"))
}

fn object(codec: Codec, length: usize, stored: &[u8]) -> Bytes {
    let length = u32::try_from(length).expect("a chunk is small");
    [ChunkHeader { codec, length }.encode().as_slice(), stored].concat().into()
}

fn record_of(chunks: &[&[u8]]) -> BlobRecord {
    let extent = |chunk: &&[u8]| Extent {
        chunk: Blake3Digest::of(chunk),
        offset: 0,
        length: u32::try_from(chunk.len()).expect("a chunk is small"),
    };
    let whole = chunks.concat();
    BlobRecord {
        digests: Digests::of(&whole),
        size: u64::try_from(whole.len()).expect("a test blob is small"),
        extents: chunks.iter().map(extent).collect(),
    }
}

/// Bytes that do not compress, different for each seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof().fill(&mut out);
    out
}

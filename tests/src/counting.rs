//! A store that counts what it is asked.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// Objects in memory, and how often anything was asked of them below the content's prefixes.
#[derive(Debug)]
pub struct CountingStore {
    truth: InMemory,
    asked: AtomicU64,
}

impl CountingStore {
    /// An empty store.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { truth: InMemory::new(), asked: AtomicU64::new(0) })
    }

    /// How many requests for content, aliases, records or attachments came since the last call.
    pub fn take_asked(&self) -> u64 {
        self.asked.swap(0, Ordering::SeqCst)
    }

    /// The node looks for the next commit and writes tiles and checkpoint by itself, whatever anybody asks; that is not
    /// counted.
    fn count(&self, location: &str) {
        let is_own =
            ["log/commits", "log/tile", "log/checkpoint"].iter().any(|own| location.starts_with(own));
        if !is_own {
            self.asked.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl fmt::Display for CountingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountingStore")
    }
}

#[async_trait]
impl ObjectStore for CountingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.count(location.as_ref());
        self.truth.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.count(to.as_ref());
        self.truth.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.count(location.as_ref());
        self.truth.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.count(location.as_ref());
        self.truth.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.count("");
        self.truth.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.count(prefix.map_or("", AsRef::as_ref));
        self.truth.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.count(prefix.map_or("", AsRef::as_ref));
        self.truth.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.count(from.as_ref());
        self.truth.copy_opts(from, to, options).await
    }
}

//! A store whose writes fail in the ways that networks and servers fail, one planned fault after the other.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::Semaphore;

/// How one write goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is stored, but the answer is lost.
    StoredThenTimeout,
    /// It is stored, but the answer is a server error.
    StoredThenServerError,
    /// It is stored, the answer is lost, and the store's client tries again and is told 412 of its own success.
    StoredThenPrecondition,
    /// It is not stored, and no answer comes.
    LostThenTimeout,
    /// No answer comes, and it is stored this much later.
    StoredLate(Duration),
    /// The condition is not looked at: whatever was there is replaced.
    ConditionIgnored,
    /// Nothing goes wrong, but it takes until somebody adds a permit.
    Held(Arc<Semaphore>),
}

/// Objects in memory, with planned faults.
#[derive(Debug)]
pub struct FaultyStore {
    truth: Arc<InMemory>,
    planned: Mutex<VecDeque<(String, Fault)>>,
    forever: Option<Fault>,
}

impl FaultyStore {
    /// A store without faults until some are planned.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { truth: Arc::new(InMemory::new()), planned: Mutex::default(), forever: None })
    }

    /// A store on which every write goes wrong in the same way.
    pub fn always(fault: Fault) -> Arc<Self> {
        Arc::new(Self { truth: Arc::new(InMemory::new()), planned: Mutex::default(), forever: Some(fault) })
    }

    /// The next write of an object below `prefix` goes wrong. Faults are met in the order in which they are planned.
    pub fn plan(&self, prefix: &str, fault: Fault) {
        self.planned().push_back((prefix.to_owned(), fault));
    }

    /// Whether every planned fault was met.
    pub fn is_done(&self) -> bool {
        self.planned().is_empty()
    }

    fn planned(&self) -> std::sync::MutexGuard<'_, VecDeque<(String, Fault)>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, location: &Path) -> Option<Fault> {
        let mut planned = self.planned();
        match planned.front() {
            Some((prefix, _)) if location.as_ref().starts_with(prefix.as_str()) => {
                planned.pop_front().map(|(_, fault)| fault)
            }
            _ => self.forever.clone(),
        }
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

fn unanswered(what: &'static str) -> Error {
    Error::Generic { store: "S3", source: what.into() }
}

fn precondition(location: &Path) -> Error {
    let path = location.to_string();
    let inner = Error::Precondition { path: path.clone(), source: "412 Precondition Failed".into() };
    Error::AlreadyExists { path, source: Box::new(inner) }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let Some(fault) = self.take(location) else {
            return self.truth.put_opts(location, payload, options).await;
        };
        match fault {
            Fault::StoredThenTimeout => {
                self.truth.put_opts(location, payload, options).await?;
                Err(unanswered("operation timed out"))
            }
            Fault::StoredThenServerError => {
                self.truth.put_opts(location, payload, options).await?;
                Err(unanswered("Server returned non-2xx status code: 500 Internal Server Error"))
            }
            Fault::StoredThenPrecondition => {
                self.truth.put_opts(location, payload, options).await?;
                Err(precondition(location))
            }
            Fault::Held(until) => {
                until.acquire().await.map_err(|_| unanswered("operation timed out"))?.forget();
                self.truth.put_opts(location, payload, options).await
            }
            Fault::LostThenTimeout => Err(unanswered("operation timed out")),
            Fault::StoredLate(late) => {
                let (truth, location) = (Arc::clone(&self.truth), location.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(late).await;
                    truth.put_opts(&location, payload, options).await
                });
                Err(unanswered("operation timed out"))
            }
            Fault::ConditionIgnored => {
                let options = PutOptions { mode: PutMode::Overwrite, ..options };
                self.truth.put_opts(location, payload, options).await
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.truth.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.truth.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.truth.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.truth.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.truth.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.truth.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.truth.copy_opts(from, to, options).await
    }
}

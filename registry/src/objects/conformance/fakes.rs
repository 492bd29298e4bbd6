//! Stores that lie, and what the registry does about them.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// Conditions are ignored, as by garage.
    ConditionsIgnored,
    /// Looks, waits, then writes, as versitygw does.
    CheckThenWrite,
    /// The first answers say "exists" of what does not, as S3's 409 when a delete races.
    PhantomConflict,
    /// The store has no room.
    Full,
}

#[derive(Debug)]
struct Liar {
    truth: InMemory,
    lie: Lie,
    puts: AtomicUsize,
}

impl fmt::Display for Liar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Liar({:?})", self.lie)
    }
}

impl Liar {
    fn store(lie: Lie) -> Store {
        let liar = Self { truth: InMemory::new(), lie, puts: AtomicUsize::new(0) };
        Store::from_object_store(Arc::new(liar), host())
    }

    fn conflict(location: &Path) -> object_store::Error {
        object_store::Error::AlreadyExists { path: location.to_string(), source: "409 Conflict".into() }
    }
}

#[async_trait]
impl ObjectStore for Liar {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let nth = self.puts.fetch_add(1, Ordering::SeqCst);
        match self.lie {
            Lie::ConditionsIgnored => self.truth.put(location, payload).await,
            Lie::CheckThenWrite if options.mode == PutMode::Create => {
                if self.truth.head(location).await.is_ok() {
                    return Err(Self::conflict(location));
                }
                tokio::task::yield_now().await;
                self.truth.put(location, payload).await
            }
            Lie::PhantomConflict if nth < 2 => Err(Self::conflict(location)),
            Lie::Full => Err(object_store::Error::Generic {
                store: "S3",
                source: "Server returned non-2xx status code: 507 Insufficient Storage: ".into(),
            }),
            Lie::CheckThenWrite | Lie::PhantomConflict => {
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

#[tokio::test]
async fn t42_store_that_ignores_conditions_is_refused() {
    for lie in [Lie::ConditionsIgnored, Lie::CheckThenWrite] {
        let refused = Liar::store(lie).probe().await.expect_err("the probe sees the lie");
        assert!(refused.to_string().contains("this store ignores create-if-absent"), "{lie:?}: {refused}");
    }
}

#[tokio::test]
async fn t15_conflict_over_an_absent_key_is_tried_again() -> std::result::Result<(), ObjectError> {
    let store = Liar::store(Lie::PhantomConflict);
    let key = ObjectKey::commit(1);
    assert_eq!(store.create(&key, Bytes::from_static(b"mine")).await?, Created::New);
    assert_eq!(store.get(&key).await?, "mine");
    Ok(())
}

#[tokio::test]
async fn full_bucket_is_told_apart_from_an_unknown_outcome() {
    let store = Liar::store(Lie::Full);
    let full = store.create(&ObjectKey::commit(1), Bytes::from_static(b"x")).await;
    assert!(matches!(full, Err(ObjectError::NoSpace { .. })), "{full:?}");
}

//! Where a test registry keeps its objects.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use holdfast_registry::config::StoreLocation;
use holdfast_registry::objects::{Host, Store};
use holdfast_registry::randomness::random_hex;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;

/// Names a bucket that the end-to-end tests run on instead of memory, for example `s3://bucket/tests`.
const STORE_VARIABLE: &str = "HOLDFAST_TEST_STORE";

/// Objects that outlive the nodes that are started on them.
#[derive(Debug, Clone)]
pub enum Backing {
    /// Any implementation, most often one in memory, perhaps one that fails on purpose.
    Objects(Arc<dyn ObjectStore>),
    /// A local directory, as `serve` uses it when nothing else is said.
    Directory(PathBuf),
    /// A bucket, below a prefix that nobody else has.
    Bucket(StoreLocation),
}

impl Backing {
    /// In memory, unless the environment names a bucket.
    pub fn from_environment() -> anyhow::Result<Self> {
        match std::env::var(STORE_VARIABLE) {
            Ok(location) => {
                let location = format!("{}/{}", location.trim_end_matches('/'), random_hex());
                Ok(Self::Bucket(location.parse().context(STORE_VARIABLE)?))
            }
            Err(_) => Ok(Self::memory()),
        }
    }

    /// In memory.
    pub fn memory() -> Self {
        Self::Objects(Arc::new(InMemory::new()))
    }

    /// In the folder `objects` of a directory.
    pub fn directory(parent: &Path) -> Self {
        Self::Directory(parent.join("objects"))
    }

    /// Whether several nodes can use it at once.
    pub const fn is_shared(&self) -> bool {
        !matches!(self, Self::Directory(_))
    }

    /// Opens it as a node does.
    pub async fn open(&self, host: Host) -> anyhow::Result<Store> {
        Ok(match self {
            Self::Objects(objects) => Store::from_object_store(Arc::clone(objects), host),
            Self::Directory(directory) => {
                Store::open(&StoreLocation::Directory(directory.clone()), host).await?
            }
            Self::Bucket(location) => Store::open(location, host).await?,
        })
    }

    /// The objects themselves, to look at and to damage behind the registry's back. Not for buckets.
    pub fn objects(&self) -> anyhow::Result<Arc<dyn ObjectStore>> {
        match self {
            Self::Objects(objects) => Ok(Arc::clone(objects)),
            Self::Directory(directory) => Ok(Arc::new(LocalFileSystem::new_with_prefix(directory)?)),
            Self::Bucket(location) => anyhow::bail!("objects of {location} are not reached from here"),
        }
    }
}

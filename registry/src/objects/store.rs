//! The store as the rest of the registry sees it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::error::{ObjectError, OpenError, ProbeError};
use super::held::HeldObject;
use super::key::{KeyPrefix, ObjectKey};
use super::listing::{self, Listing};
use super::local::{Barrier, LocalDirectory, Persistence, Publish};
use super::{cloud, probe};
use crate::blocking::Blocking;
use crate::clock::SharedClock;
use crate::config::StoreLocation;
use crate::telemetry::Fatal;

/// A create that lost against something that is not there (S3 says 409 when a delete races) is tried again.
const PHANTOM_RETRIES: usize = 3;

/// How many objects of one call are asked for at a time where each is a request.
const GETS_AT_ONCE: usize = 32;

/// Writing so many bytes to the page cache is a short job.
const SHORT_BYTES_MAX: usize = 64 * 1024;

/// What a store needs of the process it runs in.
#[derive(Clone, Debug)]
pub struct Host {
    /// Where blocking file system calls run.
    pub blocking: Blocking,
    /// What time it is.
    pub clock: SharedClock,
    /// What happens when an fsync fails.
    pub fatal: Fatal,
}

/// How a create ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The bytes are stored under the key.
    New,
    /// The key was taken; what is stored there may be anything. (Or an earlier try of ours got through unseen.)
    AlreadyExisted,
}

/// A handle on the object store; clones share it.
#[derive(Clone)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) objects: Arc<dyn ObjectStore>,
    /// Durability on a local disk; bucket stores are durable when they answer.
    pub(super) local: Option<Local>,
    pub(super) host: Host,
}

pub(super) struct Local {
    pub(super) directory: Arc<LocalDirectory>,
    barrier: Barrier,
}

impl Store {
    /// Opens the store at `location`, making and locking a local directory.
    pub async fn open(location: &StoreLocation, host: Host) -> Result<Self, OpenError> {
        match location {
            StoreLocation::Directory(directory) => {
                let (directory, fatal) = (directory.clone(), host.fatal.clone());
                let opened = host.blocking.run(move || LocalDirectory::open(&directory, fatal)).await?;
                Self::local(opened, host)
            }
            StoreLocation::Bucket { cloud, bucket, prefix } => {
                let objects = cloud::client(*cloud, bucket, prefix)
                    .map_err(|source| OpenError::Bucket { location: location.to_string(), source })?;
                Ok(Self::from_object_store(objects, host))
            }
            StoreLocation::Memory => Ok(Self::from_object_store(Arc::new(InMemory::new()), host)),
        }
    }

    /// A store over any implementation that is durable by itself: tests and simulations bring their own.
    pub fn from_object_store(objects: Arc<dyn ObjectStore>, host: Host) -> Self {
        Self { inner: Arc::new(Inner { objects, local: None, host }) }
    }

    /// A local directory on which every flush fails.
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) async fn open_without_flush(location: &StoreLocation, host: Host) -> Result<Self, OpenError> {
        let StoreLocation::Directory(directory) = location else { return Self::open(location, host).await };
        let (directory, fatal) = (directory.clone(), host.fatal.clone());
        let opened = host.blocking.run(move || LocalDirectory::open(&directory, fatal)).await?;
        Self::local(opened.without_flush(), host)
    }

    fn local(directory: LocalDirectory, host: Host) -> Result<Self, OpenError> {
        let objects = LocalFileSystem::new_with_prefix(directory.root()).map_err(|source| {
            OpenError::Bucket { location: directory.root().display().to_string(), source }
        })?;
        let local = Local { barrier: directory.barrier(), directory: Arc::new(directory) };
        Ok(Self { inner: Arc::new(Inner { objects: Arc::new(objects), local: Some(local), host }) })
    }

    /// Creates an object that is durable, with its directory entry, before this returns. For commits and attachments.
    ///
    /// What is found instead of a new object is durable too.
    pub async fn create_durable(&self, key: &ObjectKey, bytes: Bytes) -> Result<Created, ObjectError> {
        self.put(key, bytes, Publish::Create, Persistence::Fsynced).await
    }

    /// Creates an object that becomes durable with the next [`barrier`](Self::barrier). For chunks, records, aliases.
    pub async fn create(&self, key: &ObjectKey, bytes: Bytes) -> Result<Created, ObjectError> {
        self.put(key, bytes, Publish::Create, Persistence::WriteBackStarted).await
    }

    /// [`create`](Self::create) for several objects, in order, until one is there already: then what follows it is not
    /// written.
    pub async fn create_in_order(&self, objects: Vec<(ObjectKey, Bytes)>) -> Result<Created, ObjectError> {
        if let Some(local) = &self.inner.local {
            let directory = Arc::clone(&local.directory);
            let create = move |(key, bytes): &(ObjectKey, Bytes)| {
                directory.write(key, bytes, Publish::Create, Persistence::WriteBackStarted)
            };
            return self.inner.host.blocking.write(move || until_taken(objects.iter().map(create))).await;
        }
        for (key, bytes) in objects {
            if self.put_remote(&key, bytes, Publish::Create).await? == Created::AlreadyExisted {
                return Ok(Created::AlreadyExisted);
            }
        }
        Ok(Created::New)
    }

    /// Writes an object whether or not it exists. For tiles, the checkpoint, and leftovers found to be bad.
    ///
    /// Durable with the next [`barrier`](Self::barrier).
    pub async fn replace(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), ObjectError> {
        self.put(key, bytes, Publish::Replace, Persistence::Cached).await.map(|_| ())
    }

    /// The bytes of an object. What they mean, and whether they hash to their address, is the caller's to check.
    pub async fn get(&self, key: &ObjectKey) -> Result<Bytes, ObjectError> {
        if let Some(local) = &self.inner.local {
            let (directory, key) = (Arc::clone(&local.directory), key.clone());
            return self.inner.host.blocking.run(move || directory.read(&key)).await;
        }
        let failed = |error| ObjectError::from_store(key.as_str(), error);
        let found = self.inner.objects.get(key.path()).await.map_err(failed)?;
        ObjectError::check_size(key, found.meta.size)?;
        found.bytes().await.map_err(failed)
    }

    /// The bytes of several objects, in the order of their keys. The first failure is the answer.
    pub async fn get_many(&self, keys: Vec<ObjectKey>) -> Result<Vec<Bytes>, ObjectError> {
        if let Some(local) = &self.inner.local {
            let directory = Arc::clone(&local.directory);
            let read_all = move || keys.iter().map(|key| directory.read(key)).collect();
            return self.inner.host.blocking.run(read_all).await;
        }
        let get = |key: ObjectKey| {
            let store = self.clone();
            async move { store.get(&key).await }
        };
        stream::iter(keys).map(get).buffered(GETS_AT_ONCE).try_collect().await
    }

    /// A part of an object. A range that is empty or ends past the object is an error.
    pub async fn get_range(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, ObjectError> {
        if let Some(local) = &self.inner.local {
            let (directory, key) = (Arc::clone(&local.directory), key.clone());
            return self.inner.host.blocking.run(move || directory.hold(&key)?.read(&range)).await;
        }
        let out_of_range = || ObjectError::out_of_range(key, &range);
        let wanted = range.end.checked_sub(range.start).filter(|&len| len > 0).ok_or_else(out_of_range)?;
        match self.inner.objects.get_range(key.path(), range.clone()).await {
            Ok(bytes) if u64::try_from(bytes.len()) == Ok(wanted) => Ok(bytes),
            Ok(_) => Err(out_of_range()),
            // Stores disagree about ranges that overrun, so ask which error this is.
            Err(error) => match self.head(key).await? {
                Some(size) if size < range.end => Err(out_of_range()),
                _ => Err(ObjectError::from_store(key.as_str(), error)),
            },
        }
    }

    /// Opens an object that never changes, on this thread, which must be one that may block; `None` where to read it takes a
    /// request.
    pub fn hold(&self, key: &ObjectKey) -> Option<Result<HeldObject, ObjectError>> {
        self.inner.local.as_ref().map(|local| local.directory.hold(key))
    }

    /// The size of an object in bytes, `None` when there is none.
    pub async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, ObjectError> {
        match self.inner.objects.head(key.path()).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(ObjectError::from_store(key.as_str(), error)),
        }
    }

    /// Every object below `prefix`, in key order.
    pub fn list(&self, prefix: &KeyPrefix) -> Listing {
        self.list_from(prefix, None)
    }

    /// The objects below `prefix` whose keys are greater than `after`, in key order.
    pub fn list_after(&self, prefix: &KeyPrefix, after: &ObjectKey) -> Listing {
        self.list_from(prefix, Some(after))
    }

    /// Returns when everything that this process created or replaced before the call is durable.
    pub async fn barrier(&self) -> Result<(), ObjectError> {
        match &self.inner.local {
            Some(local) => local.barrier.wait(&self.inner.host.blocking).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Makes durable what an earlier process left, these objects among it. One flush for all of them: nobody else writes
    /// to a local directory while this process holds its lock, and bucket stores are durable when they answer.
    pub async fn settle(&self, mut left: Listing) -> Result<(), ObjectError> {
        let Some(local) = &self.inner.local else { return Ok(()) };
        if !LocalDirectory::flush_covers_all() {
            while let Some(object) = left.try_next().await? {
                local.directory.note(object.key());
            }
        }
        self.barrier().await
    }

    /// Makes one object durable that another process may have left unsynced: a node does so with a commit that it follows.
    pub async fn make_durable(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let Some(local) = &self.inner.local else { return Ok(()) };
        let (directory, key) = (Arc::clone(&local.directory), key.clone());
        self.inner.host.blocking.run(move || directory.make_durable(&key)).await
    }

    /// Checks that create-if-absent holds. A store where it does not must not be used.
    pub async fn probe(&self) -> Result<(), ProbeError> {
        probe::create_is_exclusive(self).await
    }

    /// The store's clock minus ours in milliseconds; `None` where both are the same machine's.
    pub async fn store_time_skew_ms(&self) -> Result<Option<i64>, ObjectError> {
        match self.inner.local {
            Some(_) => Ok(None),
            None => probe::time_skew_ms(self).await.map(Some),
        }
    }

    /// Whether this is a local directory, which one node alone can use.
    pub fn is_local(&self) -> bool {
        self.inner.local.is_some()
    }

    /// Where blocking work on this store runs, and everything else that is to share its bounds.
    pub fn blocking(&self) -> &Blocking {
        &self.inner.host.blocking
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.inner.host.clock
    }

    pub(super) async fn modified_ms(&self, key: &ObjectKey) -> Result<u64, ObjectError> {
        let meta = self.inner.objects.head(key.path()).await;
        let meta = meta.map_err(|error| ObjectError::from_store(key.as_str(), error))?;
        Ok(listing::modified_ms(&meta))
    }

    /// Probe objects are this process's own and mean nothing; where deletes are denied they stay.
    pub(super) async fn discard_probe(&self, key: &ObjectKey) {
        if let Err(error) = self.inner.objects.delete(key.path()).await {
            tracing::debug!(error = %error, key = %key, "a probe object stays");
        }
    }

    async fn put(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        publish: Publish,
        persistence: Persistence,
    ) -> Result<Created, ObjectError> {
        let Some(local) = &self.inner.local else {
            return self.put_remote(key, bytes, publish).await;
        };
        let (directory, key) = (Arc::clone(&local.directory), key.clone());
        let short = bytes.len() <= SHORT_BYTES_MAX && persistence != Persistence::Fsynced;
        let write = move || directory.write(&key, &bytes, publish, persistence);
        let blocking = &self.inner.host.blocking;
        if short { blocking.write(write).await } else { blocking.run(write).await }
    }

    async fn put_remote(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        publish: Publish,
    ) -> Result<Created, ObjectError> {
        let mode = match publish {
            Publish::Create => PutMode::Create,
            Publish::Replace => PutMode::Overwrite,
        };
        let mut tries_left = PHANTOM_RETRIES;
        loop {
            let options = PutOptions::from(mode.clone());
            let put = self.inner.objects.put_opts(key.path(), bytes.clone().into(), options).await;
            let Err(error) = put else { return Ok(Created::New) };
            if !matches!(error, object_store::Error::AlreadyExists { .. }) {
                return Err(ObjectError::from_store(key.as_str(), error));
            }
            if is_failed_condition(&error) || self.head(key).await?.is_some() {
                return Ok(Created::AlreadyExisted);
            }
            if tries_left == 0 {
                return Err(ObjectError::from_store(key.as_str(), error));
            }
            tries_left -= 1;
        }
    }

    fn list_from(&self, prefix: &KeyPrefix, after: Option<&ObjectKey>) -> Listing {
        match &self.inner.local {
            Some(local) => listing::local(&local.directory, &self.inner.host.blocking, prefix, after),
            None => listing::remote(self.inner.objects.as_ref(), prefix, after),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.inner.objects)
    }
}

/// Goes on while every key is free.
fn until_taken(
    mut creates: impl Iterator<Item = Result<Created, ObjectError>>,
) -> Result<Created, ObjectError> {
    let taken = creates.find(|created| !matches!(created, Ok(Created::New)));
    taken.unwrap_or(Ok(Created::New))
}

/// 412: the condition was evaluated, so the object is there. A bare 409 may speak of a delete in flight.
fn is_failed_condition(error: &object_store::Error) -> bool {
    use object_store::Error as E;
    let E::AlreadyExists { source, .. } = error else { return false };
    matches!(source.downcast_ref::<E>(), Some(E::Precondition { .. } | E::NotModified { .. }))
}

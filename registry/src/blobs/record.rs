//! Blob records: writing one only when all its bytes hashed to both digests, and reading it back.

use std::sync::Arc;

use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::{Blake3Digest, Digests, NamedDigest};
use holdfast_formats::id::RandomId;
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;
use holdfast_formats::wire::v1::MissingChunk;

use super::address::{Address, record_key};
use super::error::{BlobError, Unreadable, Unsound};
use super::hashing::Hashers;
use super::known::Standing;
use super::memory::{Pool, Reservation};
use super::parts::{Parts, Purpose};
use super::{Blobs, Put, hashing, sealed};
use crate::objects::Created;

/// Reading back may unpack at most this many times the blob's size: extents that use crumbs of chunks cost too much.
const UNPACKED_PER_BYTE_MAX: u64 = 4;
const UNPACKED_BYTES_FREE: u64 = 64 * 1024 * 1024;

/// A record that is whole, and the memory it takes.
#[derive(Debug)]
pub(super) struct LoadedRecord {
    pub(super) record: Arc<BlobRecord>,
    pub(super) reservation: Reservation,
}

impl Blobs {
    /// Takes in a blob's record, once all its chunks are there and its bytes hashed to both digests.
    ///
    /// What its draft hashed is not read back. The memory of `record` itself is the caller's.
    pub async fn put_record(
        &self,
        namespace: &Namespace,
        record: BlobRecord,
        draft: Option<RandomId>,
    ) -> Result<Put, BlobError> {
        let (digests, size) = (record.digests, record.size);
        if self.is_good(namespace, &digests, size) || self.adopts(namespace, &digests, size).await? {
            return Ok(Put::Existing);
        }
        let missing = self.missing_of(namespace, &record).await?;
        if !missing.is_empty() {
            return Err(BlobError::Missing(missing));
        }
        let drafted = match draft {
            Some(id) => self.inner.drafts.end(namespace, id, &record).await,
            None => None,
        };
        let record = Arc::new(record);
        self.check_content(namespace, &record, drafted).await?;
        self.store_record(namespace, &record).await
    }

    fn is_good(&self, namespace: &Namespace, digests: &Digests, size: u64) -> bool {
        let good = Standing::GoodRecord { sha256: digests.sha256, size_bytes: size };
        let address = Address::of(namespace, ObjectClass::Blob, &digests.blake3);
        self.inner.known.standing(&address) == Some(good)
    }

    /// Whether the store has a good record of this blob already; if so, what it needs beside it is made good, too.
    async fn adopts(&self, namespace: &Namespace, digests: &Digests, size: u64) -> Result<bool, BlobError> {
        let loaded = match self.load_record(namespace, &digests.blake3, &self.inner.budget.records).await {
            Ok(loaded) => loaded,
            Err(Unreadable::Absent(_) | Unreadable::Bad(..)) => return Ok(false),
            Err(Unreadable::Object(error)) => return Err(error.into()),
        };
        let same = loaded.record.digests == *digests && loaded.record.size == size;
        Ok(same && self.adopt_record(namespace, &loaded.record).await?.is_empty())
    }

    /// Makes a whole record that survived from earlier count as good, unless chunks of it are missing: they are returned.
    pub(super) async fn adopt_record(
        &self,
        namespace: &Namespace,
        record: &BlobRecord,
    ) -> Result<Vec<MissingChunk>, BlobError> {
        let blob = &record.digests.blake3;
        let address = Address::of(namespace, ObjectClass::Blob, blob);
        if self.inner.known.standing(&address) == Some(Standing::Referenced) {
            for extent in &record.extents {
                self.refer(namespace, ObjectClass::Chunk, &[extent.chunk]);
            }
        }
        let missing = self.missing_of(namespace, record).await?;
        if missing.is_empty() {
            self.store_alias(namespace, &record.digests).await?;
            self.inner.store.make_durable(&record_key(namespace, blob)?).await?;
            self.note_good(address, record);
        }
        Ok(missing)
    }

    async fn check_content(
        &self,
        namespace: &Namespace,
        record: &Arc<BlobRecord>,
        drafted: Option<(Hashers, u64)>,
    ) -> Result<(), BlobError> {
        let (hashers, from) = drafted.unwrap_or_else(|| (Hashers::new(), 0));
        let allowed = record.size.saturating_mul(UNPACKED_PER_BYTE_MAX).saturating_add(UNPACKED_BYTES_FREE);
        let parts = Parts::new(self.clone(), namespace.clone(), Arc::clone(record), Purpose::Admission);
        let left = parts.range(from..record.size);
        let hashed = match hashing::rest(&self.inner.blocking, hashers, left, allowed).await? {
            Ok(hashed) => hashed,
            Err(Unreadable::Object(error)) => return Err(error.into()),
            // It was good when it was looked for, so this is rare; the search names all that are not there now.
            Err(unreadable @ (Unreadable::Absent(_) | Unreadable::Bad(..))) => {
                let missing = self.missing_of(namespace, record).await?;
                return Err(if missing.is_empty() { unreadable.into() } else { BlobError::Missing(missing) });
            }
        };
        if hashed.size_bytes != record.size || hashed.digests.blake3 != record.digests.blake3 {
            return Err(BlobError::DigestMismatch { wanted: NamedDigest::Blake3(record.digests.blake3) });
        }
        if hashed.digests.sha256 != record.digests.sha256 {
            return Err(BlobError::DigestMismatch { wanted: NamedDigest::Sha256(record.digests.sha256) });
        }
        Ok(())
    }

    async fn store_record(&self, namespace: &Namespace, record: &BlobRecord) -> Result<Put, BlobError> {
        let Digests { blake3, .. } = record.digests;
        let address = Address::of(namespace, ObjectClass::Blob, &blake3);
        let _lock = self.inner.record_locks.lock(&address).await;
        self.store_alias(namespace, &record.digests).await?;
        let key = record_key(namespace, &blake3)?;
        let object = sealed::seal(record);
        let put = match self.inner.store.create(&key, object.clone()).await? {
            Created::New => Put::New,
            Created::AlreadyExisted if self.adopts(namespace, &record.digests, record.size).await? => {
                return Ok(Put::Existing);
            }
            Created::AlreadyExisted => {
                self.replace_bad(&key, object).await?;
                Put::New
            }
        };
        self.note_good(address, record);
        Ok(put)
    }

    pub(super) fn note_good(&self, address: Address, record: &BlobRecord) {
        let good = Standing::GoodRecord { sha256: record.digests.sha256, size_bytes: record.size };
        self.inner.known.note(address, good);
    }

    /// Reads a record from the store, never from a cache. What fails is no longer known to be good.
    pub(super) async fn load_record(
        &self,
        namespace: &Namespace,
        blob: &Blake3Digest,
        pool: &Pool,
    ) -> Result<LoadedRecord, Unreadable> {
        let loaded = self.load_record_object(namespace, blob, pool).await;
        if matches!(loaded, Err(Unreadable::Absent(_) | Unreadable::Bad(..))) {
            self.forget(namespace, ObjectClass::Blob, blob);
        }
        loaded
    }

    async fn load_record_object(
        &self,
        namespace: &Namespace,
        blob: &Blake3Digest,
        pool: &Pool,
    ) -> Result<LoadedRecord, Unreadable> {
        let key = record_key(namespace, blob)?;
        let size = self.inner.store.head(&key).await?.ok_or_else(|| Unreadable::Absent(key.clone()))?;
        let Some(size) = usize::try_from(size).ok().filter(|size| *size <= sealed::SEALED_BYTES_MAX) else {
            return Err(Unreadable::Bad(key, Unsound::TooLarge("the record is too large")));
        };
        let mut reservation = pool.reserve(size.saturating_mul(2)).await;
        let object = self.inner.store.get(&key).await.map_err(|error| Unreadable::from_get(&key, error))?;
        let wanted = *blob;
        let opened = self.inner.blocking.compute(size, move || sealed::open(&object, &wanted)).await;
        let record = opened.map_err(|unsound| Unreadable::Bad(key, unsound))?;
        reservation.shrink_to(size);
        Ok(LoadedRecord { record: Arc::new(record), reservation })
    }
}

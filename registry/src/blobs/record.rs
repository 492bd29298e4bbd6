//! Blob records: writing one only when all its bytes hashed to both digests, and reading it back.

use std::sync::Arc;

use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::{Blake3Digest, Digests, NamedDigest, Sha256Digest};
use holdfast_formats::id::RandomId;
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::MissingChunk;

use super::error::{BlobError, Unreadable, Unsound};
use super::hashing::Hashers;
use super::known::Standing;
use super::memory::{Pool, Reservation};
use super::parts::{Parts, Purpose};
use super::place::Place;
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
        let (digests, size, seen) = (record.digests, record.size, self.inner.index.newest_sweep());
        if self.is_good(namespace, &digests, size).await? || self.adopts(namespace, &digests, size).await? {
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
        self.store_record(namespace, &record, seen).await
    }

    async fn is_good(&self, namespace: &Namespace, digests: &Digests, size: u64) -> Result<bool, BlobError> {
        let place = self.record_at(namespace, &digests.blake3).await?;
        Ok(self.good_record(&place) == Some((digests.sha256, size)))
    }

    /// SHA-256 and size of a blob of which all is known to be there. No sweep came since, and none is about to.
    pub(super) fn good_record(&self, place: &Place) -> Option<(Sha256Digest, u64)> {
        match self.inner.known.standing(&place.address, place.g())? {
            Standing::GoodRecord { sha256, size_bytes, seen }
                if seen >= self.inner.index.newest_sweep() && !self.inner.condemned.stands() =>
            {
                Some((sha256, size_bytes))
            }
            _ => None,
        }
    }

    /// Whether the store has a good record of this blob already; if so, what it needs beside it is made good, too.
    async fn adopts(&self, namespace: &Namespace, digests: &Digests, size: u64) -> Result<bool, BlobError> {
        let loaded = match self.load_record(namespace, &digests.blake3, &self.inner.budget.records).await {
            Ok(loaded) => loaded,
            Err(Unreadable::Absent(_) | Unreadable::Bad(..)) => return Ok(false),
            Err(unknown) => return Err(unknown.into()),
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
        let seen = self.inner.index.newest_sweep();
        let place = self.record_at(namespace, &record.digests.blake3).await?;
        if self.inner.known.standing(&place.address, place.g()) == Some(Standing::Referenced) {
            for extent in &record.extents {
                self.refer(namespace, ObjectClass::Chunk, &[extent.chunk]).await?;
            }
        }
        let missing = self.missing_of(namespace, record).await?;
        if missing.is_empty() {
            self.store_alias(namespace, &record.digests).await?;
            self.inner.store.make_durable(&place.key()?).await?;
            self.note_good(&place, record, seen);
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
            // It was good when it was looked for, so this is rare; the search names all that are not there now.
            Err(unreadable @ (Unreadable::Absent(_) | Unreadable::Bad(..))) => {
                let missing = self.missing_of(namespace, record).await?;
                return Err(if missing.is_empty() { unreadable.into() } else { BlobError::Missing(missing) });
            }
            Err(unknown) => return Err(unknown.into()),
        };
        if hashed.size_bytes != record.size || hashed.digests.blake3 != record.digests.blake3 {
            return Err(BlobError::DigestMismatch { wanted: NamedDigest::Blake3(record.digests.blake3) });
        }
        if hashed.digests.sha256 != record.digests.sha256 {
            return Err(BlobError::DigestMismatch { wanted: NamedDigest::Sha256(record.digests.sha256) });
        }
        Ok(())
    }

    async fn store_record(
        &self,
        namespace: &Namespace,
        record: &BlobRecord,
        seen: LeafIndex,
    ) -> Result<Put, BlobError> {
        let place = self.record_at(namespace, &record.digests.blake3).await?;
        let _lock = self.inner.record_locks.lock(&place.address).await;
        self.store_alias(namespace, &record.digests).await?;
        let (key, object) = (place.key()?, sealed::seal(record));
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
        self.note_good(&place, record, seen);
        Ok(put)
    }

    /// `seen` was the newest sweep before anything that the record takes was looked for.
    pub(super) fn note_good(&self, place: &Place, record: &BlobRecord, seen: LeafIndex) {
        let good = Standing::GoodRecord { sha256: record.digests.sha256, size_bytes: record.size, seen };
        self.inner.known.note(place.address, place.g(), good);
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
        let key = self.record_at(namespace, blob).await?.key()?;
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

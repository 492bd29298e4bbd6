//! Chunks: taking them in and reading them back.

use bytes::Bytes;
use holdfast_formats::digest::{Blake3Digest, NamedDigest};
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;

use super::address::Address;
use super::error::{BlobError, Unreadable, Unsound};
use super::intact::Seal;
use super::known::Standing;
use super::memory::{Pool, Reservation};
use super::parts::Part;
use super::place::Place;
use super::{Blobs, Put, content};
use crate::objects::{Created, ObjectKey};

/// The content of a chunk that hashed to its address, and the memory it takes.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) content: Bytes,
    pub(super) reservation: Reservation,
}

/// A chunk that was taken in.
pub(super) struct Taken {
    pub(super) put: Put,
    /// All of its content.
    pub(super) part: Part,
}

impl Blobs {
    /// Takes in the stored object of a chunk, once its content hashed to `digest`.
    ///
    /// The memory of `object` itself is the caller's. A bad object found under the digest is replaced.
    pub async fn put_chunk(
        &self,
        namespace: &Namespace,
        digest: Blake3Digest,
        object: Bytes,
    ) -> Result<Put, BlobError> {
        let unpacked_bytes = content::unpacked_bytes(&object)
            .map_err(|unsound| unsound.refused(NamedDigest::Blake3(digest)))?;
        let reservation = self.inner.budget.work.reserve(unpacked_bytes).await;
        Ok(self.take_in(namespace, digest, object, unpacked_bytes, reservation).await?.put)
    }

    /// [`Self::put_chunk`] with the memory for its content reserved; the content is returned.
    pub(super) async fn take_in(
        &self,
        namespace: &Namespace,
        digest: Blake3Digest,
        object: Bytes,
        unpacked_bytes: usize,
        reservation: Reservation,
    ) -> Result<Taken, BlobError> {
        let address = Address::of(namespace, ObjectClass::Chunk, &digest);
        let (sent, bytes) = (object.clone(), object.len().max(unpacked_bytes));
        let opening = move || content::open(&sent, &digest).map(|bytes| (bytes, Seal::of(&address, &sent)));
        let opened = self.inner.blocking.compute(bytes, opening).await;
        let (bytes, seal) = opened.map_err(|unsound| unsound.refused(NamedDigest::Blake3(digest)))?;
        self.inner.intact.note(seal);
        self.inner.recent.note(address, &bytes);
        let put = self.store_chunk(namespace, &digest, object).await?;
        let chunk_bytes = bytes.len();
        Ok(Taken { put, part: Part { bytes, chunk_bytes, reservation: Some(reservation) } })
    }

    async fn store_chunk(
        &self,
        namespace: &Namespace,
        digest: &Blake3Digest,
        object: Bytes,
    ) -> Result<Put, BlobError> {
        let place = self.chunk_at(namespace, digest).await?;
        let _lock = self.inner.chunk_locks.lock(&place.address).await;
        if self.inner.known.standing(&place.address, place.g()) == Some(Standing::Good) {
            return Ok(Put::Existing);
        }
        let key = place.key()?;
        let created = self.inner.store.create(&key, object.clone()).await?;
        let put = match created {
            Created::New => Put::New,
            Created::AlreadyExisted if self.adopt_chunk(namespace, digest).await? => {
                return Ok(Put::Existing);
            }
            Created::AlreadyExisted => {
                self.replace_bad(&key, object).await?;
                Put::New
            }
        };
        self.inner.known.note(place.address, place.g(), Standing::Good);
        Ok(put)
    }

    /// Puts good bytes in the place of an object that was read and found bad.
    pub(super) async fn replace_bad(&self, key: &ObjectKey, object: Bytes) -> Result<(), BlobError> {
        tracing::warn!(object.key = %key, "a stored object was not what its address says and is replaced");
        Ok(self.inner.store.replace(key, object).await?)
    }

    /// Reads a chunk that nobody vouches for; whether it is good, and then also durable.
    pub(super) async fn adopt_chunk(
        &self,
        namespace: &Namespace,
        digest: &Blake3Digest,
    ) -> Result<bool, BlobError> {
        let place = self.chunk_at(namespace, digest).await?;
        let reservation = self.inner.budget.work.reserve(content::CHUNK_WORK_BYTES).await;
        match self.read_chunk(namespace, digest, &place, reservation).await {
            Ok(_) => {}
            Err(Unreadable::Absent(_) | Unreadable::Bad(..)) => return Ok(false),
            Err(unknown) => return Err(unknown.into()),
        }
        self.inner.store.make_durable(&place.key()?).await?;
        self.inner.known.note(place.address, place.g(), Standing::Good);
        Ok(true)
    }

    /// Reads a chunk from the store, never from a cache, and hashes it. What fails is no longer known to be good.
    pub(super) async fn load_chunk(
        &self,
        namespace: &Namespace,
        digest: &Blake3Digest,
        pool: &Pool,
    ) -> Result<Chunk, Unreadable> {
        let reservation = pool.reserve(content::CHUNK_WORK_BYTES).await;
        self.load_chunk_within(namespace, digest, reservation).await
    }

    /// [`Self::load_chunk`] with the memory for [`content::CHUNK_WORK_BYTES`] set aside.
    pub(super) async fn load_chunk_within(
        &self,
        namespace: &Namespace,
        digest: &Blake3Digest,
        reservation: Reservation,
    ) -> Result<Chunk, Unreadable> {
        let place = self.chunk_at(namespace, digest).await?;
        let (content, mut reservation) = self.read_chunk(namespace, digest, &place, reservation).await?;
        reservation.shrink_to(content.len());
        Ok(Chunk { content, reservation })
    }

    /// The stored object of a chunk, once its content hashed to `digest`: now, or when just these bytes were seen before.
    /// Its memory is free when the last clone is gone.
    pub(super) async fn stored_chunk(
        &self,
        namespace: &Namespace,
        digest: &Blake3Digest,
    ) -> Result<Bytes, Unreadable> {
        let mut reservation = self.inner.budget.serving.reserve(content::CHUNK_WORK_BYTES).await;
        let place = self.chunk_at(namespace, digest).await?;
        let read = self.intact_object(digest, &place, &mut reservation).await;
        let object = self.doubting(namespace, digest, read)?;
        reservation.shrink_to(object.len());
        Ok(reservation.guard(object))
    }

    async fn read_chunk(
        &self,
        namespace: &Namespace,
        digest: &Blake3Digest,
        place: &Place,
        mut reservation: Reservation,
    ) -> Result<(Bytes, Reservation), Unreadable> {
        let read = self.open_object(digest, &place.key()?, &mut reservation).await;
        Ok((self.doubting(namespace, digest, read)?, reservation))
    }

    /// What could not be read is no longer known to be good.
    fn doubting<T>(
        &self,
        namespace: &Namespace,
        digest: &Blake3Digest,
        read: Result<T, Unreadable>,
    ) -> Result<T, Unreadable> {
        if matches!(read, Err(Unreadable::Absent(_) | Unreadable::Bad(..))) {
            self.forget(namespace, ObjectClass::Chunk, digest);
        }
        read
    }

    async fn open_object(
        &self,
        digest: &Blake3Digest,
        key: &ObjectKey,
        reservation: &mut Reservation,
    ) -> Result<Bytes, Unreadable> {
        let object = self.get_object(key, reservation).await?;
        let wanted = *digest;
        let unpacking = move || content::open(&object, &wanted);
        let opened = self.inner.blocking.compute(content::CHUNK_WORK_BYTES, unpacking).await;
        opened.map_err(|unsound| Unreadable::Bad(key.clone(), unsound))
    }

    /// The object as it is stored. Its content is hashed unless these bytes were seen before.
    async fn intact_object(
        &self,
        digest: &Blake3Digest,
        place: &Place,
        reservation: &mut Reservation,
    ) -> Result<Bytes, Unreadable> {
        let key = place.key()?;
        let object = self.get_object(&key, reservation).await?;
        let (blobs, stored) = (self.clone(), object.clone());
        let (wanted, address) = (*digest, place.address);
        let checking = move || {
            let (intact, seal) = (&blobs.inner.intact, Seal::of(&address, &stored));
            if !intact.has(&seal) {
                content::open(&stored, &wanted)?;
                intact.note(seal);
            }
            Ok::<_, Unsound>(())
        };
        let checked = self.inner.blocking.compute(content::CHUNK_WORK_BYTES, checking).await;
        checked.map_err(|unsound| Unreadable::Bad(key, unsound))?;
        Ok(object)
    }

    async fn get_object(&self, key: &ObjectKey, reservation: &mut Reservation) -> Result<Bytes, Unreadable> {
        let object = self.inner.store.get(key).await.map_err(|error| Unreadable::from_get(key, error))?;
        // Others need not wait for what it will not take.
        reservation.shrink_to(object.len() + content::unpacked_bytes(&object).unwrap_or_default());
        Ok(object)
    }
}

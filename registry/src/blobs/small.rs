//! Small blobs: record and chunk come together, and go to the store together.

use bytes::Bytes;
use holdfast_formats::blob::{BlobRecord, Extent};
use holdfast_formats::digest::{Blake3Digest, NamedDigest, Sha256Digest};
use holdfast_formats::id::RandomId;
use holdfast_formats::name::Namespace;

use super::error::{BlobError, Unsound};
use super::known::Standing;
use super::{Blobs, Put, alias, content, sealed};
use crate::objects::Created;

/// A chunk that came with a record: its digest, and its stored object.
pub type SentChunk = (Blake3Digest, Bytes);

impl Blobs {
    /// Takes in a blob's record, and before it the chunks that came with it.
    ///
    /// The memory of `record` and `chunks` is the caller's.
    pub async fn put_blob(
        &self,
        namespace: &Namespace,
        record: BlobRecord,
        draft: Option<RandomId>,
        chunks: Vec<SentChunk>,
    ) -> Result<Put, BlobError> {
        if let [(digest, object)] = chunks.as_slice()
            && is_whole(&record, digest)
            && self.put_together(namespace, &record, object).await?
        {
            return Ok(Put::New);
        }
        for (digest, object) in chunks {
            self.put_chunk(namespace, digest, object).await?;
        }
        self.put_record(namespace, record, draft).await
    }

    /// Stores a blob that is one chunk, unless something of it is there: that is to be looked at first.
    async fn put_together(
        &self,
        namespace: &Namespace,
        record: &BlobRecord,
        object: &Bytes,
    ) -> Result<bool, BlobError> {
        let digests = record.digests;
        let seen = self.inner.index.newest_sweep();
        let at_record = self.record_at(namespace, &digests.blake3).await?;
        let at_chunk = self.chunk_at(namespace, &digests.blake3).await?;
        let at_alias = self.alias_at(namespace, &digests.sha256).await?;
        if self.inner.known.standing(&at_record.address, at_record.g()).is_some() {
            return Ok(false);
        }
        self.check_whole(record, object).await?;
        let _record_lock = self.inner.record_locks.lock(&at_record.address).await;
        let _chunk_lock = self.inner.chunk_locks.lock(&at_chunk.address).await;
        let objects = vec![
            (at_chunk.key()?, object.clone()),
            (at_alias.key()?, alias::object(&digests)),
            (at_record.key()?, sealed::seal(record)),
        ];
        if self.inner.store.create_in_order(objects).await? == Created::AlreadyExisted {
            return Ok(false);
        }
        self.inner.known.note(at_chunk.address, at_chunk.g(), Standing::Good);
        self.note_good(&at_record, record, seen);
        Ok(true)
    }

    /// Whether the content of a chunk has both digests and the size of the blob.
    async fn check_whole(&self, record: &BlobRecord, object: &Bytes) -> Result<(), BlobError> {
        let (wanted, object, size) = (record.digests, object.clone(), record.size);
        let refused = NamedDigest::Blake3(wanted.blake3);
        let unpacked_bytes = content::unpacked_bytes(&object).map_err(|unsound| unsound.refused(refused))?;
        let _reservation = self.inner.budget.work.reserve(unpacked_bytes).await;
        let bytes = object.len().max(unpacked_bytes);
        let hashed = self.inner.blocking.compute(bytes, move || {
            let content = content::open(&object, &wanted.blake3)?;
            Ok((Sha256Digest::of(&content), content.len() as u64))
        });
        let (sha256, length) = hashed.await.map_err(|unsound: Unsound| unsound.refused(refused))?;
        if length != size {
            return Err(BlobError::DigestMismatch { wanted: refused });
        }
        if sha256 != wanted.sha256 {
            return Err(BlobError::DigestMismatch { wanted: NamedDigest::Sha256(wanted.sha256) });
        }
        Ok(())
    }
}

/// Whether a blob is nothing but this chunk.
fn is_whole(record: &BlobRecord, digest: &Blake3Digest) -> bool {
    let [Extent { chunk, offset: 0, .. }] = record.extents.as_slice() else { return false };
    chunk == digest && record.digests.blake3 == *digest
}

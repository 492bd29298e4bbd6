//! What is there: of a list of chunks, of a record's chunks, of the blobs that a statement refers to.

use std::collections::HashSet;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::{Blake3Digest, NamedDigest};
use holdfast_formats::name::Namespace;
use holdfast_formats::wire::v1::MissingChunk;

use super::error::{BlobError, Unreadable};
use super::known::Standing;
use super::{Blobs, Wanted};

const CHECKS_AT_ONCE: usize = 8;
/// The most missing chunks that one answer lists; the next answer lists the rest.
pub(super) const MISSING_MAX: usize = 4096;

impl Blobs {
    /// Those of `chunks` that must be sent.
    ///
    /// A chunk that neither this process wrote or verified nor a committed entry refers to is read and hashed first.
    pub async fn missing(
        &self,
        namespace: &Namespace,
        chunks: &[Blake3Digest],
    ) -> Result<Vec<Blake3Digest>, BlobError> {
        let (blobs, namespace) = (self.clone(), Arc::new(namespace.clone()));
        let checks = stream::iter(chunks.to_vec()).map(move |chunk| {
            let (blobs, namespace) = (blobs.clone(), Arc::clone(&namespace));
            async move { Ok((chunk, blobs.has_chunk(&namespace, &chunk).await?)) }
        });
        let absent = checks.buffered(CHECKS_AT_ONCE).try_filter_map(|(chunk, present)| async move {
            Ok::<_, BlobError>((!present).then_some(chunk))
        });
        absent.try_collect().await
    }

    async fn has_chunk(&self, namespace: &Namespace, digest: &Blake3Digest) -> Result<bool, BlobError> {
        let place = self.chunk_at(namespace, digest).await?;
        match self.inner.known.standing(&place.address, place.g()) {
            Some(Standing::Good | Standing::GoodRecord { .. }) => Ok(true),
            Some(Standing::Referenced) => {
                let present = self.inner.store.head(&place.key()?).await?.is_some();
                if present {
                    self.inner.known.note(place.address, place.g(), Standing::Good);
                }
                Ok(present)
            }
            Some(Standing::Doubted) | None => self.adopt_chunk(namespace, digest).await,
        }
    }

    /// The chunks of `record` that must be sent, each with its first place in the blob; at most 4,096 of them.
    pub(super) async fn missing_of(
        &self,
        namespace: &Namespace,
        record: &BlobRecord,
    ) -> Result<Vec<MissingChunk>, BlobError> {
        let mut missing = Vec::new();
        let mut named = HashSet::new();
        let mut offset = 0;
        // In batches: a record may have a million extents, and what is remembered of them must not grow with it.
        for batch in record.extents.chunks(MISSING_MAX) {
            let mut asked = HashSet::new();
            let chunks: Vec<Blake3Digest> =
                batch.iter().map(|extent| extent.chunk).filter(|chunk| asked.insert(*chunk)).collect();
            let absent: HashSet<Blake3Digest> = self.missing(namespace, &chunks).await?.into_iter().collect();
            for extent in batch {
                let length = u64::from(extent.length);
                if absent.contains(&extent.chunk) && named.insert(extent.chunk) {
                    missing.push(MissingChunk { chunk: extent.chunk, offset, length });
                }
                offset += length;
            }
            if missing.len() >= MISSING_MAX {
                break;
            }
        }
        missing.truncate(MISSING_MAX);
        Ok(missing)
    }

    /// Checks that every wanted blob has a good record with these digests and this size, and all its chunks.
    ///
    /// To be called before a statement that refers to them queues. [`BlobError::Missing`] lists what to send again: for a
    /// blob without a good record one item with the blob's own digest that covers all of it, so cut and send it anew.
    pub async fn require(&self, namespace: &Namespace, wanted: &[Wanted]) -> Result<(), BlobError> {
        let (blobs, namespace) = (self.clone(), Arc::new(namespace.clone()));
        let checks = stream::iter(wanted.to_vec()).map(move |wanted| {
            let (blobs, namespace) = (blobs.clone(), Arc::clone(&namespace));
            async move { blobs.missing_for(&namespace, &wanted).await }
        });
        let mut checks = checks.buffered(CHECKS_AT_ONCE);
        let mut missing = Vec::new();
        while let Some(found) = checks.try_next().await? {
            missing.extend(found);
            if missing.len() >= MISSING_MAX {
                break;
            }
        }
        missing.truncate(MISSING_MAX);
        if missing.is_empty() { Ok(()) } else { Err(BlobError::Missing(missing)) }
    }

    async fn missing_for(
        &self,
        namespace: &Namespace,
        wanted: &Wanted,
    ) -> Result<Vec<MissingChunk>, BlobError> {
        let (digests, size) = *wanted;
        let mismatch = || BlobError::DigestMismatch { wanted: NamedDigest::Sha256(digests.sha256) };
        let place = self.record_at(namespace, &digests.blake3).await?;
        if let Some(good) = self.good_record(&place) {
            return if good == (digests.sha256, size) { Ok(Vec::new()) } else { Err(mismatch()) };
        }
        let loaded = match self.load_record(namespace, &digests.blake3, &self.inner.budget.records).await {
            Ok(loaded) => loaded,
            Err(Unreadable::Absent(_) | Unreadable::Bad(..)) => {
                return Ok(vec![MissingChunk { chunk: digests.blake3, offset: 0, length: size }]);
            }
            Err(unknown) => return Err(unknown.into()),
        };
        if loaded.record.digests != digests || loaded.record.size != size {
            return Err(mismatch());
        }
        self.adopt_record(namespace, &loaded.record).await
    }
}

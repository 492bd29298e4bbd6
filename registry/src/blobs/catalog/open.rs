//! Where in a catalog's blob what stands, and reading parts of it.

use std::ops::Range;
use std::sync::Arc;

use futures::StreamExt;
use holdfast_formats::blob::BlobRecord;
use holdfast_formats::catalog::{CatalogError, ChunkIndex, IndexedChunk, TRAILER_BYTES, Trailer};
use holdfast_formats::digest::NamedDigest;
use holdfast_formats::name::Namespace;

use super::super::Blobs;
use super::super::error::{BlobError, Unreadable};
use super::super::memory::{Pool, Reservation};
use super::super::parts::{Parts, Purpose};
use super::CatalogBlob;

/// The most bytes of a catalog that is looked into: about a hundred million entries.
const CATALOG_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// A catalog that is ready to be read.
#[derive(Debug)]
pub(super) struct OpenCatalog {
    blobs: Blobs,
    namespace: Namespace,
    record: Arc<BlobRecord>,
    _reservation: Reservation,
    pub(super) trailer: Trailer,
    /// Where its chunks begin: the end of its entries.
    index_at: u64,
}

impl Blobs {
    /// Opens a catalog whose record is good. Its record takes memory of `pool`.
    pub(super) async fn open_catalog(
        &self,
        namespace: &Namespace,
        catalog: &CatalogBlob,
        pool: &Pool,
    ) -> Result<OpenCatalog, BlobError> {
        if catalog.size_bytes > CATALOG_BYTES_MAX {
            return Err(BlobError::TooLarge(
                "a catalog has at most 16 GiB: make several snapshots of the tree",
            ));
        }
        let loaded = match self.load_record(namespace, &catalog.digest, pool).await {
            Ok(loaded) if loaded.record.size == catalog.size_bytes => loaded,
            Ok(_) => {
                return Err(BlobError::DigestMismatch { wanted: NamedDigest::Blake3(catalog.digest) });
            }
            Err(unreadable) => return Err(unreadable.into()),
        };
        let cut = || CatalogError::new("it is cut short");
        let trailer_at = catalog.size_bytes.checked_sub(TRAILER_BYTES as u64).ok_or_else(cut)?;
        let last = read(self, namespace, &loaded.record, trailer_at..catalog.size_bytes).await?;
        let trailer = Trailer::parse(last.first_chunk().ok_or_else(cut)?)?;
        let index_at = trailer_at.checked_sub(trailer.index_bytes() as u64).ok_or_else(cut)?;
        Ok(OpenCatalog {
            blobs: self.clone(),
            namespace: namespace.clone(),
            record: loaded.record,
            _reservation: loaded.reservation,
            trailer,
            index_at,
        })
    }
}

impl OpenCatalog {
    /// How many chunks it lists.
    pub(super) const fn chunks(&self) -> usize {
        self.trailer.chunks as usize
    }

    /// Its size in bytes.
    pub(super) fn size_bytes(&self) -> u64 {
        self.record.size
    }

    /// The chunks of these places in its list.
    pub(super) async fn listed(&self, places: Range<usize>) -> Result<ChunkIndex, BlobError> {
        let at = |place: usize| self.index_at + ChunkIndex::bytes_of(place.min(self.chunks())) as u64;
        let bytes =
            read(&self.blobs, &self.namespace, &self.record, at(places.start)..at(places.end)).await?;
        Ok(ChunkIndex::parse(&bytes)?)
    }

    /// The chunk at a place in its list.
    pub(super) async fn listed_at(&self, place: usize) -> Result<Option<IndexedChunk>, BlobError> {
        Ok(self.listed(place..place.saturating_add(1)).await?.chunks().first().copied())
    }

    /// The bytes of its entries.
    pub(super) fn entries(&self) -> Parts {
        Parts::new(self.blobs.clone(), self.namespace.clone(), Arc::clone(&self.record), Purpose::Catalog)
    }

    /// Where in the blob they stand.
    pub(super) const fn entries_range(&self) -> Range<u64> {
        0..self.index_at
    }
}

async fn read(
    blobs: &Blobs,
    namespace: &Namespace,
    record: &Arc<BlobRecord>,
    range: Range<u64>,
) -> Result<Vec<u8>, Unreadable> {
    let parts = Parts::new(blobs.clone(), namespace.clone(), Arc::clone(record), Purpose::Catalog);
    let mut bytes = Vec::with_capacity(usize::try_from(range.end - range.start).unwrap_or(0));
    let mut parts = parts.range(range);
    while let Some((_, part)) = parts.next().await {
        bytes.extend_from_slice(&part?.bytes);
    }
    Ok(bytes)
}

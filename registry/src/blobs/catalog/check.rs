//! Checking a catalog before a statement refers to it: that it is one, lists what the manifest says, and that its chunks
//! are there.

use holdfast_formats::catalog::{CatalogError, ChunkIndex, IndexedChunk};
use holdfast_formats::digest::{Blake3Digest, NamedDigest};
use holdfast_formats::name::Namespace;
use holdfast_formats::wire::v1::MissingChunk;

use super::super::Blobs;
use super::super::error::BlobError;
use super::super::presence::MISSING_MAX;
use super::open::OpenCatalog;
use super::reading::{EntryRoom, READING_BYTES, Reading};
use super::{CatalogBlob, TreeListing};

/// What one chunk of the list takes while it is read: its bytes, and what is made of them.
const LISTED_BYTES: usize = 80;
/// How many bytes of entries one check reads at most, some of them again and again: minutes of one core.
const READ_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

impl Blobs {
    /// Checks that a blob is a catalog of so much, and that every chunk that it lists is there.
    ///
    /// To be called before a statement that refers to it queues, once [`Self::require`] found the blob. A chunk that the
    /// `parent` lists, the catalog of a published snapshot of the same namespace, is looked for and not read again.
    pub async fn require_catalog(
        &self,
        namespace: &Namespace,
        catalog: &CatalogBlob,
        listing: TreeListing,
        parent: Option<&CatalogBlob>,
    ) -> Result<(), BlobError> {
        let budget = &self.inner.budget;
        let open = self.open_catalog(namespace, catalog, &budget.records).await?;
        let (entries, size_bytes) = (open.trailer.entries, open.trailer.size);
        if (TreeListing { entries, size_bytes }) != listing {
            return Err(BlobError::Listing { entries, size_bytes });
        }
        let at_once = (budget.catalogs.bytes() / 3 / LISTED_BYTES).max(1);
        let readings = open.chunks().div_ceil(at_once) as u64;
        if readings.saturating_mul(open.entries_range().end) > READ_BYTES_MAX {
            return Err(BlobError::TooLarge(
                "the catalog lists more than this registry has memory for: start it with more (`--memory-mib`)",
            ));
        }
        let memory = READING_BYTES + open.chunks().min(at_once) * LISTED_BYTES;
        let _reservation = budget.catalogs.reserve(memory).await;
        let (mut missing, mut from, mut place) = (Vec::new(), None, 0);
        loop {
            let (chunks, to) = open.part(place..place + at_once).await?;
            let chunks = self.read_entries(&open, chunks, (from, to)).await?;
            missing.extend(self.missing_listed(namespace, &chunks, parent).await?);
            (from, place) = (to, place + at_once);
            if to.is_none() || missing.len() >= MISSING_MAX {
                break;
            }
        }
        missing.truncate(MISSING_MAX);
        if missing.is_empty() { Ok(()) } else { Err(BlobError::Missing(missing)) }
    }

    async fn read_entries(
        &self,
        catalog: &OpenCatalog,
        chunks: ChunkIndex,
        span: (Option<Blake3Digest>, Option<Blake3Digest>),
    ) -> Result<ChunkIndex, BlobError> {
        let room = EntryRoom::Share(&self.inner.budget.entries);
        let mut reading = Reading::of(catalog, &self.inner.blocking, chunks, span, room);
        while reading.next(|_| None::<()>).await?.is_some() {}
        reading.finish(catalog)
    }

    /// Those of the chunks that must be sent, at most 4,096 of them and some more.
    async fn missing_listed(
        &self,
        namespace: &Namespace,
        chunks: &ChunkIndex,
        parent: Option<&CatalogBlob>,
    ) -> Result<Vec<MissingChunk>, BlobError> {
        let mut missing = Vec::new();
        for batch in chunks.chunks().chunks(MISSING_MAX) {
            if let Some(parent) = parent {
                self.vouch(namespace, batch, parent).await?;
            }
            let digests: Vec<Blake3Digest> = batch.iter().map(|chunk| chunk.digest).collect();
            let absent = self.missing(namespace, &digests).await?;
            missing.extend(absent.into_iter().map(|chunk| {
                let length = chunks.length(&chunk).map_or(0, u64::from);
                MissingChunk { chunk, offset: 0, length }
            }));
            if missing.len() >= MISSING_MAX {
                break;
            }
        }
        Ok(missing)
    }

    /// Notes which of these chunks a published catalog refers to. One that cannot be read vouches for nothing.
    async fn vouch(
        &self,
        namespace: &Namespace,
        chunks: &[IndexedChunk],
        parent: &CatalogBlob,
    ) -> Result<(), BlobError> {
        for IndexedChunk { digest, .. } in chunks {
            let place = self.chunk_at(namespace, digest).await?;
            if self.inner.known.standing(&place.address, place.g()).is_some() {
                continue;
            }
            match self.is_listed(namespace, parent, digest).await {
                Ok(true) => self.inner.known.note_reference(place.address, place.g()),
                Ok(false) => {}
                Err(error) => {
                    let catalog = NamedDigest::Blake3(parent.digest);
                    tracing::warn!(%catalog, %error, "the catalog of a parent cannot be read; its chunks are");
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl OpenCatalog {
    /// A part of the list, and the digest at which the next one begins.
    async fn part(
        &self,
        places: std::ops::Range<usize>,
    ) -> Result<(ChunkIndex, Option<Blake3Digest>), BlobError> {
        let end = places.end;
        let chunks = self.listed(places).await?;
        let next = if end < self.chunks() { self.listed_at(end).await? } else { None };
        let next = next.map(|chunk| chunk.digest);
        let last = chunks.chunks().last().map(|chunk| chunk.digest);
        if next.is_some() && last >= next {
            return Err(CatalogError::new("its chunks are not sorted, or one stands there twice").into());
        }
        Ok((chunks, next))
    }
}

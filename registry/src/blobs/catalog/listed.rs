//! The whole list of a catalog's chunks, read once from its beginning to its end, past every cache.

use holdfast_formats::catalog::CatalogError;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::name::Namespace;

use super::super::Blobs;
use super::super::error::BlobError;
use super::super::memory::Reservation;
use super::CatalogBlob;
use super::open::OpenCatalog;

/// What one chunk of the list takes while it is read.
const LISTED_BYTES: usize = 80;
/// The most chunks that are read at a time.
const AT_ONCE_MAX: usize = 4096;

/// A catalog whose list is being read.
#[derive(Debug)]
pub(in super::super) struct ListedChunks {
    // In the order in which they are given back: the reverse of that in which they were taken.
    open: OpenCatalog,
    _reservation: Reservation,
    place: usize,
    last: Option<Blake3Digest>,
}

impl Blobs {
    /// Begins to read the list of a catalog.
    pub(in super::super) async fn listed_chunks(
        &self,
        namespace: &Namespace,
        catalog: &CatalogBlob,
    ) -> Result<ListedChunks, BlobError> {
        let budget = &self.inner.budget;
        let reservation = budget.pages.reserve(AT_ONCE_MAX * LISTED_BYTES).await;
        let open = self.open_catalog(namespace, catalog, &budget.index_records).await?;
        Ok(ListedChunks { open, _reservation: reservation, place: 0, last: None })
    }
}

impl ListedChunks {
    /// The next chunks, at most so many; `None` at the end.
    pub(in super::super) async fn next(
        &mut self,
        limit: usize,
    ) -> Result<Option<Vec<Blake3Digest>>, BlobError> {
        let from = self.place;
        self.place = from.saturating_add(limit.min(AT_ONCE_MAX)).min(self.open.chunks());
        if from == self.place {
            return Ok(None);
        }
        let listed = self.open.listed(from..self.place).await?;
        let chunks: Vec<Blake3Digest> = listed.chunks().iter().map(|chunk| chunk.digest).collect();
        let follows = self.last.is_none_or(|last| chunks.first().is_some_and(|first| last < *first));
        if !follows || chunks.len() != self.place - from {
            return Err(CatalogError::new("its chunks are not sorted, or some are not there").into());
        }
        self.last = chunks.last().copied();
        Ok(Some(chunks))
    }
}

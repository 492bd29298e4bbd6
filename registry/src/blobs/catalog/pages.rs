//! Whether a catalog lists a chunk. Its list is kept in pages, as many as the budget allows, and not all of it.

use std::cmp::Ordering;
use std::sync::Arc;

use holdfast_formats::catalog::{ChunkIndex, IndexedChunk};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::super::Blobs;
use super::super::address::Address;
use super::super::error::BlobError;
use super::super::memory::Budget;
use super::CatalogBlob;

/// How many chunks are on one page.
const PAGE_CHUNKS: usize = 4096;
/// What a page takes while it is read.
const PAGE_BYTES: usize = PAGE_CHUNKS * 80;
/// How many pages beside the expected one are tried before the rest is halved.
const NEIGHBOURS: usize = 3;
/// How many catalogs' number of chunks is remembered.
const COUNTS_MAX: usize = 4096;

/// Pages of the catalogs that were looked into last.
#[derive(Debug)]
pub(in super::super) struct Pages {
    pages: Cache<(Address, usize), Arc<ChunkIndex>, ByLength>,
    counts: Cache<Address, usize>,
}

#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<(Address, usize), Arc<ChunkIndex>> for ByLength {
    fn weight(&self, _: &(Address, usize), page: &Arc<ChunkIndex>) -> u64 {
        256 + 40 * page.chunks().len() as u64
    }
}

impl Pages {
    pub(in super::super) fn within(budget: &Budget) -> Self {
        let bytes = budget.cache_bytes / 6;
        Self { pages: Cache::with_weighter(64, bytes, ByLength), counts: Cache::new(COUNTS_MAX) }
    }
}

impl Blobs {
    /// Whether a published catalog lists a chunk.
    pub(in super::super) async fn is_listed(
        &self,
        namespace: &Namespace,
        catalog: &CatalogBlob,
        chunk: &Blake3Digest,
    ) -> Result<bool, BlobError> {
        let pages = self.count(namespace, catalog).await?.div_ceil(PAGE_CHUNKS);
        let (mut low, mut high) = (0, pages);
        // Digests are spread evenly, so their first bytes say about where one stands; else halving finds it.
        let (mut guess, mut guesses) = (spread(chunk, pages), 0);
        while low < high {
            let at = guess.clamp(low, high - 1);
            let page = self.page(namespace, catalog, at).await?;
            guesses += 1;
            match place(&page, chunk) {
                Ordering::Equal => return Ok(page.position(chunk).is_some()),
                Ordering::Less => {
                    high = at;
                    guess = if guesses < NEIGHBOURS { at.saturating_sub(1) } else { low.midpoint(at) };
                }
                Ordering::Greater => {
                    low = at + 1;
                    guess = if guesses < NEIGHBOURS { low } else { low.midpoint(high) };
                }
            }
        }
        Ok(false)
    }

    /// Hands out all chunks of a published catalog, some at a time.
    pub async fn each_listed(
        &self,
        namespace: &Namespace,
        catalog: &CatalogBlob,
        mut each: impl FnMut(&[IndexedChunk]) + Send,
    ) -> Result<(), BlobError> {
        let pages = self.count(namespace, catalog).await?.div_ceil(PAGE_CHUNKS);
        for at in 0..pages {
            each(self.page(namespace, catalog, at).await?.chunks());
        }
        Ok(())
    }

    async fn count(&self, namespace: &Namespace, catalog: &CatalogBlob) -> Result<usize, BlobError> {
        let address = Address::of(namespace, ObjectClass::Blob, &catalog.digest);
        let count = async {
            Ok(self.open_catalog(namespace, catalog, &self.inner.budget.index_records).await?.chunks())
        };
        self.inner.pages.counts.get_or_insert_async(&address, count).await
    }

    async fn page(
        &self,
        namespace: &Namespace,
        catalog: &CatalogBlob,
        at: usize,
    ) -> Result<Arc<ChunkIndex>, BlobError> {
        let address = Address::of(namespace, ObjectClass::Blob, &catalog.digest);
        let read = async {
            let budget = &self.inner.budget;
            let _reservation = budget.pages.reserve(PAGE_BYTES).await;
            let open = self.open_catalog(namespace, catalog, &budget.index_records).await?;
            Ok(Arc::new(open.listed(at * PAGE_CHUNKS..(at + 1) * PAGE_CHUNKS).await?))
        };
        self.inner.pages.pages.get_or_insert_async(&(address, at), read).await
    }
}

/// Where in so many pages a digest is to be expected.
fn spread(chunk: &Blake3Digest, pages: usize) -> usize {
    let [a, b, c, d, ..] = *chunk.as_bytes();
    let part = u64::from(u32::from_be_bytes([a, b, c, d]));
    usize::try_from((part * pages as u64) >> 32).unwrap_or(0)
}

/// Whether a chunk stands before a page, on it if anywhere, or behind it.
fn place(page: &ChunkIndex, chunk: &Blake3Digest) -> Ordering {
    match page.chunks() {
        [first, ..] if *chunk < first.digest => Ordering::Less,
        [.., last] if *chunk > last.digest => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

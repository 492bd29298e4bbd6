//! What a published blob refers to: the chunks of its record and, where it is the catalog of a snapshot, those that the
//! catalog lists. For whoever must know all of it before anything is deleted: what cannot be read is an error.

use std::sync::Arc;

use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::{Blake3Digest, Digests, NamedDigest};
use holdfast_formats::name::Namespace;

use super::catalog::{CatalogBlob, ListedChunks};
use super::error::BlobError;
use super::memory::Reservation;
use super::{Blobs, Wanted};

/// How many chunks are named at a time.
const PART: usize = 4096;

/// The chunks of a blob, some at a time, in no order and some of them again and again.
#[derive(Debug)]
pub struct References {
    blobs: Blobs,
    namespace: Namespace,
    record: Option<(Arc<BlobRecord>, Reservation)>,
    at: usize,
    catalog: Option<CatalogBlob>,
    listed: Option<ListedChunks>,
}

impl Blobs {
    /// Reads the record of a blob of a live artifact; `is_catalog` when the artifact is a snapshot and this its catalog.
    pub async fn references(
        &self,
        namespace: &Namespace,
        wanted: &Wanted,
        is_catalog: bool,
    ) -> Result<References, BlobError> {
        let (digests, size_bytes): (Digests, u64) = *wanted;
        let loaded = self.load_record(namespace, &digests.blake3, &self.inner.budget.index_records).await?;
        if loaded.record.digests != digests || loaded.record.size != size_bytes {
            return Err(BlobError::DigestMismatch { wanted: NamedDigest::Blake3(digests.blake3) });
        }
        let catalog = CatalogBlob { digest: digests.blake3, size_bytes };
        Ok(References {
            blobs: self.clone(),
            namespace: namespace.clone(),
            record: Some((loaded.record, loaded.reservation)),
            at: 0,
            catalog: is_catalog.then_some(catalog),
            listed: None,
        })
    }
}

impl References {
    /// The next chunks; `None` when all were named.
    pub async fn next(&mut self) -> Result<Option<Vec<Blake3Digest>>, BlobError> {
        if let Some((record, _)) = &self.record {
            let part: Vec<Blake3Digest> =
                record.extents.iter().skip(self.at).take(PART).map(|extent| extent.chunk).collect();
            if !part.is_empty() {
                self.at += part.len();
                return Ok(Some(part));
            }
            // The list is read by the same share of memory.
            self.record = None;
        }
        if let Some(catalog) = self.catalog.take() {
            self.listed = Some(self.blobs.listed_chunks(&self.namespace, &catalog).await?);
        }
        match &mut self.listed {
            Some(listed) => listed.next(PART).await,
            None => Ok(None),
        }
    }
}

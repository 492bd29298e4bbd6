//! Giving a chunk of a snapshot to a reader: its stored object, as it was sent.

use bytes::Bytes;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::name::Namespace;

use super::super::Blobs;
use super::super::error::BlobError;
use super::CatalogBlob;

impl Blobs {
    /// The stored object of a chunk that a published catalog lists, once its content hashed to its address.
    pub async fn listed_chunk(
        &self,
        namespace: &Namespace,
        catalog: &CatalogBlob,
        chunk: &Blake3Digest,
    ) -> Result<Bytes, BlobError> {
        if !self.is_listed(namespace, catalog, chunk).await? {
            return Err(BlobError::NotFound);
        }
        Ok(self.stored_chunk(namespace, chunk).await?)
    }
}

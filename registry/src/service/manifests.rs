//! Manifests in memory: attachments that were read, checked and parsed once.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::manifest::Manifest;
use holdfast_verify::facts::ArtifactFact;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Failure;
use crate::log::{AttachmentError, Attachments};

/// How many bytes of manifests are kept, about; parsed ones take a few times that.
const CACHED_BYTES: u64 = 8 * 1024 * 1024;

/// A manifest, as bytes and as what they say.
#[derive(Debug)]
pub(super) struct ReadManifest {
    pub(super) bytes: Bytes,
    pub(super) manifest: Manifest,
}

#[derive(Clone)]
struct BySize;

impl Weighter<Sha256Digest, Arc<ReadManifest>> for BySize {
    fn weight(&self, _: &Sha256Digest, read: &Arc<ReadManifest>) -> u64 {
        read.bytes.len() as u64 + 256
    }
}

/// The cache and where it reads from.
pub(super) struct Manifests {
    attachments: Attachments,
    cache: Cache<Sha256Digest, Arc<ReadManifest>, BySize>,
}

impl Manifests {
    pub(super) fn new(attachments: Attachments) -> Self {
        Self { attachments, cache: Cache::with_weighter(1024, CACHED_BYTES, BySize) }
    }

    /// The manifest of a published artifact.
    pub(super) async fn of(&self, artifact: &ArtifactFact) -> Result<Arc<ReadManifest>, Failure> {
        let digest = artifact.artifact.digests.sha256;
        if let Some(read) = self.cache.get(&digest) {
            return Ok(read);
        }
        let bytes = self.attachments.get(&digest).await?;
        let manifest = Manifest::parse(&bytes).map_err(|_| AttachmentError::Corrupt(digest))?;
        let read = Arc::new(ReadManifest { bytes, manifest });
        self.cache.insert(digest, Arc::clone(&read));
        Ok(read)
    }
}

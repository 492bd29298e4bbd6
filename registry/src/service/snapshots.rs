//! Snapshots of trees: what their catalogs refer to is there before they are published, and is read chunk by chunk.

use bytes::Bytes;
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::manifest::{Body, Manifest};
use holdfast_formats::name::Namespace;
use holdfast_formats::reference::Reference;
use holdfast_formats::statement::ScrubOutcome;
use holdfast_verify::facts::{ArtifactFact, Facts as _};

use super::{Failure, Identity, Service};
use crate::blobs::{CatalogBlob, TreeListing};

/// The catalog of a snapshot of a tree, as it is stored.
pub(super) fn catalog_of(manifest: &Manifest) -> Option<CatalogBlob> {
    let (catalog, [file]) = (manifest.catalog()?, manifest.files.as_slice()) else { return None };
    Some(CatalogBlob { digest: catalog.digest.blake3, size_bytes: file.size.get() })
}

impl Service {
    /// Everything that a manifest refers to in its namespace is there.
    pub(super) async fn require_content(
        &self,
        namespace: &Namespace,
        manifest: &Manifest,
    ) -> Result<(), Failure> {
        let files: Vec<(Digests, u64)> = manifest.files.iter().map(|f| (f.digests, f.size.get())).collect();
        self.inner.blobs.require(namespace, &files).await?;
        let (Some(said), Some(catalog)) = (manifest.catalog(), catalog_of(manifest)) else { return Ok(()) };
        let listing = TreeListing { entries: said.entries.get(), size_bytes: said.size_bytes.get() };
        let parent = self.parent_catalog(namespace, manifest).await?;
        Ok(self.inner.blobs.require_catalog(namespace, &catalog, listing, parent.as_ref()).await?)
    }

    /// The catalog of the snapshot before, when it is published in the same namespace, has not ended, and no scrub found fault
    /// with it: its chunks were there and durable when it was committed, and no sweep names what it refers to.
    async fn parent_catalog(
        &self,
        namespace: &Namespace,
        manifest: &Manifest,
    ) -> Result<Option<CatalogBlob>, Failure> {
        let Body::Snapshot(body) = &manifest.body else { return Ok(None) };
        let Some(parent) = body.parent.clone().filter(|parent| parent.name().namespace() == *namespace)
        else {
            return Ok(None);
        };
        let found =
            self.log().index().read(move |view| view.artifact(&parent).map_err(Failure::from)).await?;
        let is_good = |outcome: ScrubOutcome| outcome == ScrubOutcome::Good;
        let is_sound = |fact: &ArtifactFact| {
            fact.ended.is_none() && fact.scrub.is_none_or(|scrub| is_good(scrub.outcome))
        };
        let Some(fact) = found.filter(is_sound) else {
            return Ok(None);
        };
        Ok(catalog_of(&self.inner.manifests.of(&fact).await?.manifest))
    }

    /// The stored object of a chunk of a snapshot. Nothing is answered that did not hash to its address, and whatever the
    /// snapshot's catalog does not list is not there.
    pub async fn snapshot_chunk(
        &self,
        who: &Identity,
        reference: &Reference,
        chunk: Blake3Digest,
    ) -> Result<Bytes, Failure> {
        let (fact, manifest) = self.open_artifact(who, reference).await?;
        let catalog = catalog_of(&manifest.manifest).ok_or_else(Failure::not_found)?;
        let namespace = fact.artifact.r#ref.name().namespace();
        Ok(self.inner.blobs.listed_chunk(&namespace, &catalog, &chunk).await?)
    }
}

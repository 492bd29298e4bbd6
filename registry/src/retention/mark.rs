//! What the living artifacts of a namespace refer to.
//!
//! First their manifests are read, which name blobs; then, in the order of their digests and each once, the records and
//! catalogs of these, which name chunks. An artifact that a scrub found bad keeps all that it names, like every other.

use std::collections::HashSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_formats::digest::{Blake3Digest, Digests, Sha256Digest};
use holdfast_formats::manifest::Manifest;
use holdfast_formats::name::Namespace;
use holdfast_formats::reference::ArtifactRef;
use holdfast_verify::facts::ArtifactFact;

use super::spill::{Scratch, Sorted, Spill, joined, part};
use super::{SweepError, Sweeper};
use crate::blobs::References;

/// A blob and who has it: BLAKE3, SHA-256, size, whether it is a catalog, and the place of the artifact's entry.
pub(super) const BLOB: usize = 32 + 32 + 8 + 1 + 8;

/// How many artifacts are read in one snapshot of the index.
const PAGE: usize = 100;
/// How many manifests, or records, are read at a time.
const AT_ONCE: usize = 8;
/// So many bytes of manifests are read at a time; a larger one is read alone.
const MANIFESTS_BYTES: u64 = 4 * 1024 * 1024;
/// How many blobs are looked at together.
const BLOBS: usize = 256;
/// The records of smaller blobs are read several at a time, and have few chunks.
const SMALL_BLOB_BYTES: u64 = 64 * 1024 * 1024;

/// What living artifacts refer to.
#[derive(Debug)]
pub(super) struct Live {
    /// By SHA-256.
    pub(super) aliases: Spill<32>,
    /// With all that reading their records takes.
    pub(super) blobs: Spill<BLOB>,
    /// By BLAKE3.
    pub(super) chunks: Spill<32>,
}

impl Live {
    pub(super) fn new(scratch: &Scratch) -> Self {
        Self { aliases: Spill::new(scratch), blobs: Spill::new(scratch), chunks: Spill::new(scratch) }
    }
}

/// One blob that an artifact names.
#[derive(Debug, Clone)]
pub(super) struct NamedBlob {
    digests: Digests,
    size_bytes: u64,
    is_catalog: bool,
}

impl NamedBlob {
    /// Its digests.
    pub(super) const fn digests(&self) -> &Digests {
        &self.digests
    }

    fn record(&self, artifact: &ArtifactFact) -> [u8; BLOB] {
        let (size, index) = (self.size_bytes.to_be_bytes(), artifact.index.get().to_be_bytes());
        let Digests { blake3, sha256 } = &self.digests;
        joined(&[blake3.as_bytes(), sha256.as_bytes(), &size, &[u8::from(self.is_catalog)], &index])
    }

    fn parse(record: &[u8; BLOB]) -> (Self, u64) {
        let digests = Digests {
            blake3: Blake3Digest::from_bytes(part(record, 0)),
            sha256: Sha256Digest::from_bytes(part(record, 32)),
        };
        let size_bytes = u64::from_be_bytes(part(record, 64));
        let [is_catalog] = part(record, 72);
        let index = u64::from_be_bytes(part(record, 73));
        (Self { digests, size_bytes, is_catalog: is_catalog != 0 }, index)
    }
}

impl Sweeper {
    /// Everything that the living artifacts of a namespace refer to, those that end now left out.
    pub(super) async fn mark(
        &self,
        scratch: &Scratch,
        namespace: &Namespace,
        ending: &HashSet<ArtifactRef>,
    ) -> Result<Live, SweepError> {
        let mut live = Live::new(scratch);
        let mut after = String::new();
        loop {
            let (wanted, from) = (namespace.clone(), after.clone());
            let mut page = self.index().scan(move |view| view.living(&wanted, &from, PAGE)).await?;
            let Some(last) = page.last() else { break };
            after = last.artifact.r#ref.to_string();
            page.retain(|fact| !ending.contains(&fact.artifact.r#ref));
            self.mark_manifests(page, &mut live).await?;
        }
        self.mark_records(scratch, namespace, &mut live).await?;
        Ok(live)
    }

    async fn mark_manifests(&self, page: Vec<ArtifactFact>, live: &mut Live) -> Result<(), SweepError> {
        for some in by_size(page) {
            let read = stream::iter(some).map(|fact| async move {
                let blobs = self.blobs_of(&fact).await?;
                Ok::<_, SweepError>((fact, blobs))
            });
            let mut read = read.buffered(AT_ONCE);
            while let Some((fact, blobs)) = read.try_next().await? {
                let aliases: Vec<[u8; 32]> =
                    blobs.iter().map(|blob| *blob.digests.sha256.as_bytes()).collect();
                let records: Vec<[u8; BLOB]> = blobs.iter().map(|blob| blob.record(&fact)).collect();
                live.aliases.add(&aliases).await?;
                live.blobs.add(&records).await?;
            }
        }
        Ok(())
    }

    /// The blobs that an artifact names.
    pub(super) async fn blobs_of(&self, fact: &ArtifactFact) -> Result<Vec<NamedBlob>, SweepError> {
        let artifact = &fact.artifact.r#ref;
        let unreadable = |reason: String| SweepError::Manifest { artifact: artifact.clone(), reason };
        let attachments = self.inner.parts.log.attachments();
        let bytes = attachments.get(&fact.manifest.digests.sha256).await;
        let bytes = bytes.map_err(|error| unreadable(error.to_string()))?;
        let manifest = Manifest::parse(&bytes).map_err(|error| unreadable(error.to_string()))?;
        let is_catalog = manifest.catalog().is_some();
        let named = manifest.files.iter().map(|file| NamedBlob {
            digests: file.digests,
            size_bytes: file.size.get(),
            is_catalog,
        });
        Ok(named.collect())
    }

    async fn mark_records(
        &self,
        scratch: &Scratch,
        namespace: &Namespace,
        live: &mut Live,
    ) -> Result<(), SweepError> {
        let mut sorted = live.blobs.sorted().await?;
        loop {
            let (some, rest) = scratch.run(move || blobs_from(sorted)).await?;
            sorted = rest;
            if some.is_empty() {
                return Ok(());
            }
            let (small, large): (Vec<_>, Vec<_>) = some
                .into_iter()
                .partition(|(blob, _)| blob.size_bytes <= SMALL_BLOB_BYTES && !blob.is_catalog);
            let read = stream::iter(small).map(|(blob, index)| self.chunks_of(namespace, blob, index));
            let mut read = read.buffered(AT_ONCE);
            while let Some(chunks) = read.try_next().await? {
                live.chunks.add(&chunks).await?;
            }
            for (blob, index) in large {
                let mut references = self.references(namespace, &blob, index).await?;
                while let Some(chunks) = self.next_of(namespace, &mut references, &blob, index).await? {
                    live.chunks.add(&chunks).await?;
                }
            }
        }
    }

    async fn chunks_of(
        &self,
        namespace: &Namespace,
        blob: NamedBlob,
        index: u64,
    ) -> Result<Vec<[u8; 32]>, SweepError> {
        let mut references = self.references(namespace, &blob, index).await?;
        let mut all = Vec::new();
        while let Some(chunks) = self.next_of(namespace, &mut references, &blob, index).await? {
            all.extend(chunks);
        }
        Ok(all)
    }

    /// What a blob refers to; `index` is the entry of an artifact that has it.
    pub(super) async fn references(
        &self,
        namespace: &Namespace,
        blob: &NamedBlob,
        index: u64,
    ) -> Result<References, SweepError> {
        let wanted = (blob.digests, blob.size_bytes);
        match self.inner.parts.blobs.references(namespace, &wanted, blob.is_catalog).await {
            Ok(references) => Ok(references),
            Err(error) => Err(self.unreadable(namespace, blob, index, error.to_string()).await?),
        }
    }

    /// The next chunks of a blob.
    pub(super) async fn next_of(
        &self,
        namespace: &Namespace,
        references: &mut References,
        blob: &NamedBlob,
        index: u64,
    ) -> Result<Option<Vec<[u8; 32]>>, SweepError> {
        match references.next().await {
            Ok(chunks) => Ok(chunks.map(|chunks| chunks.iter().map(|chunk| *chunk.as_bytes()).collect())),
            Err(error) => Err(self.unreadable(namespace, blob, index, error.to_string()).await?),
        }
    }

    /// Says which blob of which artifact cannot be read.
    async fn unreadable(
        &self,
        namespace: &Namespace,
        blob: &NamedBlob,
        index: u64,
        reason: String,
    ) -> Result<SweepError, SweepError> {
        let at =
            index.try_into().map_err(|_| crate::index::IndexError::Damaged("a leaf index above 2^53"))?;
        let found = self.index().read(move |view| view.published_from(at, 1)).await?;
        let damaged = crate::index::IndexError::Damaged("an artifact went missing");
        let fact = found.into_iter().next().ok_or(damaged)?;
        Ok(SweepError::Blob {
            namespace: namespace.clone(),
            blob: blob.digests.blake3.to_string(),
            artifact: fact.artifact.r#ref,
            reason,
        })
    }
}

/// The next blobs, each once however many artifacts have it.
fn blobs_from(mut sorted: Sorted<BLOB>) -> std::io::Result<(Vec<(NamedBlob, u64)>, Sorted<BLOB>)> {
    let mut some: Vec<(NamedBlob, u64)> = Vec::new();
    let mut last: Option<[u8; BLOB]> = None;
    while let Some(record) = sorted.peek() {
        let is_same = last.is_some_and(|last| last.get(..73) == record.get(..73));
        if !is_same && some.len() == BLOBS {
            break;
        }
        let Some(record) = sorted.next()? else { break };
        if !is_same {
            some.push(NamedBlob::parse(&record));
        }
        last = Some(record);
    }
    Ok((some, sorted))
}

/// Artifacts whose manifests are read at a time.
fn by_size(page: Vec<ArtifactFact>) -> Vec<Vec<ArtifactFact>> {
    let mut groups: Vec<Vec<ArtifactFact>> = Vec::new();
    let mut bytes = 0;
    for fact in page {
        let size = fact.manifest.size.get();
        bytes += size;
        if let Some(group) = groups.last_mut().filter(|_| bytes <= MANIFESTS_BYTES) {
            group.push(fact);
        } else {
            bytes = size;
            groups.push(vec![fact]);
        }
    }
    groups
}

//! The catalogs of snapshots: fetched, verified against the signed manifest, and kept for the next command.
//!
//! Owns the cache and reading entries one after the other. What is in a catalog is believed only as far as its format
//! says: a path in it is a wish, and whoever writes files decides where they go.

mod cache;
mod entries;
mod positioned;

use std::sync::Arc;

use holdfast_formats::catalog::{CatalogError, ChunkIndex, TRAILER_BYTES, Trailer};
use holdfast_formats::manifest::{Manifest, SnapshotCatalog};

use crate::artifact::ArtifactRecord;
use crate::blocking;
use crate::download::{Download, Sink};
use crate::error::{ClientError, FileAction};
use crate::session::Registry;
use crate::tree::TreeError;
use cache::Cache;
pub use entries::Entries;
use positioned::Positioned;

/// The catalog of one snapshot, every byte of it checked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CatalogFile {
    file: Arc<Positioned>,
    index: Arc<ChunkIndex>,
    trailer: Trailer,
}

impl CatalogFile {
    /// All chunks of the snapshot.
    pub fn index(&self) -> &ChunkIndex {
        &self.index
    }

    /// How much the catalog lists.
    pub const fn trailer(&self) -> &Trailer {
        &self.trailer
    }

    /// The size of the catalog itself in bytes.
    pub fn size(&self) -> u64 {
        self.file.size()
    }

    /// Reads the entries from the first on. Blocks where it reads.
    pub fn entries(&self) -> Result<Entries, ClientError> {
        Ok(Entries::of(self))
    }

    /// Reads the end of a catalog whose digest was checked, and compares it with what the manifest says.
    fn open(file: Positioned, said: &SnapshotCatalog) -> Result<Self, ClientError> {
        let cut = || ClientError::malformed("catalog", "it is cut short");
        let at = file.size().checked_sub(TRAILER_BYTES as u64).ok_or_else(cut)?;
        let trailer = file.read(at, TRAILER_BYTES)?;
        let trailer = trailer.first_chunk().ok_or_else(cut)?;
        let trailer = Trailer::parse(trailer).map_err(malformed)?;
        if (trailer.entries, trailer.size) != (said.entries.get(), said.size_bytes.get()) {
            return Err(ClientError::malformed("catalog", "it does not list as much as the manifest says"));
        }
        let at = at.checked_sub(trailer.index_bytes() as u64).ok_or_else(cut)?;
        let index = ChunkIndex::parse(&file.read(at, trailer.index_bytes())?).map_err(malformed)?;
        Ok(Self { file: Arc::new(file), index: Arc::new(index), trailer })
    }
}

#[cfg(test)]
impl CatalogFile {
    /// A catalog that somebody made.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        let trailer = Trailer::parse(bytes.last_chunk().unwrap()).unwrap();
        let said = SnapshotCatalog {
            digest: holdfast_formats::digest::Digests::of(bytes),
            entries: holdfast_formats::number::Count::new(trailer.entries).unwrap(),
            size_bytes: holdfast_formats::number::ByteSize::new(trailer.size).unwrap(),
        };
        Self::open(Positioned::new(file.reopen().unwrap(), file.path()).unwrap(), &said).unwrap()
    }
}

impl Registry {
    /// The catalog of the snapshot of a tree.
    pub async fn catalog(&self, artifact: &ArtifactRecord) -> Result<CatalogFile, ClientError> {
        let download = Download {
            transport: self.transport(),
            progress: self.progress(),
            artifact: &artifact.artifact().r#ref,
        };
        fetch(&download, Cache::below(self.state(), self.now()), artifact.manifest()).await
    }
}

/// The catalog of a manifest, from the cache when it is there and right.
async fn fetch(
    download: &Download<'_>,
    cache: Cache,
    manifest: &Manifest,
) -> Result<CatalogFile, ClientError> {
    let (Some(said), [file]) = (manifest.catalog(), manifest.files.as_slice()) else {
        return Err(TreeError::NoCatalog { artifact: download.artifact.to_string() }.into());
    };
    let (said, file) = (said.clone(), file.clone());
    let (place, wanted) = (cache.clone(), file.clone());
    if let Some(kept) = blocking::run(move || place.find(&wanted)).await? {
        return blocking::run(move || CatalogFile::open(kept, &said)).await;
    }
    let place = cache.clone();
    let partial = blocking::run(move || place.begin()).await?;
    let failed = |e| ClientError::file(FileAction::Create, partial.path(), e);
    let sink = Sink::append(partial.as_file().try_clone().map_err(failed)?);
    let sink = download.fill(&file, sink).await?;
    blocking::run(move || {
        sink.finish(&file)?;
        CatalogFile::open(cache.keep(&file, partial)?, &said)
    })
    .await
}

fn malformed(error: CatalogError) -> ClientError {
    ClientError::malformed("catalog", error)
}

#[cfg(test)]
mod tests;

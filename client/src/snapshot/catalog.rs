//! The catalog that is being made: a temporary file, because a tree may have millions of files.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use holdfast_formats::catalog::{ChunkIndex, Decoder, Encoder, Entry, Trailer};
use holdfast_formats::digest::Blake3Digest;
use tempfile::NamedTempFile;

use super::error::SnapshotError;
use super::parent::Entries;
use crate::error::{ClientError, FileAction};

/// Bytes that are written in one go.
const BLOCK_BYTES: usize = 256 * 1024;

/// Writes a catalog.
#[derive(Debug)]
pub(super) struct CatalogWriter {
    encoder: Encoder,
    file: NamedTempFile,
}

/// A whole catalog that only this machine has.
#[derive(Debug)]
pub(super) struct Catalog {
    file: NamedTempFile,
    index: ChunkIndex,
    trailer: Trailer,
}

impl CatalogWriter {
    /// An empty catalog in the system's folder for temporary files.
    pub(super) fn begin() -> Result<Self, ClientError> {
        let file = tempfile::Builder::new().prefix("holdfast-catalog-").tempfile();
        let file = file.map_err(|e| ClientError::file(FileAction::Create, &std::env::temp_dir(), e))?;
        Ok(Self { encoder: Encoder::new(), file })
    }

    /// Says how long a chunk is, before an entry refers to it.
    pub(super) fn chunk(&mut self, digest: Blake3Digest, length: u32) {
        self.encoder.chunk(digest, length);
    }

    /// Adds the next entry.
    pub(super) fn entry(&mut self, entry: &Entry) -> Result<(), ClientError> {
        self.encoder.entry(entry).map_err(SnapshotError::Catalog)?;
        if self.encoder.pending() >= BLOCK_BYTES {
            let bytes = self.encoder.take();
            self.write(&bytes)?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let written = self.file.write_all(bytes);
        written.map_err(|e| ClientError::file(FileAction::Write, self.file.path(), e))
    }

    /// Ends it.
    pub(super) fn finish(mut self) -> Result<Catalog, ClientError> {
        let encoder = std::mem::take(&mut self.encoder);
        let (bytes, index, trailer) = encoder.finish().map_err(SnapshotError::Catalog)?;
        self.write(&bytes)?;
        Ok(Catalog { file: self.file, index, trailer })
    }
}

impl Catalog {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Its size in bytes.
    pub(super) fn size(&self) -> Result<u64, ClientError> {
        let metadata = self.file.as_file().metadata();
        metadata.map(|m| m.len()).map_err(|e| ClientError::file(FileAction::Read, self.path(), e))
    }

    /// The chunks that it needs.
    pub(super) const fn index(&self) -> &ChunkIndex {
        &self.index
    }

    /// How much it lists.
    pub(super) const fn trailer(&self) -> &Trailer {
        &self.trailer
    }

    /// Reads its entries again.
    pub(super) fn entries(&self) -> Result<Entries, ClientError> {
        let path = self.path().to_owned();
        let failed = |e| ClientError::file(FileAction::Read, &path, e);
        let mut file = self.file.reopen().map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok(Box::new(Reading {
            file,
            path,
            decoder: Decoder::new(self.index.clone()),
            block: vec![0; BLOCK_BYTES],
        }))
    }
}

struct Reading {
    file: File,
    path: PathBuf,
    decoder: Decoder,
    block: Vec<u8>,
}

impl Reading {
    fn read(&mut self) -> Result<Option<Entry>, ClientError> {
        loop {
            if let Some(entry) = self.decoder.next().map_err(SnapshotError::Catalog)? {
                return Ok(Some(entry));
            }
            if self.decoder.is_ended() {
                return Ok(None);
            }
            let read = self.file.read(&mut self.block);
            let read = read.map_err(|e| ClientError::file(FileAction::Read, &self.path, e))?;
            if read == 0 {
                return Err(ClientError::FileMalformed {
                    path: self.path.clone(),
                    rule: "it ends early; does something clean temporary files up?".to_owned(),
                });
            }
            self.decoder.push(self.block.get(..read).unwrap_or_default());
        }
    }
}

impl Iterator for Reading {
    type Item = Result<Entry, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

//! The bytes of a bundle, read in order and never further than they were announced and asked for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::from_json;

use super::{BundleError, FIRST_LINE, FilePlaces, HEADER_BYTES_MAX, Header};
use crate::error::{ClientError, FileAction};
use crate::progress::Progress;

pub(super) const BLOCK_BYTES: usize = 1024 * 1024;

/// Reads the parts of a bundle in order.
pub(super) struct Reader<'a> {
    path: &'a Path,
    inner: BufReader<File>,
    at: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, ClientError> {
        let failed = |e| ClientError::file(FileAction::Read, path, e);
        // A pipe or device could not be read a second time, and opening one may never end.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(BundleError::Broken { path: path.to_owned(), rule: "it is no file" }.into());
        }
        let file = File::open(path).map_err(failed)?;
        Ok(Self { path, inner: BufReader::with_capacity(BLOCK_BYTES, file), at: 0 })
    }

    fn broken(&self, rule: &'static str) -> ClientError {
        BundleError::Broken { path: self.path.to_owned(), rule }.into()
    }

    fn failed(&self, error: std::io::Error) -> ClientError {
        ClientError::file(FileAction::Read, self.path, error)
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], ClientError> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).map_err(|_| self.broken("it is cut short"))?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// What stands before the files, not believed yet.
    pub(super) fn header(&mut self) -> Result<Header, ClientError> {
        if self.exactly::<{ FIRST_LINE.len() }>()?.as_slice() != FIRST_LINE {
            return Err(self.broken("it does not begin with holdfast/bundle/v2"));
        }
        let length = u64::from_be_bytes(self.exactly()?);
        let digest = Blake3Digest::from_bytes(self.exactly()?);
        if length > HEADER_BYTES_MAX {
            return Err(self.broken("its header is larger than any answer"));
        }
        let mut json = Vec::new();
        let read = self.inner.by_ref().take(length).read_to_end(&mut json);
        let read = read.map_err(|e| self.failed(e))? as u64;
        self.at += read;
        if read != length {
            return Err(self.broken("it is cut short"));
        }
        if Blake3Digest::of(&json) != digest {
            return Err(self.broken("its header is damaged"));
        }
        from_json(&json, json.len()).map_err(|_| self.broken("its header is none"))
    }

    /// Hashes every file, and says where each stands: exactly those that are wanted, each once. What is not wanted is
    /// refused before it is read.
    pub(super) fn files(
        mut self,
        wanted: &BTreeMap<Blake3Digest, u64>,
        progress: &dyn Progress,
    ) -> Result<(File, FilePlaces), ClientError> {
        let mut places = FilePlaces::new();
        while !self
            .inner
            .fill_buf()
            .map_err(|e| ClientError::file(FileAction::Read, self.path, e))?
            .is_empty()
        {
            let digest = Blake3Digest::from_bytes(self.exactly()?);
            let length = u64::from_be_bytes(self.exactly()?);
            if wanted.get(&digest) != Some(&length) {
                return Err(self.broken("it has a file that the closure does not name, or of another size"));
            }
            if places.insert(digest, (self.at, length)).is_some() {
                return Err(self.broken("it has a file twice"));
            }
            self.check_file(digest, length)?;
            progress.advance(length);
        }
        if places.len() != wanted.len() {
            return Err(self.broken("a file of the closure is not in it"));
        }
        Ok((self.inner.into_inner(), places))
    }

    fn check_file(&mut self, digest: Blake3Digest, length: u64) -> Result<(), ClientError> {
        let mut hasher = blake3::Hasher::new();
        let outcome = hasher.update_reader(self.inner.by_ref().take(length)).map(drop);
        outcome.map_err(|e| self.failed(e))?;
        self.at += hasher.count();
        if hasher.count() != length {
            return Err(self.broken("it is cut short"));
        }
        if Blake3Digest::from_bytes(*hasher.finalize().as_bytes()) != digest {
            return Err(self.broken("one of its files is damaged"));
        }
        Ok(())
    }
}

//! Where the bytes of one file go while they are hashed: into a partial file, or nowhere.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use bytes::Bytes;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest::File;

use super::check_digest;
use crate::error::{ClientError, FileAction};

/// A file in the making.
#[derive(Debug)]
pub(crate) struct Sink {
    file: Option<cap_std::fs::File>,
    hasher: Box<blake3::Hasher>,
    length: u64,
}

impl Sink {
    /// A sink that only hashes.
    pub(crate) fn nowhere() -> Self {
        Self { file: None, hasher: Box::new(blake3::Hasher::new()), length: 0 }
    }

    /// A sink that writes on at the end of an open file.
    pub(crate) fn append(file: std::fs::File) -> Self {
        Self { file: Some(cap_std::fs::File::from_std(file)), ..Self::nowhere() }
    }

    /// Goes on with a partial file: hashes what is there. One longer than the file should be begins anew.
    pub(super) fn resume(mut file: cap_std::fs::File, wanted: &File) -> std::io::Result<Self> {
        let mut sink = Self::nowhere();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|b| !b.is_empty()) else { break };
            sink.hasher.update(bytes);
            sink.length += bytes.len() as u64;
        }
        let complete_but_wrong = sink.length == wanted.size.get() && sink.digest() != wanted.digests.blake3;
        if sink.length > wanted.size.get() || complete_but_wrong {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            sink = Self::nowhere();
        }
        sink.file = Some(file);
        Ok(sink)
    }

    /// How many bytes are in it.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Moves the sink out, to be put back after a write; what stays behind is empty.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::nowhere())
    }

    /// Hashes and writes some bytes.
    pub(crate) fn write(mut self, pieces: &[Bytes]) -> Result<Self, ClientError> {
        for piece in pieces {
            self.hasher.update(piece);
            self.length += piece.len() as u64;
            if let Some(file) = &mut self.file {
                let failed =
                    |e| ClientError::file(FileAction::Write, std::path::Path::new("the partial file"), e);
                file.write_all(piece).map_err(failed)?;
            }
        }
        Ok(self)
    }

    fn digest(&self) -> Blake3Digest {
        Blake3Digest::from_bytes(*self.hasher.finalize().as_bytes())
    }

    /// Checks the whole file and gives back what it was written to.
    pub(crate) fn finish(self, wanted: &File) -> Result<Option<cap_std::fs::File>, ClientError> {
        check_digest(wanted, self.digest())?;
        Ok(self.file)
    }
}

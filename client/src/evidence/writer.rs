//! Writing a pack: beside its place, so that it is there whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use holdfast_formats::digest::{Blake3Digest, Digests, Sha256Digest};
use serde::Serialize;
use sha2::Digest as _;
use tempfile::TempDir;

use super::{ATTACHMENTS, PackError, PackFile};
use crate::error::{ClientError, FileAction};

/// A pack in the making.
pub(super) struct Writer {
    folder: TempDir,
    out: PathBuf,
    files: Vec<PackFile>,
}

impl Writer {
    /// Begins beside `out`, which must not exist.
    pub(super) fn begin(out: &Path) -> Result<Self, ClientError> {
        if out.symlink_metadata().is_ok() {
            return Err(PackError::Exists(out.to_owned()).into());
        }
        let beside = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let failed = |e| ClientError::file(FileAction::Create, out, e);
        let folder = tempfile::Builder::new().prefix(".holdfast-").tempdir_in(beside).map_err(failed)?;
        fs::create_dir(folder.path().join(ATTACHMENTS)).map_err(failed)?;
        Ok(Self { folder, out: out.to_owned(), files: Vec::new() })
    }

    /// Where it is while it is written.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file.
    pub(super) fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), ClientError> {
        let place = self.folder.path().join(path);
        fs::write(&place, bytes).map_err(|e| ClientError::file(FileAction::Write, &self.out, e))?;
        let (size, digests) = (bytes.len() as u64, Digests::of(bytes));
        self.files.push(PackFile { path: path.to_owned(), size, digests });
        Ok(())
    }

    /// Begins a file of one JSON document a line.
    pub(super) fn lines(&self, path: &'static str) -> Result<Lines, ClientError> {
        let place = self.folder.path().join(path);
        let file = File::create(&place).map_err(|e| ClientError::file(FileAction::Write, &self.out, e))?;
        let (blake3, sha256) = (blake3::Hasher::new(), sha2::Sha256::new());
        Ok(Lines { path, out: self.out.clone(), file: BufWriter::new(file), blake3, sha256, size: 0 })
    }

    /// Takes up a file of lines that is complete.
    pub(super) fn close(&mut self, lines: Lines) -> Result<(), ClientError> {
        self.files.push(lines.end()?);
        Ok(())
    }

    /// The files written so far, by path.
    pub(super) fn files(&mut self) -> Vec<PackFile> {
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.files.clone()
    }

    /// Writes what is not listed itself.
    pub(super) fn add_unlisted(&self, path: &str, bytes: &[u8]) -> Result<(), ClientError> {
        fs::write(self.folder.path().join(path), bytes)
            .map_err(|e| ClientError::file(FileAction::Write, &self.out, e))
    }

    /// Moves the whole into its place.
    pub(super) fn finish(self) -> Result<(), ClientError> {
        let failed = |e| ClientError::file(FileAction::Rename, &self.out, e);
        open_to_readers(self.folder.path()).map_err(failed)?;
        fs::rename(self.folder.path(), &self.out).map_err(failed)?;
        // There is nothing left under its old name to be removed.
        let _ = self.folder.keep();
        Ok(())
    }
}

/// A temporary folder is its owner's alone; a pack is for others.
#[cfg(unix)]
fn open_to_readers(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn open_to_readers(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// A file of lines, hashed as it is written.
pub(super) struct Lines {
    path: &'static str,
    out: PathBuf,
    file: BufWriter<File>,
    blake3: blake3::Hasher,
    sha256: sha2::Sha256,
    size: u64,
}

impl Lines {
    /// Adds one document.
    pub(super) fn push(&mut self, document: &impl Serialize) -> Result<(), ClientError> {
        let encode = |source| ClientError::Encode { what: "receipt", source };
        let mut line = serde_json::to_vec(document).map_err(encode)?;
        line.push(b'\n');
        self.blake3.update(&line);
        self.sha256.update(&line);
        self.size += line.len() as u64;
        self.file.write_all(&line).map_err(|e| ClientError::file(FileAction::Write, &self.out, e))
    }

    fn end(mut self) -> Result<PackFile, ClientError> {
        self.file.flush().map_err(|e| ClientError::file(FileAction::Write, &self.out, e))?;
        let blake3 = Blake3Digest::from_bytes(*self.blake3.finalize().as_bytes());
        let sha256 = Sha256Digest::from_bytes(self.sha256.finalize().into());
        let digests = Digests { blake3, sha256 };
        Ok(PackFile { path: self.path.to_owned(), size: self.size, digests })
    }
}

//! The folder that files are restored into. Everything goes through one open folder handle, below which all names are
//! resolved: no link, no `..` and no absolute name leads out of it (cap-std).

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest::File;

use super::{Sink, check_digest};
use crate::error::{ClientError, FileAction};

const USUAL_MODE: u16 = 0o644;

/// An open target folder.
#[derive(Debug)]
pub(crate) struct Target {
    folder: Dir,
    place: PathBuf,
}

impl Target {
    /// Opens a folder, and makes it when it is missing.
    pub(crate) fn open(place: &Path) -> Result<Self, ClientError> {
        let failed = |e| ClientError::file(FileAction::Create, place, e);
        std::fs::create_dir_all(place).map_err(failed)?;
        let folder = Dir::open_ambient_dir(place, ambient_authority()).map_err(failed)?;
        Ok(Self { folder, place: place.to_owned() })
    }

    /// Prepares the place of a file; `None` when the right bytes are there already.
    pub(crate) fn begin(&self, at: usize, file: &File) -> Result<Option<Sink>, ClientError> {
        let path = file.path.as_str();
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.folder.create_dir_all(parent).map_err(|e| self.failed(FileAction::Create, parent, e))?;
        }
        if self.is_right(file)? {
            self.set_mode(file)?;
            return Ok(None);
        }
        let partial = partial_name(at, file);
        // A link in the place of the partial file would redirect what is written.
        if self.folder.symlink_metadata(&partial).is_ok_and(|m| !m.is_file()) {
            return Err(ClientError::Target {
                path: partial,
                rule: "something else than a file stands there",
            });
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        let opened = self.folder.open_with(&partial, &options);
        let sink = opened.and_then(|partial| Sink::resume(partial, file));
        sink.map(Some).map_err(|e| self.failed(FileAction::Create, &partial, e))
    }

    /// Checks a file that is whole and moves it into its place. A wrong one is removed.
    pub(crate) fn finish(&self, at: usize, file: &File, sink: Sink) -> Result<(), ClientError> {
        let partial = partial_name(at, file);
        if let Err(error) = sink.finish(file) {
            self.discard(at, file);
            return Err(error);
        }
        let renamed = self.folder.rename(&partial, &self.folder, file.path.as_str());
        renamed.map_err(|e| self.failed(FileAction::Rename, file.path.as_str(), e))?;
        self.set_mode(file)
    }

    /// Removes the partial file.
    pub(crate) fn discard(&self, at: usize, file: &File) {
        // Best effort: the next run would find it wrong as well.
        let _ = self.folder.remove_file(partial_name(at, file));
    }

    /// Whether the file is there with the right bytes. A folder or link in its place is an error.
    fn is_right(&self, file: &File) -> Result<bool, ClientError> {
        let path = file.path.as_str();
        let metadata = match self.folder.symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(self.failed(FileAction::Read, path, e)),
        };
        if !metadata.is_file() {
            return Err(ClientError::Target {
                path: path.to_owned(),
                rule: "a folder, link or special file stands in its place",
            });
        }
        if metadata.len() != file.size.get() {
            return Ok(false);
        }
        let opened = self.folder.open(path).map_err(|e| self.failed(FileAction::Read, path, e))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(opened).map_err(|e| self.failed(FileAction::Read, path, e))?;
        Ok(check_digest(file, Blake3Digest::from_bytes(*hasher.finalize().as_bytes())).is_ok())
    }

    #[cfg(unix)]
    fn set_mode(&self, file: &File) -> Result<(), ClientError> {
        use cap_std::fs::PermissionsExt as _;
        let bits = u32::from(file.mode.unwrap_or(USUAL_MODE) & 0o777);
        let permissions = cap_std::fs::Permissions::from_mode(bits);
        let set = self.folder.set_permissions(file.path.as_str(), permissions);
        set.map_err(|e| self.failed(FileAction::Write, file.path.as_str(), e))
    }

    #[cfg(not(unix))]
    fn set_mode(&self, _: &File) -> Result<(), ClientError> {
        Ok(())
    }

    fn failed(&self, action: FileAction, path: &str, source: io::Error) -> ClientError {
        ClientError::file(action, &self.place.join(path), source)
    }
}

/// Where a file is written before it is whole: beside its place, by its place in the manifest and its digest, so that a
/// later run finds it and no two files share it.
fn partial_name(at: usize, file: &File) -> String {
    let digest = file.digests.blake3.to_string();
    let name = format!(".holdfast-{at}-{}.part", digest.get(..16).unwrap_or(&digest));
    match file.path.as_str().rsplit_once('/') {
        Some((parent, _)) => format!("{parent}/{name}"),
        None => name,
    }
}

/// Refuses a manifest of which two files would be one here, or one file would stand in another's folder.
pub(crate) fn collide(files: &[File]) -> Result<(), ClientError> {
    let fold = cfg!(any(windows, target_os = "macos"));
    let mut seen = BTreeSet::new();
    for file in files {
        let name = if fold { file.path.as_str().to_lowercase() } else { file.path.as_str().to_owned() };
        let below = |path: &str| {
            path.match_indices('/').any(|(at, _)| path.get(..at).is_some_and(|p| seen.contains(p)))
        };
        if below(&name) || seen.contains(&name) {
            return Err(ClientError::Target {
                path: file.path.to_string(),
                rule: "another file of the artifact stands in its place",
            });
        }
        seen.insert(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests;

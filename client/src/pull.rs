//! Pulling an artifact, and checking local files against one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest::{File, Manifest};

use crate::artifact::ArtifactRecord;
use crate::blocking;
use crate::download::{Download, Pulled, Target};
use crate::error::{ClientError, FileAction};
use crate::progress::{Activity, Progress, Running};
use crate::session::Registry;
use crate::source;

mod tree;

/// What a comparison with local files came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalVerification {
    /// How many files are right.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are there and not in the manifest.
    pub extra: Vec<String>,
}

impl Registry {
    /// Fetches every file of an artifact into a folder. What is there and right is kept; other files are left alone. Of a
    /// snapshot of a tree the folder becomes the tree.
    pub async fn pull(&self, record: &ArtifactRecord, target: &Path) -> Result<Pulled, ClientError> {
        if record.manifest().catalog().is_some() {
            return self.pull_tree(record, target).await;
        }
        let place = target.to_owned();
        let target = Arc::new(blocking::run(move || Target::open(&place)).await?);
        self.download(record).pull(record.manifest(), &target).await
    }

    /// Fetches and hashes every file of an artifact, and keeps none.
    pub async fn verify_artifact(&self, record: &ArtifactRecord) -> Result<Pulled, ClientError> {
        if record.manifest().catalog().is_some() {
            return tree::whole(&self.verify_tree(record).await?);
        }
        self.download(record).verify(record.manifest()).await
    }

    /// Compares a local folder or file with an artifact: every file of the manifest must be there with its bytes and mode.
    pub async fn verify_local(
        &self,
        record: &ArtifactRecord,
        path: &Path,
    ) -> Result<LocalVerification, ClientError> {
        if record.manifest().catalog().is_some() {
            return self.verify_local_tree(record, path).await;
        }
        let (manifest, root, handle) = (record.manifest().clone(), path.to_owned(), self.clone());
        blocking::run(move || compare(&manifest, &root, handle.progress())).await
    }

    fn download<'a>(&'a self, record: &'a ArtifactRecord) -> Download<'a> {
        Download {
            transport: self.transport(),
            progress: self.progress(),
            artifact: &record.artifact().r#ref,
        }
    }
}

fn compare(
    manifest: &Manifest,
    root: &Path,
    progress: &dyn Progress,
) -> Result<LocalVerification, ClientError> {
    let _running = Running::begin(progress, Activity::Hash, manifest.size_bytes());
    let single = !root.is_dir();
    for file in &manifest.files {
        let place = if single { root.to_owned() } else { below(root, file) };
        compare_file(file, &place)?;
        progress.advance(file.size.get());
    }
    if single && manifest.files.len() != 1 {
        return Err(ClientError::Differs {
            path: root.display().to_string(),
            rule: format!("it is one file, and the artifact has {}", manifest.files.len()),
        });
    }
    let listed: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    let found = if single { Vec::new() } else { source::list(root)? };
    let extra = found
        .iter()
        .map(|f| f.path.as_str())
        .filter(|path| !listed.contains(path))
        .map(str::to_owned)
        .collect();
    Ok(LocalVerification { files: manifest.files.len() as u64, bytes: manifest.size_bytes(), extra })
}

fn below(root: &Path, file: &File) -> PathBuf {
    file.path.as_str().split('/').fold(root.to_owned(), |place, segment| place.join(segment))
}

fn compare_file(file: &File, place: &Path) -> Result<(), ClientError> {
    let differs = |rule: String| ClientError::Differs { path: file.path.to_string(), rule };
    let opened = match std::fs::File::open(place) {
        Ok(opened) => opened,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(differs("it is missing".to_owned()));
        }
        Err(e) => return Err(ClientError::file(FileAction::Read, place, e)),
    };
    let failed = |e| ClientError::file(FileAction::Read, place, e);
    let size = opened.metadata().map_err(failed)?.len();
    if size != file.size.get() {
        return Err(differs(format!("it has {size} bytes, and should have {}", file.size)));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(opened).map_err(failed)?;
    let found = Blake3Digest::from_bytes(*hasher.finalize().as_bytes());
    crate::download::check_digest(file, found)
}

#[cfg(test)]
mod tests;

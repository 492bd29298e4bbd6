//! Restoring files from a bundle that was checked as a whole: the same target, partial files and last check of every byte
//! as when they come from the registry.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use holdfast_formats::manifest;
use holdfast_formats::path::FilePath;
use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::KnownGoodQuery;
use holdfast_verify::known_good::{AnsweredArtifact, KnownGoodAnswer};

use super::reader::BLOCK_BYTES;
use super::{Bundle, BundleError};
use crate::download::{Pulled, Target, collide};
use crate::error::{ClientError, FileAction};

impl Bundle {
    /// The artifact that a reference means: of a channel, what is known-good there.
    pub fn artifact(&self, reference: &Reference) -> Result<&AnsweredArtifact, ClientError> {
        let answer = self.answer.get();
        let found = match reference {
            Reference::Channel(channel) => {
                // A channel means its answer, not what is left when some pins were excluded.
                let component = self.query.component.clone();
                let plain = KnownGoodQuery {
                    component,
                    not: None,
                    at: None,
                    back: None,
                    min_size: None,
                    policy: None,
                };
                self.require_answer_to(channel, &plain)?;
                let [line] = answer.lines.as_slice() else {
                    let lines = answer.lines.iter().map(|line| line.name.clone()).collect();
                    return Err(ClientError::SeveralLines { channel: channel.clone(), lines });
                };
                answer.closure.iter().find(|a| a.line == line.name && a.component.is_none())
            }
            Reference::Version(wanted) => answer.closure.iter().find(|a| a.artifact.r#ref == *wanted),
            Reference::Digest(name, digest) => {
                let is_meant = |a: &&AnsweredArtifact| {
                    a.artifact.r#ref.name() == name && digest.is_one_of(&a.artifact.digests)
                };
                answer.closure.iter().find(is_meant)
            }
        };
        let absent = || BundleError::NotThere { path: self.path.clone(), reference: reference.to_string() };
        Ok(found.ok_or_else(absent)?)
    }

    /// Writes the files of one artifact into a folder. What is there and right is kept. Blocks.
    pub fn pull(&self, artifact: &AnsweredArtifact, target: &Path) -> Result<Pulled, ClientError> {
        let files = &artifact.manifest.files;
        collide(files)?;
        let target = Target::open(target)?;
        let mut kept = 0;
        for (at, wanted) in files.iter().enumerate() {
            kept += u64::from(self.restore(&target, at, wanted)?);
        }
        Ok(Pulled { files: files.len() as u64, bytes: artifact.manifest.size_bytes(), kept })
    }

    /// Writes the files of every artifact below `target/<component or name>/`. Blocks.
    pub fn pull_all(&self, target: &Path) -> Result<Pulled, ClientError> {
        let answer = self.answer.get();
        let folders: Vec<_> =
            answer.closure.iter().map(|artifact| folder_of(answer, artifact)).collect::<Result<_, _>>()?;
        let mut all = Pulled { files: 0, bytes: 0, kept: 0 };
        for (artifact, folder) in answer.closure.iter().zip(folders) {
            let pulled = self.pull(artifact, &target.join(folder))?;
            all = Pulled {
                files: all.files + pulled.files,
                bytes: all.bytes + pulled.bytes,
                kept: all.kept + pulled.kept,
            };
        }
        Ok(all)
    }

    /// Writes one file, unless it is there; says whether it was.
    fn restore(&self, target: &Target, at: usize, wanted: &manifest::File) -> Result<bool, ClientError> {
        let failed = |e| ClientError::file(FileAction::Read, &self.path, e);
        if wanted.stored.is_some() {
            return Err(ClientError::Target {
                path: wanted.path.to_string(),
                rule: "it is stored encrypted, which needs a newer version of holdfast",
            });
        }
        let Some(mut sink) = target.begin(at, wanted)? else { return Ok(true) };
        let absent =
            || BundleError::Broken { path: self.path.clone(), rule: "a file of the closure is not in it" };
        let (offset, length) = *self.places.get(&wanted.digests.blake3).ok_or_else(absent)?;
        let done = sink.length();
        let mut file: &File = &self.file;
        file.seek(SeekFrom::Start(offset + done)).map_err(failed)?;
        let mut rest = file.take(length.saturating_sub(done));
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            let read = rest.read(&mut block).map_err(failed)?;
            let Some(bytes) = block.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            sink = sink.write(&[Bytes::copy_from_slice(bytes)])?;
        }
        target.finish(at, wanted, sink)?;
        Ok(false)
    }
}

/// The folder of an artifact below the target: its component's name, else the last part of its own; under the line's name
/// where there are several lines.
fn folder_of(answer: &KnownGoodAnswer, artifact: &AnsweredArtifact) -> Result<PathBuf, ClientError> {
    let name = artifact.artifact.r#ref.name().as_str();
    let own = artifact
        .component
        .as_ref()
        .map_or_else(|| name.rsplit('/').next().unwrap_or(name), |component| component.as_str());
    // A component's name is free text; as a folder it must be one plain segment.
    let plain = own.parse::<FilePath>().is_ok_and(|path| !path.as_str().contains('/'));
    if !plain {
        return Err(ClientError::Target {
            path: own.to_owned(),
            rule: "the component's name is no folder name",
        });
    }
    Ok(if answer.lines.len() == 1 {
        PathBuf::from(own)
    } else {
        artifact.line.as_str().split('/').collect::<PathBuf>().join(own)
    })
}

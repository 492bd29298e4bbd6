//! What other programs archived, unpacked for a snapshot of its tree.
//!
//! A catalog lists a tree in its own order and an archive comes in another, so an archive is unpacked into a temporary
//! folder first. The system's own `tar` does that: it knows every dialect, and never writes outside its folder. What
//! this user may not make (owners, devices) is what `tar` makes of it for this user.

mod restic;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::blocking;
use crate::error::{ClientError, FileAction};
use crate::session::Registry;
use crate::stream::{Producer, StreamError};

pub use restic::{ResticRepository, ResticSnapshot};

const TAR: &str = "tar";
const PACKAGE: &str = "tar on every system";

/// A tree that was unpacked; it goes when this is dropped.
#[derive(Debug)]
pub struct Unpacked {
    _folder: TempDir,
    root: PathBuf,
}

impl Unpacked {
    /// The root of the tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn empty() -> Result<Self, StreamError> {
        let folder = tempfile::Builder::new().prefix("holdfast-").tempdir().map_err(StreamError::Unpack)?;
        // The folder above keeps others out; this one is as a folder usually is, if the archive does not say.
        let root = folder.path().join("tree");
        fs::create_dir(&root).map_err(StreamError::Unpack)?;
        Ok(Self { _folder: folder, root })
    }

    fn from(archive: Stdio) -> Result<Self, StreamError> {
        let unpacked = Self::empty()?;
        let mut command = Command::new(TAR);
        command.args(["--extract", "--preserve-permissions", "--numeric-owner", "--xattrs", "--acls"]);
        if cfg!(target_os = "linux") {
            command.arg("--xattrs-include=*");
        }
        command.arg("--directory").arg(unpacked.root()).args(["--file", "-"]).stdin(archive);
        Producer::quiet(command, TAR, PACKAGE)?.output()?;
        Ok(unpacked)
    }
}

impl Registry {
    /// Unpacks an archive; nothing names standard input.
    pub async fn unpack_tar(&self, file: Option<&Path>) -> Result<Unpacked, ClientError> {
        let archive = match file {
            Some(file) => {
                Stdio::from(File::open(file).map_err(|e| ClientError::file(FileAction::Read, file, e))?)
            }
            None => Stdio::inherit(),
        };
        Ok(blocking::run(move || Unpacked::from(archive)).await?)
    }
}

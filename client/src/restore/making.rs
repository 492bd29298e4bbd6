//! One file in the making: written under a name of our own beside its place, hashed as it comes, given its metadata, and
//! moved to its place only when it is whole and right.

use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use holdfast_formats::catalog::{FileContent, Metadata, TreePath};
use holdfast_formats::digest::Blake3Digest;

use super::output::Output;
use crate::error::{ClientError, FileAction};
use crate::tree::TreeError;
use crate::tree::folder::{Folder, Undone, dress_file};

const PREFIX: &[u8] = b".holdfast-";
const SUFFIX: &[u8] = b".part";
const RUN_DIGITS: usize = 16;
/// Hashing so many bytes takes longer than to begin a thread.
const SIDE_BY_SIDE_BYTES_MIN: usize = 256 * 1024;
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Names of our own, which nobody else has.
#[derive(Debug)]
pub(super) struct OwnNames {
    run: u64,
    next: AtomicU64,
}

impl OwnNames {
    pub(super) fn new() -> Self {
        Self { run: u64::from_be_bytes(crate::randomness::random_array()), next: AtomicU64::new(0) }
    }

    /// The next one.
    pub(super) fn next(&self) -> Vec<u8> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!(".holdfast-{:016x}-{number}.part", self.run).into_bytes()
    }

    /// Whether a run that was ended early left this behind.
    pub(super) fn is_leftover(name: &[u8]) -> bool {
        let inner = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
        let Some((run, number)) = inner.and_then(|inner| inner.split_at_checked(RUN_DIGITS)) else {
            return false;
        };
        let is_hex = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
        run.iter().all(is_hex)
            && number.strip_prefix(b"-").is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit))
    }
}

/// A file to make.
#[derive(Debug)]
pub(super) struct FileJob {
    pub(super) path: TreePath,
    pub(super) metadata: Metadata,
    pub(super) content: FileContent,
    /// Where it goes; it is only checked when this is nothing.
    pub(super) folder: Option<Arc<Folder>>,
    /// Whether something in its place is replaced; else that is a failure.
    pub(super) replaces: bool,
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Making {
    hasher: Box<blake3::Hasher>,
    at: u64,
    written: Option<Written>,
}

#[derive(Debug)]
struct Written {
    output: Output,
    folder: Arc<Folder>,
    name: Vec<u8>,
    is_placed: bool,
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.is_placed {
            // Best effort: the next run in this place removes it.
            let _ = self.folder.remove(&self.name);
        }
    }
}

impl Making {
    /// Begins a file.
    pub(super) fn begin(job: &FileJob, names: &OwnNames) -> io::Result<Self> {
        let written = match &job.folder {
            None => None,
            Some(folder) => {
                let name = names.next();
                let output = Output::of(folder.create(&name)?, job.content.size);
                Some(Written { output, folder: Arc::clone(folder), name, is_placed: false })
            }
        };
        Ok(Self { hasher: Box::new(blake3::Hasher::new()), at: 0, written })
    }

    /// The next bytes.
    pub(super) fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        let Some(Written { output, .. }) = &mut self.written else {
            self.hasher.update(bytes);
            return Ok(());
        };
        if bytes.len() < SIDE_BY_SIDE_BYTES_MIN {
            self.hasher.update(bytes);
            return output.write(bytes);
        }
        // One file may be most of a tree, and its disk would wait for its hashing, and its hashing for its disk.
        thread::scope(|scope| {
            let writing = scope.spawn(|| output.write(bytes));
            self.hasher.update(bytes);
            writing.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// The next bytes are zeros that are not written.
    pub(super) fn hole(&mut self, length: u64) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let step = ZEROS.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.hasher.update(ZEROS.get(..step).unwrap_or_default());
            left -= step as u64;
        }
        self.at += length;
        match &mut self.written {
            Some(written) => written.output.skip_to(self.at),
            None => Ok(()),
        }
    }

    /// Checks the file and puts it in its place.
    pub(super) fn finish(self, job: &FileJob) -> Result<Undone, MakingError> {
        let found = Blake3Digest::from_bytes(*self.hasher.finalize().as_bytes());
        if found != job.content.blake3 || self.at != job.content.size {
            return Err(MakingError::Wrong { found });
        }
        let Some(mut written) = self.written else { return Ok(Undone::default()) };
        let undone = dress_file(written.output.complete()?, &job.metadata)?;
        let (folder, name) = (&written.folder, job.path.name());
        if job.replaces {
            folder.rename(&written.name, name)?;
        } else {
            folder.rename_new(&written.name, name)?;
        }
        written.is_placed = true;
        Ok(undone)
    }
}

/// Why a file was not made.
#[derive(Debug)]
pub(super) enum MakingError {
    /// Its bytes are not those of the snapshot.
    Wrong { found: Blake3Digest },
    /// The system refused.
    System(io::Error),
}

impl From<io::Error> for MakingError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl MakingError {
    /// The error that ends the restore, when it is not one of this file alone; else why this file was not made.
    pub(super) fn sort(self, job: &FileJob, target: &Path) -> Result<String, ClientError> {
        match self {
            Self::Wrong { found } => {
                let path = job.path.as_bytes().escape_ascii().to_string();
                Err(ClientError::Digest { path, wanted: job.content.blake3, found })
            }
            Self::System(error) => sort(error, target),
        }
    }
}

/// Whether a system's error ends the restore; else what to say of the one thing that it is about.
pub(super) fn sort(error: io::Error, target: &Path) -> Result<String, ClientError> {
    use io::ErrorKind as Is;
    match error.kind() {
        Is::StorageFull | Is::QuotaExceeded => {
            Err(TreeError::NoRoom { path: target.to_owned(), source: error }.into())
        }
        Is::PermissionDenied
        | Is::AlreadyExists
        | Is::NotFound
        | Is::NotADirectory
        | Is::IsADirectory
        | Is::DirectoryNotEmpty
        | Is::InvalidInput
        | Is::InvalidFilename
        | Is::FileTooLarge
        | Is::TooManyLinks
        | Is::CrossesDevices
        | Is::Unsupported => Ok(error.to_string()),
        _ => Err(ClientError::file(FileAction::Write, target, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_our_own_count_as_leftovers() {
        assert!(OwnNames::is_leftover(&OwnNames::new().next()));
        for name in [
            ".holdfast-0123456789abcdef-.part",
            ".holdfast-0123456789abcdef-1.part2",
            ".holdfast-0123456789ABCDEF-1.part",
            ".holdfast-1-0123456789abcdef.part",
            ".holdfast-0123456789abcdef1.part",
            "notes.part",
            ".holdfast",
        ] {
            assert!(!OwnNames::is_leftover(name.as_bytes()), "{name}");
        }
    }
}

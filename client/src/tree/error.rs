//! Why a tree of a snapshot is not read, or not written.

use std::io;
use std::path::PathBuf;

use holdfast_formats::wire::v1::ExitCode;

/// Why a tree of a snapshot is not read, or not written.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// An artifact without a catalog where one is needed.
    #[error(
        "{artifact} is no snapshot of a tree: its files stand in its manifest, and `holdfast pull` fetches them"
    )]
    NoCatalog {
        /// The artifact.
        artifact: String,
    },
    /// A path that the snapshot does not have.
    #[error("{path} is not in the snapshot; `holdfast ls` shows what is")]
    NoSuchPath {
        /// The path, escaped.
        path: String,
    },
    /// A path that has no bytes.
    #[error("{path} is no regular file; `holdfast ls -l` shows what it is")]
    NoFile {
        /// The path, escaped.
        path: String,
    },
    /// A range that the file does not have.
    #[error("the range begins behind the end of {path}, which has {size} bytes")]
    NoRange {
        /// The path, escaped.
        path: String,
        /// Its size in bytes.
        size: u64,
    },
    /// Something stands at the target.
    #[error("{} is not empty; name another folder, or see with --in-place --dry-run what would become of it", .path.display())]
    NotEmpty {
        /// The target.
        path: PathBuf,
    },
    /// Another process writes there.
    #[error("another restore writes to {}; wait for it", .path.display())]
    Busy {
        /// The target.
        path: PathBuf,
    },
    /// No place is left.
    #[error(
        "the disk of {} has no room left: make some, then run the same command with --in-place, which goes on; whatever has \
         its final name is whole",
        .path.display()
    )]
    NoRoom {
        /// The target.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Some of it could not be restored.
    #[error("{failed} thing(s) could not be restored, the rest is there; {path}: {rule}")]
    Incomplete {
        /// How many.
        failed: u64,
        /// The first of them, escaped.
        path: String,
        /// Why not.
        rule: String,
    },
    /// The artifact has no snapshot in it.
    #[error("{reference} has no snapshot among its components")]
    NoSnapshot {
        /// What was asked for.
        reference: String,
    },
    /// Something that is done with trees only.
    #[error("{artifact} is no snapshot of a tree, and --{option} is for trees only")]
    TreesOnly {
        /// The artifact.
        artifact: String,
        /// The option.
        option: &'static str,
    },
}

impl TreeError {
    /// What a process that ends because of this exits with.
    pub const fn exit(&self) -> ExitCode {
        match self {
            Self::NoCatalog { .. }
            | Self::NoFile { .. }
            | Self::NoRange { .. }
            | Self::NotEmpty { .. }
            | Self::TreesOnly { .. } => ExitCode::Usage,
            Self::NoSuchPath { .. } | Self::NoSnapshot { .. } => ExitCode::NotFound,
            Self::Busy { .. } => ExitCode::Conflict,
            Self::Incomplete { .. } => ExitCode::Incomplete,
            Self::NoRoom { .. } => ExitCode::Internal,
        }
    }
}

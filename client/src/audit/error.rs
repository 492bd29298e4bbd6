//! Why an audit cannot go on. What it finds is no error; see [`super::FindingKind`].

use std::path::PathBuf;

use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::ExitCode;

use crate::error::CheckError;

/// Why an audit ended before the end of the log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The state that it keeps failed.
    #[error("the state of the audit in {} cannot be used: is the disk full? --fresh begins anew", .path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: CheckError,
    },
    /// Another process audits the same log.
    #[error("another audit of this log is running; wait for it ({})", .path.display())]
    Running {
        /// The file that it holds.
        path: PathBuf,
    },
    /// An entry whose rules this version does not have. What comes before it was judged, and is kept.
    #[error(
        "entry {index} needs {needs}, which this version of Holdfast does not have, so nothing from there on can be verified; audit again with a newer one"
    )]
    Newer {
        /// The entry.
        index: LeafIndex,
        /// The rule book or statement type that it needs.
        needs: String,
    },
}

impl AuditError {
    /// What a process that ends because of this exits with.
    pub(crate) const fn exit(&self) -> ExitCode {
        match self {
            Self::State { .. } => ExitCode::Internal,
            Self::Running { .. } => ExitCode::Conflict,
            Self::Newer { .. } => ExitCode::Integrity,
        }
    }
}

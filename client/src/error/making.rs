//! Errors that are made all over, and what the registry itself said in one.

use std::io;
use std::path::Path;

use holdfast_formats::wire::v1::{Problem, ProblemCode};

use super::{ClientError, FileAction};

/// What a check of something that the registry sent found wrong. Boxed by its kind, because each check has its own error.
pub type CheckError = Box<dyn std::error::Error + Send + Sync>;

impl ClientError {
    /// A file that could not be worked with.
    pub(crate) fn file(action: FileAction, path: &Path, source: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }

    /// Something that the registry sent is not in its form.
    pub(crate) fn malformed(what: &'static str, source: impl Into<CheckError>) -> Self {
        Self::Malformed { what, source: source.into() }
    }

    /// Something that the registry sent fails its check.
    pub(crate) fn untrue(what: &'static str, source: impl Into<CheckError>) -> Self {
        Self::Untrue { what, source: source.into() }
    }

    /// Whether it is only that witnesses have not seen it yet.
    pub(crate) const fn is_unwitnessed(&self) -> bool {
        matches!(self, Self::Unwitnessed { .. })
    }

    /// The registry's own words, when it refused.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// The registry's code, when it refused.
    pub(crate) fn code(&self) -> Option<ProblemCode> {
        self.problem().map(|problem| problem.code)
    }
}

//! Why a pack is not made, or not believed.

use std::path::PathBuf;

use holdfast_formats::wire::v1::ExitCode;

/// What is wrong with a pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Something in it does not hold.
    #[error("the evidence pack does not hold: {file}: {rule}")]
    Broken {
        /// Which file of it.
        file: String,
        /// What is wrong.
        rule: String,
    },
    /// It would be written over something.
    #[error("{} exists already; name a folder that does not", .0.display())]
    Exists(PathBuf),
    /// Nobody would believe the exporter.
    #[error(
        "the policy in force does not name your key, so nobody could tell whose pack it is; sign with a key that it names"
    )]
    Unnamed,
}

impl PackError {
    /// Something in a file that does not hold.
    pub(super) fn broken(file: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Broken { file: file.into(), rule: rule.into() }
    }

    /// What a process that ends because of this exits with.
    pub(crate) const fn exit(&self) -> ExitCode {
        match self {
            Self::Broken { .. } => ExitCode::Integrity,
            Self::Exists(_) | Self::Unnamed => ExitCode::Usage,
        }
    }
}

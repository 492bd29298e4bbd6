//! Why a bundle is not used.

use std::path::PathBuf;

use holdfast_formats::name::ArtifactName;
use holdfast_formats::number::PinNumber;
use holdfast_formats::wire::v1::ExitCode;

/// What is wrong with a bundle, or with what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is none, or is damaged.
    #[error("{} is not a whole bundle: {rule}", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        rule: &'static str,
    },
    /// It answers another question than was asked.
    #[error("{} answers another question, namely: {answers}", .path.display())]
    OtherQuestion {
        /// The file.
        path: PathBuf,
        /// The channel and options that it was made with.
        answers: String,
    },
    /// It is from before a pin that this machine saw.
    #[error(
        "{} is too old: the newest pin of {line} that it knows is {issued}, but this machine saw pin {seen}, and nothing in it says what ended that; ask the registry, or use a newer bundle",
        .path.display()
    )]
    WentBack {
        /// The file.
        path: PathBuf,
        /// The line.
        line: ArtifactName,
        /// The newest pin that it knows.
        issued: PinNumber,
        /// The newest pin seen here.
        seen: PinNumber,
    },
    /// It does not hold an artifact.
    #[error("{reference} is not in {}; `holdfast verify` shows what is", .path.display())]
    NotThere {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        reference: String,
    },
}

impl BundleError {
    /// What a process that ends because of this exits with.
    pub(crate) const fn exit(&self) -> ExitCode {
        match self {
            Self::Broken { .. } | Self::WentBack { .. } => ExitCode::Integrity,
            Self::OtherQuestion { .. } => ExitCode::Usage,
            Self::NotThere { .. } => ExitCode::NotFound,
        }
    }
}

//! Why a tree is not made a snapshot of.

use holdfast_formats::catalog::CatalogError;
use holdfast_formats::wire::v1::ExitCode;

use super::exclude::ExcludeError;

/// Why a tree is not made a snapshot of.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A pattern that is none.
    #[error(transparent)]
    Exclude(#[from] ExcludeError),
    /// The tree does not fit into a catalog.
    #[error("the tree does not fit into a catalog; make snapshots of parts of it, or leave something out")]
    Catalog(#[source] CatalogError),
    /// The path cannot be named in a manifest.
    #[error("{0:?} cannot be named as the dataset of a snapshot; give another path to it")]
    Dataset(String),
    /// Something ended without saying why.
    #[error("the snapshot ended before it was whole; run it again, what was sent is not sent again")]
    Interrupted,
}

impl SnapshotError {
    /// What a process that ends because of this exits with.
    pub const fn exit(&self) -> ExitCode {
        match self {
            Self::Exclude(_) | Self::Catalog(_) | Self::Dataset(_) => ExitCode::Usage,
            Self::Interrupted => ExitCode::Internal,
        }
    }
}

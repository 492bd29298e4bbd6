//! Why a run of the sweeper ended before its end. Whatever it is: what was not done by then is done by the next run.

use std::io;
use std::path::PathBuf;

use holdfast_formats::name::Namespace;
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::ObjectClass;
use holdfast_formats::sweep_list::SweepListError;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::FactsError;

use crate::blobs::BlobError;
use crate::index::IndexError;
use crate::log::{AttachmentError, OwnError};
use crate::objects::ObjectError;

/// Why a run of the sweeper ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// Another run goes on.
    #[error("a sweep is running on this node: wait until it is done")]
    Busy,
    /// Nobody logged in yet.
    #[error("the registry has no policy yet, so it has nothing to sweep: log in first")]
    NoPolicy,
    /// What a living artifact consists of is not known, so nothing can be said to be of no use.
    #[error(
        "nothing was swept: the manifest of {artifact} cannot be read ({reason}), so it is not known what it refers to; push the same content again, or end the artifact"
    )]
    Manifest {
        /// The artifact.
        artifact: ArtifactRef,
        /// Why not.
        reason: String,
    },
    /// What a blob of living artifacts consists of is not known.
    #[error(
        "nothing was swept: blob {blob} of {namespace}, which {artifact} refers to, cannot be read ({reason}), so it is not known what it refers to; push the same content again, or end the artifacts that have it"
    )]
    Blob {
        /// Whose.
        namespace: Namespace,
        /// The blob, by its BLAKE3.
        blob: String,
        /// An artifact that has it.
        artifact: ArtifactRef,
        /// Why not.
        reason: String,
    },
    /// The store lists otherwise than it promises.
    #[error(
        "nothing was swept: the store does not list every {class} of {namespace} in order; use another store"
    )]
    Unsorted {
        /// Whose.
        namespace: Namespace,
        /// Which class.
        class: ObjectClass,
    },
    /// The list that a committed sweep named is not what it was.
    #[error(
        "the list of objects of the sweep of entry {sweep} cannot be used: restore the attachment, then sweep again"
    )]
    List {
        /// The sweep.
        sweep: LeafIndex,
        /// What is wrong with it.
        #[source]
        source: SweepListError,
    },
    /// The log grew faster than a plan could be made.
    #[error("nothing more was swept: what may end changed again and again meanwhile; sweep again")]
    Changing,
    /// The files of a run could not be used.
    #[error("the files of a sweep in {} cannot be written or read: free some space there, then sweep again", folder.display())]
    Scratch {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The facts could not be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// The store failed.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// An attachment failed.
    #[error(transparent)]
    Attachment(#[from] AttachmentError),
    /// What a sweep named was not deleted.
    #[error("what a sweep named was not deleted: {0}")]
    Delete(#[source] BlobError),
    /// An entry was not logged.
    #[error(transparent)]
    Own(#[from] OwnError),
}

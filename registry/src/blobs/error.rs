//! Why content was not taken or not given, sorted by what the caller does about it.

use holdfast_formats::catalog::CatalogError;
use holdfast_formats::digest::NamedDigest;
use holdfast_formats::wire::v1::MissingChunk;

use crate::index::IndexError;
use crate::objects::{InvalidKey, ObjectError, ObjectKey};

/// Why content was not taken or not given.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// What was sent is not in the form wanted.
    #[error("it is malformed: {0}")]
    Malformed(&'static str),
    /// What was sent is larger than allowed, or would be when unpacked.
    #[error("it is too large: {0}")]
    TooLarge(&'static str),
    /// The bytes have another digest or size than they were sent or asked for under.
    #[error("the content does not match {wanted}: it changed on its way or while it was read, send it again")]
    DigestMismatch {
        /// What it was to be.
        wanted: NamedDigest,
    },
    /// A blob is no catalog, or another than the manifest says.
    #[error("{0}; make the snapshot again")]
    Catalog(#[from] CatalogError),
    /// A catalog lists something else than the manifest says.
    #[error(
        "the catalog lists {entries} entries of {size_bytes} bytes, and the manifest says otherwise; make the snapshot again"
    )]
    Listing {
        /// How many entries it lists.
        entries: u64,
        /// How many bytes their files have.
        size_bytes: u64,
    },
    /// What is referred to is not there.
    #[error("{} or more chunks are not there: send what is listed, then try again", .0.len())]
    Missing(Vec<MissingChunk>),
    /// There is no such blob in the namespace.
    #[error("there is no such blob in this namespace: check the digest, or push its bytes")]
    NotFound,
    /// The blob has no such bytes.
    #[error("the blob has {size_bytes} bytes, the range asked for lies outside: ask for a part of it")]
    Range {
        /// How many bytes it has.
        size_bytes: u64,
    },
    /// A stored object is not what its address says. No byte of it is given.
    #[error(
        "the stored object {key} is damaged ({what}): restore it from a replica, or push its bytes again"
    )]
    Corrupt {
        /// Its key.
        key: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Something is to be deleted that no newer sweep named. Nothing of what was to be deleted with it is.
    #[error("{0} is the newest of its kind, and no sweep that is logged named it: nothing is deleted")]
    NotSwept(String),
    /// The index failed, so it is not known where content is.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The store failed.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

impl From<InvalidKey> for BlobError {
    fn from(error: InvalidKey) -> Self {
        Self::Object(error.into())
    }
}

/// What is wrong with the bytes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsound {
    Malformed(&'static str),
    TooLarge(&'static str),
    Mismatch,
}

impl Unsound {
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Malformed(what) | Self::TooLarge(what) => what,
            Self::Mismatch => "it does not hash to its address",
        }
    }

    /// The error for whoever sent these bytes as `wanted`.
    pub(super) fn refused(self, wanted: NamedDigest) -> BlobError {
        match self {
            Self::Malformed(what) => BlobError::Malformed(what),
            Self::TooLarge(what) => BlobError::TooLarge(what),
            Self::Mismatch => BlobError::DigestMismatch { wanted },
        }
    }
}

/// Why a stored object gave no content.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// There is none.
    Absent(ObjectKey),
    /// There is one, and it is not what its address says.
    Bad(ObjectKey, Unsound),
    /// Whether there is one is not known.
    Object(ObjectError),
    /// Where it would be is not known.
    Index(IndexError),
}

impl Unreadable {
    /// For an answer of [`Store::get`](crate::objects::Store::get).
    ///
    /// An object on a bad sector is as lost as one with wrong bytes: a scrub names it and a put replaces it.
    pub(super) fn from_get(key: &ObjectKey, error: ObjectError) -> Self {
        match error {
            ObjectError::NotFound { .. } => Self::Absent(key.clone()),
            ObjectError::TooLarge { .. } => {
                Self::Bad(key.clone(), Unsound::Malformed("it is larger than such an object may be"))
            }
            ObjectError::Io { .. } => Self::Bad(key.clone(), Unsound::Malformed("the store cannot read it")),
            other => Self::Object(other),
        }
    }
}

impl From<InvalidKey> for Unreadable {
    fn from(error: InvalidKey) -> Self {
        Self::Object(error.into())
    }
}

impl From<IndexError> for Unreadable {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl From<ObjectError> for Unreadable {
    fn from(error: ObjectError) -> Self {
        Self::Object(error)
    }
}

/// For a reader: an object that a record or alias names and that is not there is damage, too.
impl From<Unreadable> for BlobError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Absent(key) => Self::Corrupt { key: key.to_string(), what: "it is not there" },
            Unreadable::Bad(key, unsound) => Self::Corrupt { key: key.to_string(), what: unsound.what() },
            Unreadable::Object(error) => Self::Object(error),
            Unreadable::Index(error) => Self::Index(error),
        }
    }
}

//! Catalogs of snapshots as the registry sees them: whether a blob is one, which chunks it needs, whether they are there.
//!
//! A catalog may list millions of chunks and files. It is read in a stream, and of its chunks never more than a part is
//! in memory: a check that does not get along with one part reads the entries once for each. What they say of chunks and
//! files is believed by nobody: a scrub reads it all.

mod check;
mod give;
mod listed;
mod open;
mod pages;
mod reading;
mod scrub;
mod segments;
mod window;

use holdfast_formats::digest::Blake3Digest;

pub(super) use listed::ListedChunks;
pub(super) use pages::Pages;

/// The blob of a namespace that is a snapshot's catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogBlob {
    /// Its digest.
    pub digest: Blake3Digest,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// How much a catalog lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeListing {
    /// Its entries.
    pub entries: u64,
    /// The bytes of all files.
    pub size_bytes: u64,
}

//! What there is to do for each thing of a tree, and what came of it.

use std::fmt;
use std::io;
use std::sync::Arc;

use holdfast_formats::catalog::{Entry, TreePath};

use super::system::Directory;
use crate::error::ClientError;

/// Where things of a tree come from, in the order of a catalog.
pub(super) trait Source: Send {
    /// The next one; nothing at the end.
    fn next(&mut self) -> Result<Option<Item>, ClientError>;
}

/// A thing of a tree, and what must be done for its entry.
#[derive(Debug)]
pub(super) enum Item {
    /// Nothing.
    Ready(Entry),
    /// It is a file that must be read.
    Read(Place),
    /// It is another name of a file before it. If that could not be read, this is to be tried.
    Link(Place, TreePath),
    /// It is left out, or something of it.
    Unread(Unread),
}

/// Where a file is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) directory: Arc<Directory>,
    pub(super) path: TreePath,
    /// How many bytes to expect.
    pub(super) size: u64,
    /// What stays when it cannot be read.
    pub(super) otherwise: Option<Box<Entry>>,
}

/// What came of an item.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Its entry is complete.
    Ready(Entry),
    /// A file whose parts are complete, and the chunks that were made of it.
    Cut(Entry, Vec<(holdfast_formats::digest::Blake3Digest, u32)>),
    /// A small file whose bytes stand in the batch from there on; its parts are of no chunk yet.
    Small { entry: Entry, start: usize, length: usize },
    /// As the item.
    Link(Place, TreePath),
    /// It was there when its directory was listed, and is no more.
    Gone(TreePath),
    /// As the item.
    Unread(Unread),
    /// The file that comes next changed each time while it was read.
    Changing(TreePath),
}

/// Something of a tree that is missing in its snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where it is.
    pub path: TreePath,
    /// Why.
    pub why: UnreadReason,
}

/// Why something is missing in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnreadReason {
    /// The system did not let us.
    Failed(String),
    /// The catalog cannot hold it.
    Unfit(&'static str),
}

impl fmt::Display for UnreadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(what) => f.write_str(what),
            Self::Unfit(what) => f.write_str(what),
        }
    }
}

impl Unread {
    pub(super) fn failed(path: &TreePath, error: &io::Error) -> Self {
        Self { path: path.clone(), why: UnreadReason::Failed(error.to_string()) }
    }

    pub(super) fn unfit(path: &TreePath, why: &'static str) -> Self {
        Self { path: path.clone(), why: UnreadReason::Unfit(why) }
    }
}

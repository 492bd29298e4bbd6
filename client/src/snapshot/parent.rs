//! The snapshot before: which of its files are unchanged, known without being read.

use std::fmt;

use holdfast_formats::catalog::{Attribute, Entry, FileContent, Node, TreePath};

use super::system::Look;
use crate::error::ClientError;

/// Entries of a catalog, as they are decoded.
pub(super) type Entries = Box<dyn Iterator<Item = Result<Entry, ClientError>> + Send>;

/// The entries of the snapshot before, read once beside a walk in the same order.
pub(super) struct Earlier {
    entries: Entries,
    /// The first entry that is not before the walk.
    held: Option<Entry>,
}

impl fmt::Debug for Earlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Earlier").field("held", &self.held).finish_non_exhaustive()
    }
}

impl Earlier {
    /// No snapshot before.
    pub(super) fn nothing() -> Self {
        Self::of(Box::new(std::iter::empty()))
    }

    /// The entries of a catalog.
    pub(super) fn of(entries: Entries) -> Self {
        Self { entries, held: None }
    }

    /// The extended attributes and content of the file at a path, when it is as it was. Its attributes are, too, because a
    /// change of one changes the inode.
    pub(super) fn unchanged(
        &mut self,
        path: &TreePath,
        look: &Look,
    ) -> Result<Option<(Vec<Attribute>, FileContent)>, ClientError> {
        let Some(entry) = self.at(path)? else { return Ok(None) };
        let Node::File(metadata, content) = entry.node else { return Ok(None) };
        let is_same = content.seen.is_some_and(|seen| {
            (Some(seen.changed), seen.inode) == (look.changed, look.identity.1)
                && (content.size, metadata.modified) == (look.size, look.modified)
        });
        Ok(is_same.then_some((metadata.attributes, content)))
    }

    /// The entry at a path. Paths come in order, each once.
    fn at(&mut self, path: &TreePath) -> Result<Option<Entry>, ClientError> {
        loop {
            match &self.held {
                Some(entry) if entry.path < *path => self.held = None,
                Some(entry) if entry.path == *path => return Ok(self.held.take()),
                Some(_) => return Ok(None),
                None => match self.entries.next().transpose()? {
                    Some(entry) => self.held = Some(entry),
                    None => return Ok(None),
                },
            }
        }
    }
}

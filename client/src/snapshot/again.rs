//! Going over a catalog once more: files of which some chunks are not to be relied on are read again, all else is taken
//! over.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_formats::catalog::{Node, Part, TreePath};
use holdfast_formats::digest::Blake3Digest;

use super::item::{Item, Place, Source, Unread};
use super::parent::Entries;
use super::system::Directory;
use crate::error::ClientError;

/// Why files are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Most of a chunk is used by nobody. What cannot be read stays as it is.
    Waste,
    /// A chunk is not there. What cannot be read is lost.
    Missing,
}

/// The entries of a catalog, and the chunks that are to be left.
pub(super) struct Again {
    pub(super) root: Arc<Directory>,
    pub(super) entries: Entries,
    pub(super) leave: BTreeSet<Blake3Digest>,
    pub(super) reason: Reason,
    /// The directory that a file was read in last.
    pub(super) newest: Option<(TreePath, Arc<Directory>)>,
}

impl Source for Again {
    fn next(&mut self) -> Result<Option<Item>, ClientError> {
        let Some(entry) = self.entries.next().transpose()? else { return Ok(None) };
        let Node::File(_, content) = &entry.node else { return Ok(Some(Item::Ready(entry))) };
        let is_left = |part: &Part| matches!(part, Part::Data(extent) if self.leave.contains(&extent.chunk));
        if !content.parts.iter().any(is_left) {
            return Ok(Some(Item::Ready(entry)));
        }
        let size = content.size;
        Ok(Some(match self.directory_of(&entry.path) {
            Ok(directory) => {
                let path = entry.path.clone();
                let otherwise = (self.reason == Reason::Waste).then(|| Box::new(entry));
                Item::Read(Place { directory, path, size, otherwise })
            }
            Err(_) if self.reason == Reason::Waste => Item::Ready(entry),
            Err(error) => Item::Unread(Unread::failed(&entry.path, &error)),
        }))
    }
}

impl Again {
    fn directory_of(&mut self, path: &TreePath) -> std::io::Result<Arc<Directory>> {
        let wanted = path.parent().unwrap_or_else(TreePath::root);
        if let Some((newest, directory)) = &self.newest
            && *newest == wanted
        {
            return Ok(Arc::clone(directory));
        }
        let opened = match wanted.names().next() {
            None => Arc::clone(&self.root),
            Some(first) => {
                let first = self.root.open(first)?;
                Arc::new(wanted.names().skip(1).try_fold(first, |directory, name| directory.open(name))?)
            }
        };
        self.newest = Some((wanted, Arc::clone(&opened)));
        Ok(opened)
    }
}

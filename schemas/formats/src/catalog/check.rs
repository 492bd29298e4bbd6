//! What makes an entry wrong, by itself or at its place.

use super::{Attribute, CatalogError, Entry, FileContent, Metadata, NANOS, Node, Part, TreePath};
use crate::limits::{CHUNK_BYTES_MAX, EXTENTS_MAX, INTEGER_MAX, TREE_ATTRIBUTE_BYTES_MAX};

/// That entries come in order, and each in a directory that came before.
#[derive(Debug)]
pub(super) struct Order {
    /// The directories that the newest entry is in, or is.
    open: Vec<TreePath>,
    newest: Option<TreePath>,
}

impl Order {
    pub(super) const fn start() -> Self {
        Self { open: Vec::new(), newest: None }
    }

    /// Everything that is wrong with an entry by itself or at its place.
    pub(super) fn follow(&mut self, entry: &Entry) -> Result<(), CatalogError> {
        let path = &entry.path;
        match &self.newest {
            None if !path.is_root() => return Err(CatalogError("its first entry is not the root")),
            Some(newest) if newest >= path => return Err(CatalogError("its entries are not in order")),
            _ => {}
        }
        while self.open.last().is_some_and(|directory| !path.is_within(directory)) {
            self.open.pop();
        }
        if path.parent().as_ref() != self.open.last() {
            return Err(CatalogError("an entry is in no directory of the catalog"));
        }
        check_node(entry)?;
        if matches!(entry.node, Node::Directory(_)) {
            self.open.push(path.clone());
        } else if path.is_root() {
            return Err(CatalogError("the root is no directory"));
        }
        self.newest = Some(path.clone());
        Ok(())
    }
}

fn check_node(entry: &Entry) -> Result<(), CatalogError> {
    if let Some(metadata) = entry.node.metadata() {
        check_metadata(metadata)?;
    }
    match &entry.node {
        Node::HardLink(target) if *target >= entry.path || target.is_root() => {
            Err(CatalogError("a hard link names nothing before it"))
        }
        Node::Symlink(_, target) if target.is_empty() || target.contains(&0) => {
            Err(CatalogError("a symbolic link has no target, or one with a NUL"))
        }
        Node::File(_, content) => check_content(content),
        _ => Ok(()),
    }
}

fn check_metadata(metadata: &Metadata) -> Result<(), CatalogError> {
    if metadata.mode > 0o7777 || metadata.modified.nanos >= NANOS {
        return Err(CatalogError("permission bits or nanoseconds are out of bounds"));
    }
    let attributes = &metadata.attributes;
    if !attributes.is_sorted_by(|before, after| before.name < after.name) {
        return Err(CatalogError("extended attributes are not sorted"));
    }
    let is_wrong =
        |a: &Attribute| a.name.is_empty() || a.name.contains(&0) || a.value.len() > TREE_ATTRIBUTE_BYTES_MAX;
    if attributes.iter().any(is_wrong) {
        return Err(CatalogError("an extended attribute has no name, or is too large"));
    }
    Ok(())
}

fn check_content(content: &FileContent) -> Result<(), CatalogError> {
    if content.seen.is_some_and(|seen| seen.changed.nanos >= NANOS) {
        return Err(CatalogError("nanoseconds are out of bounds"));
    }
    if content.size > INTEGER_MAX || content.parts.len() > EXTENTS_MAX {
        return Err(CatalogError("a file has more bytes or parts than the format allows"));
    }
    let (mut size, mut after_hole) = (0_u64, false);
    for part in &content.parts {
        let is_hole = matches!(part, Part::Hole(_));
        if part.length() == 0 || (is_hole && after_hole) {
            return Err(CatalogError("a part is empty, or a hole follows a hole"));
        }
        if let Part::Data(extent) = part
            && u64::from(extent.offset) + u64::from(extent.length) > CHUNK_BYTES_MAX as u64
        {
            return Err(CatalogError("a part reaches beyond the largest chunk"));
        }
        after_hole = is_hole;
        size = size.saturating_add(part.length());
    }
    if size != content.size {
        return Err(CatalogError("the parts of a file do not add up to its size"));
    }
    Ok(())
}

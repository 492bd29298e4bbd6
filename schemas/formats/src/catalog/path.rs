//! Where something is in a tree.

use std::cmp::Ordering;
use std::fmt;

use super::CatalogError;
use crate::limits::{TREE_NAME_BYTES_MAX, TREE_PATH_BYTES_MAX};

/// A path below the root of a tree: names of bytes with `/` between them; the root's is empty.
///
/// Ordered name by name, so that a directory comes before all that is in it and nothing else comes in between.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TreePath(Vec<u8>);

impl TreePath {
    /// The root.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Checks a path: no empty name, no `.` or `..`, no NUL, names of at most 1,024 bytes, 32,768 bytes in all.
    pub fn new(bytes: Vec<u8>) -> Result<Self, CatalogError> {
        if bytes.len() > TREE_PATH_BYTES_MAX {
            return Err(CatalogError("a path is longer than 32,768 bytes"));
        }
        if !bytes.is_empty() && !bytes.split(|b| *b == b'/').all(is_name) {
            return Err(CatalogError(
                "a path has an empty, `.` or `..` name, or one that is too long or has a NUL",
            ));
        }
        Ok(Self(bytes))
    }

    /// The path of `name` in this directory.
    pub fn join(&self, name: &[u8]) -> Result<Self, CatalogError> {
        if name.contains(&b'/') || !is_name(name) {
            return Err(CatalogError("a name is empty, `.` or `..`, too long, or has a slash or a NUL"));
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
        Self::new(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Its names, from the root down.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|b| *b == b'/').filter(|name| !name.is_empty())
    }

    /// Its last name; empty for the root.
    pub fn name(&self) -> &[u8] {
        self.names().next_back().unwrap_or_default()
    }

    /// The directory that it is in; nothing for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        Some(Self(self.0.get(..end).unwrap_or_default().to_vec()))
    }

    /// Whether it is `other`, or something below it.
    pub fn is_within(&self, other: &Self) -> bool {
        let rest = self.0.strip_prefix(other.as_bytes());
        rest.is_some_and(|rest| other.is_root() || rest.is_empty() || rest.starts_with(b"/"))
    }
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= TREE_NAME_BYTES_MAX
        && name != b"."
        && name != b".."
        && !name.contains(&0)
}

impl Ord for TreePath {
    fn cmp(&self, other: &Self) -> Ordering {
        // A slash ends a name, so it counts as less than any byte of one; NUL is in no name.
        let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        self.0.iter().map(key).cmp(other.0.iter().map(key))
    }
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreePath({})", self.0.escape_ascii())
    }
}

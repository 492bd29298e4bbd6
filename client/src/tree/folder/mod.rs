//! Folders by handle: whatever is made, replaced or removed stands in an open folder under a single name, and no symbolic
//! link is ever followed, except in the path of the root, which a person typed.
//!
//! What only unix has (owners, extended attributes, devices) stands in `unix`; elsewhere it is left undone, and said so.

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

use holdfast_formats::catalog::{Device, FileTime};

#[cfg(not(unix))]
pub(crate) use portable::{Folder, dress_file, is_file_dressed, look_at};
#[cfg(unix)]
pub(crate) use unix::{Folder, dress_file, is_file_dressed, look_at};

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    File,
    Symlink,
    Fifo,
    Character(Device),
    Block(Device),
    Socket,
    Other,
}

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    /// At most 0o7777.
    pub(crate) mode: u16,
    pub(crate) owner: u32,
    pub(crate) group: u32,
    pub(crate) modified: FileTime,
    /// By how many names it goes.
    pub(crate) links: u64,
    /// The file system, and the number in it.
    pub(crate) identity: (u64, u64),
}

/// What of some metadata could not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Undone {
    /// The owner or group, for want of rights.
    pub(crate) owner: bool,
    /// Extended attributes that only the system's administrator may set.
    pub(crate) privileged: u32,
    /// Other extended attributes.
    pub(crate) attributes: u32,
}

/// The names in a folder.
pub(crate) type Names = Vec<Vec<u8>>;

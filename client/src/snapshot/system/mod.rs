//! What the operating system knows of a tree, the same on every platform: directories by handle, what stands in them, and
//! open files. Nothing here follows a symbolic link, except the path of the root, which a person typed.
//!
//! What only unix has (owners, inodes, extended attributes, holes, devices) stands in `unix`; elsewhere it is absent.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod owners;
#[cfg(unix)]
mod unix;

use holdfast_formats::catalog::{Device, FileTime};

#[cfg(not(unix))]
pub(super) use other::{Directory, OpenFile, Owners};
#[cfg(unix)]
pub(super) use owners::Owners;
#[cfg(unix)]
pub(super) use unix::{Directory, OpenFile};

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookKind {
    Directory,
    File,
    Symlink,
    Fifo,
    CharacterDevice(Device),
    BlockDevice(Device),
    Socket,
    /// Nothing that a catalog knows.
    Other,
}

/// What is known of something without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) kind: LookKind,
    /// At most 0o7777.
    pub(super) mode: u16,
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) size: u64,
    pub(super) modified: FileTime,
    /// When the inode changed; nothing where the system does not say.
    pub(super) changed: Option<FileTime>,
    /// The file system, and the number in it.
    pub(super) identity: (u64, u64),
    /// By how many names it goes.
    pub(super) links: u64,
    /// Whether fewer bytes are stored than it has.
    pub(super) may_have_holes: bool,
}

/// Bytes of a file that were written: where they begin, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start: u64,
    pub(super) length: u64,
}

/// Names in a directory, sorted, and why there may be more.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) names: Vec<Vec<u8>>,
    pub(super) failure: Option<std::io::Error>,
}

//! The catalog of a snapshot: a blob that lists a tree, and of which chunks its files are made.
//!
//! Binary, because a tree may have millions of files. All integers are big endian; names are bytes, as file systems have
//! them.
//!
//! ```text
//! 4      "HFS1"
//! then for every entry, in the order of [`TreePath`], the root first:
//!   4    length of the entry, never 0, and the entry
//! 4      0
//! then for every chunk, by digest, each once:
//!   32   BLAKE3 of the chunk
//!   4    its length
//! 8      number of entries
//! 8      bytes of all files
//! 4      number of chunks
//! 4      "HFSE"
//! ```
//!
//! An entry (`bytes(n)` are `n` bytes of length, then as many bytes):
//!
//! ```text
//! 1         kind: 0 directory, 1 file, 2 symlink, 3 hard link, 4 FIFO, 5 character device, 6 block device, 7 socket
//! bytes(2)  path; the root's is empty
//! hard link: bytes(2)  path of a file before it; nothing else
//! all others:
//! 2         permission bits
//! 4 4       owner, group
//! bytes(1) bytes(1)  their names, empty when unknown
//! 8 4       modified: seconds since 1970, signed, and nanoseconds
//! 2         number of extended attributes, sorted by name; each bytes(1) name, bytes(4) value
//! symlink:  bytes(2)  target
//! devices:  4 4       major, minor
//! file:     8 32      size, BLAKE3
//!           1         1 when the next line follows, else 0
//!           8 4 8     changed (as modified), inode
//!           4         number of parts; each
//!                     0  32 4 4  of a chunk: its BLAKE3, offset, length
//!                     1  8       a hole: length
//! ```
//!
//! The chunks stand at the end, so that what a snapshot needs can be learnt without reading its entries; chunks of
//! unchanged files keep their place in the entries, so that catalogs of almost the same tree share most of their own chunks.

mod check;
mod decode;
mod encode;
mod index;
mod path;

#[cfg(test)]
mod tests;

pub use decode::Decoder;
pub use encode::Encoder;
pub use index::{ChunkIndex, IndexedChunk, TRAILER_BYTES, Trailer};
pub use path::TreePath;

use crate::blob::Extent;
use crate::digest::Blake3Digest;

const MAGIC: &[u8; 4] = b"HFS1";
const END_MAGIC: &[u8; 4] = b"HFSE";
const NANOS: u32 = 1_000_000_000;

/// Why bytes are no catalog, or an entry cannot be part of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the catalog is malformed: {0}")]
pub struct CatalogError(pub(crate) &'static str);

impl CatalogError {
    /// What is wrong, for whoever finds the parts of a catalog in a larger whole.
    pub const fn new(what: &'static str) -> Self {
        Self(what)
    }
}

/// One thing of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: TreePath,
    /// What it is.
    pub node: Node,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Directory(Metadata),
    /// A regular file.
    File(Metadata, FileContent),
    /// A symbolic link and its target: 1 to 65,535 bytes without NUL.
    Symlink(Metadata, Vec<u8>),
    /// Another name of the file at this path, which comes earlier.
    HardLink(TreePath),
    /// A named pipe.
    Fifo(Metadata),
    /// A character device.
    CharacterDevice(Metadata, Device),
    /// A block device.
    BlockDevice(Metadata, Device),
    /// A socket.
    Socket(Metadata),
}

impl Node {
    /// What is known of it besides its content; nothing of a hard link, which shares it.
    pub const fn metadata(&self) -> Option<&Metadata> {
        match self {
            Self::HardLink(_) => None,
            Self::Directory(metadata)
            | Self::File(metadata, _)
            | Self::Symlink(metadata, _)
            | Self::Fifo(metadata)
            | Self::CharacterDevice(metadata, _)
            | Self::BlockDevice(metadata, _)
            | Self::Socket(metadata) => Some(metadata),
        }
    }
}

/// What a file system keeps of anything in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Permission bits with set-user-id, set-group-id and sticky: at most 0o7777.
    pub mode: u16,
    /// Who owns it.
    pub owner: Owner,
    /// Which group it is of.
    pub group: Owner,
    /// When its content changed last.
    pub modified: FileTime,
    /// Extended attributes, sorted by name. Access control lists are among them, as the system stores them.
    pub attributes: Vec<Attribute>,
}

/// A user or group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Its number.
    pub id: u32,
    /// Its name, at most 255 bytes; empty when unknown.
    pub name: Vec<u8>,
}

/// A moment as file systems keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileTime {
    /// Seconds since 1970, rounded down.
    pub seconds: i64,
    /// Nanoseconds after that; fewer than 1,000,000,000.
    pub nanos: u32,
}

/// One extended attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name: 1 to 255 bytes without NUL.
    pub name: Vec<u8>,
    /// Its value: at most 65,536 bytes.
    pub value: Vec<u8>,
}

/// The numbers of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Its driver.
    pub major: u32,
    /// Its instance.
    pub minor: u32,
}

/// The content of a regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// Its size in bytes, holes included.
    pub size: u64,
    /// The BLAKE3 of all of it, holes read as zeros.
    pub blake3: Blake3Digest,
    /// By what it is known again without being read; absent when it was too fresh to be sure.
    pub seen: Option<Seen>,
    /// Its parts in order. They cover it from first to last byte.
    pub parts: Vec<Part>,
}

/// What changes whenever a file is changed or replaced, besides size and time of modification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When the inode changed last.
    pub changed: FileTime,
    /// Its number.
    pub inode: u64,
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A part of a chunk.
    Data(Extent),
    /// So many bytes that were never written; never 0, and no hole follows another.
    Hole(u64),
}

impl Part {
    /// How many bytes of the file it is.
    pub const fn length(&self) -> u64 {
        match self {
            Self::Data(extent) => extent.length as u64,
            Self::Hole(length) => *length,
        }
    }
}

//! Reading a catalog from pieces of its bytes, entry by entry.

use super::check::Order;
use super::{
    Attribute, CatalogError, ChunkIndex, Device, Entry, FileContent, FileTime, MAGIC, Metadata, Node, Owner,
    Part, Seen, TRAILER_BYTES, Trailer, TreePath,
};
use crate::blob::Extent;
use crate::digest::Blake3Digest;
use crate::limits::{CATALOG_ENTRY_BYTES_MAX, EXTENTS_MAX};

/// Reads a catalog whose chunks are known already. Memory grows with the number of chunks and the largest entry.
#[derive(Debug)]
pub struct Decoder {
    index: ChunkIndex,
    span: Span,
    used: Vec<bool>,
    /// What was pushed; before `at` it was read.
    held: Vec<u8>,
    at: usize,
    consumed: u64,
    stage: Stage,
    order: Order,
    entries: u64,
    size: u64,
}

/// Which chunks are looked at: from the first digest named to before the second; all where none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: Option<Blake3Digest>,
    to: Option<Blake3Digest>,
}

impl Span {
    fn contains(&self, digest: &Blake3Digest) -> bool {
        self.from.is_none_or(|from| from <= *digest) && self.to.is_none_or(|to| *digest < to)
    }

    const fn is_everything(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Magic,
    Entries,
    Ended,
}

impl Decoder {
    /// Reads the catalog that these chunks belong to.
    pub fn new(index: ChunkIndex) -> Self {
        Self::spanning(index, None, None)
    }

    /// Reads a catalog with a part of its chunks, those from the first digest named to before the second: whatever
    /// belongs to others is not looked at. With every part of them in turn, all of it is.
    pub fn spanning(index: ChunkIndex, from: Option<Blake3Digest>, to: Option<Blake3Digest>) -> Self {
        let used = vec![false; index.chunks().len()];
        Self {
            index,
            span: Span { from, to },
            used,
            held: Vec::new(),
            at: 0,
            consumed: 0,
            stage: Stage::Magic,
            order: Order::start(),
            entries: 0,
            size: 0,
        }
    }

    /// The chunks of the catalog.
    pub const fn index(&self) -> &ChunkIndex {
        &self.index
    }

    /// The chunks of the catalog, when they are all that is wanted of it any more.
    pub fn into_index(self) -> ChunkIndex {
        self.index
    }

    /// Takes the bytes that follow those pushed before; what follows the last entry is ignored.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.stage == Stage::Ended {
            return;
        }
        self.held.drain(..self.at);
        self.at = 0;
        // No more than is pushed: a large entry comes in many pieces.
        self.held.reserve_exact(bytes.len());
        self.held.extend_from_slice(bytes);
    }

    /// How long the entry says it is that more bytes are needed for; 0 when that is not known yet.
    pub fn awaited(&self) -> usize {
        let length = if self.stage == Stage::Entries { self.peek::<4>() } else { None };
        length.map_or(0, |length| u32::from_be_bytes(length) as usize)
    }

    /// The next entry; nothing when more bytes are needed, or when all were read.
    #[expect(clippy::should_implement_trait, reason = "nothing does not mean the end")]
    pub fn next(&mut self) -> Result<Option<Entry>, CatalogError> {
        if self.stage == Stage::Magic {
            let Some(magic) = self.peek::<4>() else { return Ok(None) };
            if magic != *MAGIC {
                return Err(CatalogError("it does not begin with HFS1"));
            }
            self.advance(4);
            self.stage = Stage::Entries;
        }
        if self.stage == Stage::Ended {
            return Ok(None);
        }
        let Some(length) = self.peek::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length == 0 {
            if self.entries == 0 {
                return Err(CatalogError("it has no root"));
            }
            self.advance(4);
            self.stage = Stage::Ended;
            return Ok(None);
        }
        if length > CATALOG_ENTRY_BYTES_MAX {
            return Err(CatalogError("an entry is larger than the format allows"));
        }
        let Some(bytes) = self.held.get(self.at + 4..self.at + 4 + length) else { return Ok(None) };
        let entry = parse_entry(bytes)?;
        self.advance(4 + length);
        self.check(&entry)?;
        Ok(Some(entry))
    }

    /// Whether the last entry was read.
    pub fn is_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// Checks the whole against its trailer and its size in bytes, when the last entry was read.
    pub fn finish(&self, trailer: &Trailer, catalog_bytes: u64) -> Result<(), CatalogError> {
        if !self.is_ended() {
            return Err(CatalogError("it ends among its entries"));
        }
        let end = (trailer.index_bytes() + TRAILER_BYTES) as u64;
        if self.consumed.checked_add(end) != Some(catalog_bytes) {
            return Err(CatalogError("something stands between its entries and its chunks"));
        }
        let listed = self.index.chunks().len();
        let chunks = if self.span.is_everything() { trailer.chunks as usize } else { listed };
        if (trailer.entries, trailer.size, chunks) != (self.entries, self.size, listed) {
            return Err(CatalogError("its last bytes do not say what it lists"));
        }
        if self.used.contains(&false) {
            return Err(CatalogError("a chunk belongs to no file"));
        }
        Ok(())
    }

    fn check(&mut self, entry: &Entry) -> Result<(), CatalogError> {
        self.order.follow(entry)?;
        self.entries += 1;
        let Node::File(_, content) = &entry.node else { return Ok(()) };
        for part in &content.parts {
            let Part::Data(extent) = part else { continue };
            if !self.span.contains(&extent.chunk) {
                continue;
            }
            let at = self.index.position(&extent.chunk);
            let known = at.and_then(|at| Some((self.index.chunks().get(at)?, self.used.get_mut(at)?)));
            let (chunk, used) = known.ok_or(CatalogError("a part is of a chunk that is not listed"))?;
            if u64::from(extent.offset) + u64::from(extent.length) > u64::from(chunk.length) {
                return Err(CatalogError("a part reaches beyond its chunk"));
            }
            *used = true;
        }
        self.size = self.size.checked_add(content.size).ok_or(CatalogError("it has too many bytes"))?;
        Ok(())
    }

    fn peek<const N: usize>(&self) -> Option<[u8; N]> {
        self.held.get(self.at..).and_then(|rest| rest.first_chunk::<N>()).copied()
    }

    const fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.consumed += bytes as u64;
    }
}

fn parse_entry(mut bytes: &[u8]) -> Result<Entry, CatalogError> {
    let from = &mut bytes;
    let [kind] = take(from)?;
    let path = TreePath::new(take_bytes::<2>(from)?.to_vec())?;
    let node = if kind == 3 {
        Node::HardLink(TreePath::new(take_bytes::<2>(from)?.to_vec())?)
    } else {
        parse_node(kind, take_metadata(from)?, from)?
    };
    if from.is_empty() { Ok(Entry { path, node }) } else { Err(CatalogError("something follows an entry")) }
}

fn parse_node(kind: u8, metadata: Metadata, from: &mut &[u8]) -> Result<Node, CatalogError> {
    Ok(match kind {
        0 => Node::Directory(metadata),
        1 => Node::File(metadata, take_content(from)?),
        2 => Node::Symlink(metadata, take_bytes::<2>(from)?.to_vec()),
        4 => Node::Fifo(metadata),
        5 => Node::CharacterDevice(metadata, take_device(from)?),
        6 => Node::BlockDevice(metadata, take_device(from)?),
        7 => Node::Socket(metadata),
        _ => return Err(CatalogError("an entry is of an unknown kind; a newer version may know it")),
    })
}

fn take_metadata(from: &mut &[u8]) -> Result<Metadata, CatalogError> {
    let mode = u16::from_be_bytes(take(from)?);
    let (owner, group) = (take_u32(from)?, take_u32(from)?);
    let owner = Owner { id: owner, name: take_bytes::<1>(from)?.to_vec() };
    let group = Owner { id: group, name: take_bytes::<1>(from)?.to_vec() };
    let modified = take_time(from)?;
    let count = u16::from_be_bytes(take(from)?);
    let mut attributes = Vec::new();
    for _ in 0..count {
        let name = take_bytes::<1>(from)?.to_vec();
        attributes.push(Attribute { name, value: take_bytes::<4>(from)?.to_vec() });
    }
    Ok(Metadata { mode, owner, group, modified, attributes })
}

fn take_content(from: &mut &[u8]) -> Result<FileContent, CatalogError> {
    let size = take_u64(from)?;
    let blake3 = Blake3Digest::from_bytes(take(from)?);
    let seen = match take(from)? {
        [0] => None,
        [1] => Some(Seen { changed: take_time(from)?, inode: take_u64(from)? }),
        _ => return Err(CatalogError("a flag is neither 0 nor 1")),
    };
    let count = take_u32(from)? as usize;
    if count > EXTENTS_MAX {
        return Err(CatalogError("a file has more bytes or parts than the format allows"));
    }
    // A hole, the smallest part, takes 9 bytes.
    let mut parts = Vec::with_capacity(count.min(from.len() / 9));
    for _ in 0..count {
        parts.push(match take(from)? {
            [0] => Part::Data(Extent {
                chunk: Blake3Digest::from_bytes(take(from)?),
                offset: take_u32(from)?,
                length: take_u32(from)?,
            }),
            [1] => Part::Hole(take_u64(from)?),
            _ => return Err(CatalogError("a part is neither of a chunk nor a hole")),
        });
    }
    Ok(FileContent { size, blake3, seen, parts })
}

fn take_time(from: &mut &[u8]) -> Result<FileTime, CatalogError> {
    Ok(FileTime { seconds: i64::from_be_bytes(take(from)?), nanos: take_u32(from)? })
}

fn take_device(from: &mut &[u8]) -> Result<Device, CatalogError> {
    Ok(Device { major: take_u32(from)?, minor: take_u32(from)? })
}

fn take_u32(from: &mut &[u8]) -> Result<u32, CatalogError> {
    take(from).map(u32::from_be_bytes)
}

fn take_u64(from: &mut &[u8]) -> Result<u64, CatalogError> {
    take(from).map(u64::from_be_bytes)
}

fn take<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], CatalogError> {
    let (head, rest) = from.split_first_chunk::<N>().ok_or(CatalogError("an entry is cut short"))?;
    *from = rest;
    Ok(*head)
}

/// Bytes behind their length, which takes `N` bytes.
fn take_bytes<'a, const N: usize>(from: &mut &'a [u8]) -> Result<&'a [u8], CatalogError> {
    let length = take::<N>(from)?.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    let (bytes, rest) = from.split_at_checked(length).ok_or(CatalogError("an entry is cut short"))?;
    *from = rest;
    Ok(bytes)
}

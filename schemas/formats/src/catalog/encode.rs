//! Writing a catalog, entry by entry.

use std::collections::HashMap;

use super::check::Order;
use super::{
    CatalogError, ChunkIndex, Device, Entry, FileContent, FileTime, IndexedChunk, MAGIC, Metadata, Node,
    Owner, Part, Trailer, TreePath,
};
use crate::digest::Blake3Digest;

/// Writes a catalog. Memory grows with the number of chunks, not of entries.
#[derive(Debug)]
pub struct Encoder {
    out: Vec<u8>,
    order: Order,
    lengths: HashMap<Blake3Digest, ChunkUse>,
    entries: u64,
    size: u64,
}

#[derive(Debug, Clone, Copy)]
struct ChunkUse {
    length: u32,
    used: bool,
}

impl Encoder {
    /// A catalog without entries.
    pub fn new() -> Self {
        Self { out: MAGIC.to_vec(), order: Order::start(), lengths: HashMap::new(), entries: 0, size: 0 }
    }

    /// Says how long a chunk is, before an entry refers to it. Those that none refers to are left out at the end.
    pub fn chunk(&mut self, digest: Blake3Digest, length: u32) {
        self.lengths.entry(digest).or_insert(ChunkUse { length, used: false });
    }

    /// Adds the next entry.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), CatalogError> {
        self.order.follow(entry)?;
        if let Node::File(_, content) = &entry.node {
            for part in &content.parts {
                self.note(part)?;
            }
            self.size = self.size.saturating_add(content.size);
        }
        let start = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        put_entry(&mut self.out, entry)?;
        let length =
            u32::try_from(self.out.len() - start - 4).map_err(|_| CatalogError("an entry is too large"))?;
        if let Some(place) = self.out.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        self.entries += 1;
        Ok(())
    }

    fn note(&mut self, part: &Part) -> Result<(), CatalogError> {
        let Part::Data(extent) = part else { return Ok(()) };
        let chunk =
            self.lengths.get_mut(&extent.chunk).ok_or(CatalogError("a part is of an unknown chunk"))?;
        if u64::from(extent.offset) + u64::from(extent.length) > u64::from(chunk.length) {
            return Err(CatalogError("a part reaches beyond its chunk"));
        }
        chunk.used = true;
        Ok(())
    }

    /// What was written since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// How many bytes [`Self::take`] would return.
    pub fn pending(&self) -> usize {
        self.out.len()
    }

    /// Ends the catalog: its last bytes, the chunks it needs, and how much it lists.
    pub fn finish(mut self) -> Result<(Vec<u8>, ChunkIndex, Trailer), CatalogError> {
        if self.entries == 0 {
            return Err(CatalogError("it has no root"));
        }
        let used = self.lengths.into_iter().filter(|(_, chunk)| chunk.used);
        let index = ChunkIndex::of(
            used.map(|(digest, chunk)| IndexedChunk { digest, length: chunk.length }).collect(),
        )?;
        let chunks =
            u32::try_from(index.chunks().len()).map_err(|_| CatalogError("it has too many chunks"))?;
        let trailer = Trailer { entries: self.entries, size: self.size, chunks };
        self.out.extend_from_slice(&[0; 4]);
        self.out.extend_from_slice(&index.encode());
        self.out.extend_from_slice(&trailer.encode());
        Ok((self.out, index, trailer))
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry) -> Result<(), CatalogError> {
    let (kind, metadata) = match &entry.node {
        Node::Directory(metadata) => (0, metadata),
        Node::File(metadata, _) => (1, metadata),
        Node::Symlink(metadata, _) => (2, metadata),
        Node::HardLink(target) => {
            out.push(3);
            put_path(out, &entry.path)?;
            return put_path(out, target);
        }
        Node::Fifo(metadata) => (4, metadata),
        Node::CharacterDevice(metadata, _) => (5, metadata),
        Node::BlockDevice(metadata, _) => (6, metadata),
        Node::Socket(metadata) => (7, metadata),
    };
    out.push(kind);
    put_path(out, &entry.path)?;
    put_metadata(out, metadata)?;
    match &entry.node {
        Node::File(_, content) => put_content(out, content)?,
        Node::Symlink(_, target) => put_bytes::<2>(out, target)?,
        Node::CharacterDevice(_, device) | Node::BlockDevice(_, device) => put_device(out, *device),
        Node::Directory(_) | Node::HardLink(_) | Node::Fifo(_) | Node::Socket(_) => {}
    }
    Ok(())
}

fn put_metadata(out: &mut Vec<u8>, metadata: &Metadata) -> Result<(), CatalogError> {
    let Metadata { mode, owner, group, modified, attributes } = metadata;
    out.extend_from_slice(&mode.to_be_bytes());
    out.extend_from_slice(&owner.id.to_be_bytes());
    out.extend_from_slice(&group.id.to_be_bytes());
    put_name(out, owner)?;
    put_name(out, group)?;
    put_time(out, *modified);
    let count =
        u16::try_from(attributes.len()).map_err(|_| CatalogError("it has too many extended attributes"))?;
    out.extend_from_slice(&count.to_be_bytes());
    for attribute in attributes {
        put_bytes::<1>(out, &attribute.name)?;
        put_bytes::<4>(out, &attribute.value)?;
    }
    Ok(())
}

fn put_content(out: &mut Vec<u8>, content: &FileContent) -> Result<(), CatalogError> {
    out.extend_from_slice(&content.size.to_be_bytes());
    out.extend_from_slice(content.blake3.as_bytes());
    out.push(u8::from(content.seen.is_some()));
    if let Some(seen) = &content.seen {
        put_time(out, seen.changed);
        out.extend_from_slice(&seen.inode.to_be_bytes());
    }
    let count = u32::try_from(content.parts.len()).map_err(|_| CatalogError("a file has too many parts"))?;
    out.extend_from_slice(&count.to_be_bytes());
    for part in &content.parts {
        match part {
            Part::Data(extent) => {
                out.push(0);
                out.extend_from_slice(extent.chunk.as_bytes());
                out.extend_from_slice(&extent.offset.to_be_bytes());
                out.extend_from_slice(&extent.length.to_be_bytes());
            }
            Part::Hole(length) => {
                out.push(1);
                out.extend_from_slice(&length.to_be_bytes());
            }
        }
    }
    Ok(())
}

fn put_path(out: &mut Vec<u8>, path: &TreePath) -> Result<(), CatalogError> {
    put_bytes::<2>(out, path.as_bytes())
}

fn put_name(out: &mut Vec<u8>, owner: &Owner) -> Result<(), CatalogError> {
    put_bytes::<1>(out, &owner.name)
}

fn put_time(out: &mut Vec<u8>, time: FileTime) {
    out.extend_from_slice(&time.seconds.to_be_bytes());
    out.extend_from_slice(&time.nanos.to_be_bytes());
}

fn put_device(out: &mut Vec<u8>, device: Device) {
    out.extend_from_slice(&device.major.to_be_bytes());
    out.extend_from_slice(&device.minor.to_be_bytes());
}

/// Bytes behind their length, which takes `N` bytes.
fn put_bytes<const N: usize>(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), CatalogError> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes();
    let (high, low) = length.split_at(8 - N);
    if high.iter().any(|b| *b != 0) {
        return Err(CatalogError("a name, a target or an extended attribute is too long"));
    }
    out.extend_from_slice(low);
    out.extend_from_slice(bytes);
    Ok(())
}

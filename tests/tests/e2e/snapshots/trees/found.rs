//! A tree described twice: from the disk by the standard library, and from a snapshot by its catalog and chunks.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use holdfast_formats::catalog::{FileContent, Metadata, Node, Part, TreePath};
use holdfast_formats::chunk::{ChunkHeader, Codec};
use holdfast_formats::digest::Blake3Digest;
use holdfast_tests::{Person, of};

/// One thing of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Link(TreePath),
    Node { kind: &'static str, mode: u32, owner: (u32, u32), modified: (i64, i64), what: Vec<u8> },
}

pub(super) type Forest = BTreeMap<TreePath, Found>;

/// Content in few words, so that a difference can be read.
pub(super) fn summary(content: &[u8]) -> Vec<u8> {
    format!("{} bytes of blake3 {}", content.len(), Blake3Digest::of(content)).into_bytes()
}

/// What is on the disk.
pub(super) fn on_disk(root: &Path) -> Result<Forest> {
    let mut forest = Forest::new();
    let mut waiting = vec![TreePath::root()];
    while let Some(path) = waiting.pop() {
        let place = root.join(OsStr::from_bytes(path.as_bytes()));
        let metadata = fs::symlink_metadata(&place)?;
        if metadata.is_dir() {
            for item in fs::read_dir(&place)? {
                waiting.push(path.join(item?.file_name().as_bytes())?);
            }
        }
        forest.insert(path, describe(&place, &metadata)?);
    }
    // Of the names of one file the first in order is the file.
    let mut first: HashMap<(u64, u64), TreePath> = HashMap::new();
    for (path, found) in &mut forest {
        let metadata = fs::symlink_metadata(root.join(OsStr::from_bytes(path.as_bytes())))?;
        if metadata.is_file() && metadata.nlink() > 1 {
            let identity = (metadata.dev(), metadata.ino());
            let first = first.entry(identity).or_insert_with(|| path.clone());
            if first != path {
                *found = Found::Link(first.clone());
            }
        }
    }
    Ok(forest)
}

fn describe(place: &Path, metadata: &fs::Metadata) -> Result<Found> {
    let kind = metadata.file_type();
    let (kind, what) = if kind.is_dir() {
        ("directory", Vec::new())
    } else if kind.is_symlink() {
        ("symlink", fs::read_link(place)?.as_os_str().as_bytes().to_vec())
    } else if kind.is_fifo() {
        ("fifo", Vec::new())
    } else if kind.is_socket() {
        ("socket", Vec::new())
    } else {
        ("file", summary(&fs::read(place)?))
    };
    Ok(Found::Node {
        kind,
        mode: metadata.mode() & 0o7777,
        owner: (metadata.uid(), metadata.gid()),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        what,
    })
}

/// What a snapshot says, every chunk fetched and every file put together and hashed.
pub(super) async fn in_snapshot(person: &Person, artifact: &str) -> Result<Forest> {
    let record = person.registry().artifact(&of(artifact)).await?;
    let catalog = person.registry().catalog(&record).await?;
    let mut chunks = HashMap::new();
    for chunk in catalog.index().chunks() {
        let path = format!("/v1/artifacts/{artifact}/chunks/{}", chunk.digest);
        let object = person.http()?.get(&path).await?.error_for_status()?.bytes().await?;
        let (header, stored) = ChunkHeader::parse(&object)?;
        let bytes = match header.codec {
            Codec::Raw => stored.to_vec(),
            Codec::Zstd => zstd::bulk::decompress(stored, header.length as usize)?,
        };
        ensure!(Blake3Digest::of(&bytes) == chunk.digest && bytes.len() == chunk.length as usize);
        chunks.insert(chunk.digest, bytes);
    }
    let mut forest = Forest::new();
    for entry in catalog.entries()? {
        let entry = entry?;
        forest.insert(entry.path, found(&entry.node, &chunks)?);
    }
    Ok(forest)
}

fn found(node: &Node, chunks: &HashMap<Blake3Digest, Vec<u8>>) -> Result<Found> {
    Ok(match node {
        Node::HardLink(first) => Found::Link(first.clone()),
        Node::Directory(metadata) => plain("directory", metadata, Vec::new()),
        Node::File(metadata, content) => plain("file", metadata, summary(&bytes_of(content, chunks)?)),
        Node::Symlink(metadata, target) => plain("symlink", metadata, target.clone()),
        Node::Fifo(metadata) => plain("fifo", metadata, Vec::new()),
        Node::Socket(metadata) => plain("socket", metadata, Vec::new()),
        Node::CharacterDevice(metadata, _) => plain("character device", metadata, Vec::new()),
        Node::BlockDevice(metadata, _) => plain("block device", metadata, Vec::new()),
    })
}

fn plain(kind: &'static str, metadata: &Metadata, what: Vec<u8>) -> Found {
    Found::Node {
        kind,
        mode: u32::from(metadata.mode),
        owner: (metadata.owner.id, metadata.group.id),
        modified: (metadata.modified.seconds, i64::from(metadata.modified.nanos)),
        what,
    }
}

fn bytes_of(content: &FileContent, chunks: &HashMap<Blake3Digest, Vec<u8>>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in &content.parts {
        match part {
            Part::Hole(length) => bytes.resize(bytes.len() + usize::try_from(*length)?, 0),
            Part::Data(extent) => {
                let chunk = chunks.get(&extent.chunk).context("the chunk is listed")?;
                let (start, end) = (extent.offset as usize, (extent.offset + extent.length) as usize);
                bytes.extend_from_slice(chunk.get(start..end).context("the part is in its chunk")?);
            }
        }
    }
    ensure!(bytes.len() as u64 == content.size && Blake3Digest::of(&bytes) == content.blake3);
    Ok(bytes)
}

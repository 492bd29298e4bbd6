//! Trees come back bit for bit, and nothing else happens: whatever the registry says, whatever stands at the target.

mod evil;
mod in_place;
mod lies;
mod trees;

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use bytes::Bytes;
use holdfast_formats::blob::Extent;
use holdfast_formats::catalog::{
    Attribute, Encoder, Entry, FileContent, FileTime, Metadata, Node, Owner, Part, TreePath,
};
use holdfast_formats::digest::Blake3Digest;

use super::*;
use crate::progress::Quiet;
use crate::stored_chunk::{Effort, StoredChunk};
use crate::test_server::{Answer, TestServer};
use crate::transport::{Address, Transport};

/// A snapshot in the making: its entries and chunks.
#[derive(Debug, Default)]
struct Tree {
    entries: Vec<Entry>,
    chunks: HashMap<Blake3Digest, Vec<u8>>,
}

fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes().to_vec()).unwrap()
}

/// Metadata that whoever runs the tests may set.
fn metadata(mode: u16) -> Metadata {
    let own = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    let owner = |id| Owner { id, name: Vec::new() };
    let modified = FileTime { seconds: 1_700_000_000, nanos: 123_456_789 };
    Metadata { mode, owner: owner(own), group: owner(group), modified, attributes: Vec::new() }
}

impl Tree {
    /// An empty root.
    fn new() -> Self {
        Self::default().with("", Node::Directory(metadata(0o755)))
    }

    fn with(mut self, at: &str, node: Node) -> Self {
        self.entries.push(Entry { path: path(at), node });
        self.entries.sort_by(|a, b| a.path.cmp(&b.path));
        self
    }

    fn folder(self, at: &str) -> Self {
        self.with(at, Node::Directory(metadata(0o750)))
    }

    fn symlink(self, at: &str, target: &str) -> Self {
        self.with(at, Node::Symlink(metadata(0o777), target.as_bytes().to_vec()))
    }

    fn link(self, at: &str, target: &str) -> Self {
        self.with(at, Node::HardLink(path(target)))
    }

    /// A file of these pieces, each a chunk of its own; nothing is a hole of that length.
    fn file(mut self, at: &str, pieces: &[Result<&[u8], u64>]) -> Self {
        let (mut parts, mut hasher, mut size) = (Vec::new(), blake3::Hasher::new(), 0);
        for piece in pieces {
            match piece {
                Ok(bytes) => {
                    let chunk = Blake3Digest::of(bytes);
                    self.chunks.insert(chunk, bytes.to_vec());
                    hasher.update(bytes);
                    parts.push(Part::Data(Extent {
                        chunk,
                        offset: 0,
                        length: bytes.len().try_into().unwrap(),
                    }));
                    size += bytes.len() as u64;
                }
                Err(hole) => {
                    hasher.update(&vec![0; (*hole).try_into().unwrap()]);
                    parts.push(Part::Hole(*hole));
                    size += hole;
                }
            }
        }
        let blake3 = Blake3Digest::from_bytes(*hasher.finalize().as_bytes());
        self.with(at, Node::File(metadata(0o640), FileContent { size, blake3, seen: None, parts }))
    }

    fn text(self, at: &str, text: &str) -> Self {
        if text.is_empty() { self.file(at, &[]) } else { self.file(at, &[Ok(text.as_bytes())]) }
    }

    /// Changes the entry at a path.
    fn change(mut self, at: &str, change: impl FnOnce(&mut Node)) -> Self {
        let entry = self.entries.iter_mut().find(|entry| entry.path == path(at)).unwrap();
        change(&mut entry.node);
        self
    }

    fn catalog(&self) -> CatalogFile {
        let mut encoder = Encoder::new();
        for (digest, bytes) in &self.chunks {
            encoder.chunk(*digest, bytes.len().try_into().unwrap());
        }
        for entry in &self.entries {
            encoder.entry(entry).unwrap();
        }
        let mut bytes = encoder.take();
        bytes.extend(encoder.finish().unwrap().0);
        CatalogFile::of_bytes(&bytes)
    }

    fn stored(&self) -> HashMap<String, Vec<u8>> {
        let object = |bytes: &Vec<u8>| {
            let [head, stored] =
                StoredChunk::of(&Bytes::copy_from_slice(bytes), Effort::Files).frame(Blake3Digest::of(b""));
            [&head[36..], &stored].concat()
        };
        self.chunks.iter().map(|(digest, bytes)| (digest.to_string(), object(bytes))).collect()
    }

    /// A server with these chunks, and the snapshot as it comes from there.
    async fn served(&self) -> (TestServer, Source) {
        self.served_with(self.stored()).await
    }

    async fn served_with(&self, stored: HashMap<String, Vec<u8>>) -> (TestServer, Source) {
        let server = TestServer::start(move |asked| {
            let digest = asked.line.split(' ').nth(1).and_then(|p| p.rsplit('/').next()).unwrap_or_default();
            stored
                .get(digest)
                .map_or_else(|| Answer::new(404, "", b""), |object| Answer::new(200, "", object))
        })
        .await;
        let transport = Transport::new(Address::parse(&server.url).unwrap(), None).unwrap();
        let fetcher = Fetcher { transport, artifact: "shop/data@1".parse().unwrap() };
        (server, Source { catalog: self.catalog(), fetcher, progress: Arc::new(Quiet) })
    }

    async fn restore(&self, request: &RestoreRequest) -> Result<Restored, ClientError> {
        let (_server, source) = self.served().await;
        source.restore(request).await
    }
}

fn into_existing(target: &Path, delete: bool, verify: bool) -> RestoreRequest {
    let into = RestoreInto::Existing { delete, verify };
    RestoreRequest { into, ..RestoreRequest::all_into(target.to_owned()) }
}

/// Everything below a folder: path, kind, mode, size, time and content or target.
fn listed(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(place) = waiting.pop() {
        let metadata = std::fs::symlink_metadata(&place).unwrap();
        let name = place.strip_prefix(root).unwrap().display().to_string();
        let content = if metadata.is_file() {
            Blake3Digest::of(&std::fs::read(&place).unwrap()).to_string()
        } else if metadata.is_symlink() {
            std::fs::read_link(&place).unwrap().display().to_string()
        } else {
            String::new()
        };
        let time = (metadata.mtime(), metadata.mtime_nsec());
        found.push(format!("{name} {:o} {time:?} {content}", metadata.mode()));
        if metadata.is_dir() {
            waiting.extend(std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found.sort();
    found
}

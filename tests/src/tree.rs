//! Snapshots of trees made by hand: catalogs that are honest, and catalogs that are not.

use holdfast_client::{About, ClientError, PushRequest, Pushed, Staged};
use holdfast_formats::blob::Extent;
use holdfast_formats::catalog::{
    Encoder, Entry, FileContent, FileTime, Metadata, Node, Owner, Part, TreePath,
};
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::limits::CHUNK_BYTES_MAX;
use holdfast_formats::manifest::{
    Body, Consistency, DataAsOf, SnapshotBody, SnapshotCatalog, SnapshotSource,
};
use holdfast_formats::number::{ByteSize, Count};
use reqwest::Method;

use crate::{Folder, Person, frame, of, raw_chunk};

/// How many bytes of chunks one request brings, about.
const SENT_BYTES: usize = 8 * CHUNK_BYTES_MAX;

/// A tree, and the chunks of its files.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The bytes of its catalog.
    pub catalog: Vec<u8>,
    /// Its chunks.
    pub chunks: Vec<Vec<u8>>,
    /// How many entries the manifest will say that it has.
    pub entries: u64,
    /// How many bytes the manifest will say that its files have.
    pub size_bytes: u64,
    /// The snapshot that the manifest will name as its parent.
    pub parent: Option<String>,
}

impl Tree {
    /// A tree of these files, sorted by path, all in its root; each consists of its own chunks.
    pub fn of_files(files: &[(&str, &[&[u8]])]) -> Self {
        let mut tree = TreeDraft::new();
        for (path, chunks) in files {
            let parts: Vec<Part> = chunks.iter().map(|chunk| tree.chunk(chunk)).collect();
            let blake3 = Blake3Digest::of(&chunks.concat());
            tree.file(path, blake3, parts);
        }
        tree.finish()
    }

    /// The same, after this snapshot.
    #[must_use]
    pub fn after(mut self, parent: &str) -> Self {
        self.parent = Some(parent.to_owned());
        self
    }

    /// The digest of one of its chunks.
    pub fn digest(&self, chunk: usize) -> Blake3Digest {
        Blake3Digest::of(&self.chunks[chunk])
    }

    fn body(&self) -> Body {
        let now = of("2026-11-21T07:00:00.000Z");
        let source = SnapshotSource {
            system_id: of("test"),
            engine: of("files"),
            version: of("1"),
            dataset: of("data"),
        };
        let catalog = SnapshotCatalog {
            digest: Digests::of(&self.catalog),
            entries: Count::new(self.entries).expect("it is small"),
            size_bytes: ByteSize::new(self.size_bytes).expect("it is small"),
        };
        Body::Snapshot(Box::new(SnapshotBody {
            source,
            data_as_of: DataAsOf { not_before: now, not_after: now, position: None },
            consistency: Consistency::Crash,
            schema_state: None,
            parent: self.parent.as_deref().map(of),
            derived_from: None,
            tool: of("by hand"),
            catalog: Some(catalog),
        }))
    }
}

/// A tree in the making. What is said of a file need not be true.
#[derive(Debug)]
pub struct TreeDraft {
    encoder: Encoder,
    chunks: Vec<Vec<u8>>,
}

impl TreeDraft {
    /// A root with nothing in it.
    pub fn new() -> Self {
        let mut draft = Self { encoder: Encoder::new(), chunks: Vec::new() };
        draft.entry("", Node::Directory(metadata()));
        draft
    }

    /// Adds a chunk; the part is all of it.
    pub fn chunk(&mut self, content: &[u8]) -> Part {
        let chunk = Blake3Digest::of(content);
        let length = u32::try_from(content.len()).expect("a chunk is small");
        self.encoder.chunk(chunk, length);
        self.chunks.push(content.to_vec());
        Part::Data(Extent { chunk, offset: 0, length })
    }

    /// Names a chunk that is not sent.
    pub fn absent(&mut self, chunk: Blake3Digest, length: u32) -> Part {
        self.encoder.chunk(chunk, length);
        Part::Data(Extent { chunk, offset: 0, length })
    }

    /// Adds a file of these parts.
    pub fn file(&mut self, path: &str, blake3: Blake3Digest, parts: Vec<Part>) {
        let size = parts.iter().map(Part::length).sum();
        self.entry(path, Node::File(metadata(), FileContent { size, blake3, seen: None, parts }));
    }

    /// Adds anything.
    pub fn entry(&mut self, path: &str, node: Node) {
        let path = TreePath::new(path.as_bytes().to_vec()).expect("a path");
        self.encoder.entry(&Entry { path, node }).expect("an entry in its place");
    }

    /// Ends it.
    pub fn finish(mut self) -> Tree {
        let mut catalog = self.encoder.take();
        let (rest, _, trailer) = self.encoder.finish().expect("a tree");
        catalog.extend(rest);
        let (entries, size_bytes) = (trailer.entries, trailer.size);
        Tree { catalog, chunks: self.chunks, entries, size_bytes, parent: None }
    }
}

impl Default for TreeDraft {
    fn default() -> Self {
        Self::new()
    }
}

/// What most things of a tree are like.
pub fn metadata() -> Metadata {
    let owner = |name: &str| Owner { id: 1000, name: name.as_bytes().to_vec() };
    Metadata {
        mode: 0o644,
        owner: owner("ada"),
        group: owner("users"),
        modified: FileTime { seconds: 1_763_700_000, nanos: 1 },
        attributes: Vec::new(),
    }
}

impl Person {
    /// Sends the chunks of a tree into a namespace.
    pub async fn send_chunks(&self, namespace: &str, chunks: &[Vec<u8>]) -> anyhow::Result<()> {
        let path = format!("/v1/namespaces/{namespace}/chunks");
        let mut body = Vec::new();
        for (at, chunk) in (1..).zip(chunks) {
            body.extend(frame(Blake3Digest::of(chunk), &raw_chunk(chunk)));
            if at == chunks.len() || body.len() >= SENT_BYTES {
                let sent = std::mem::take(&mut body);
                self.http()?.send(Method::POST, &path, sent).await?.error_for_status()?;
            }
        }
        Ok(())
    }

    /// Publishes a snapshot whose chunks are there.
    pub async fn publish_catalog(&self, reference: &str, tree: &Tree) -> Result<Pushed, ClientError> {
        let folder = catalog_folder(tree);
        self.registry().push(&catalog_request(reference, tree, &folder)).await
    }

    /// Sends the catalog of a snapshot, and gives the statement that publishes it.
    pub async fn stage_catalog(&self, reference: &str, tree: &Tree) -> Result<Staged, ClientError> {
        let folder = catalog_folder(tree);
        self.registry().stage(&catalog_request(reference, tree, &folder)).await
    }

    /// Sends all of a snapshot and publishes it.
    pub async fn publish_tree(&self, reference: &str, tree: &Tree) -> anyhow::Result<Pushed> {
        let (namespace, _) = reference.split_once('/').unwrap_or_default();
        self.send_chunks(namespace, &tree.chunks).await?;
        Ok(self.publish_catalog(reference, tree).await?)
    }
}

fn catalog_folder(tree: &Tree) -> Folder {
    Folder::with("catalog", &tree.catalog).expect("a temporary folder")
}

fn catalog_request(reference: &str, tree: &Tree, folder: &Folder) -> PushRequest {
    PushRequest {
        artifact: of(reference),
        source: folder.path().to_owned(),
        body: tree.body(),
        about: About::nothing(),
    }
}

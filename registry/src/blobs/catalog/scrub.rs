//! Scrubbing a tree: its catalog, every chunk, and the digest of every file.

use std::collections::VecDeque;
use std::sync::Arc;

use holdfast_formats::catalog::{ChunkIndex, Entry, FileContent, Node};
use holdfast_formats::digest::{Blake3Digest, Digests, NamedDigest};
use holdfast_formats::limits::BLOB_BYTES_MAX;
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::{ObjectClass, ScrubOutcome};

use super::super::Blobs;
use super::super::address::Address;
use super::super::error::{BlobError, Unreadable};
use super::super::scrub::{Manner, Round, Scrub, ScrubFinding, address_of_file};
use super::CatalogBlob;
use super::reading::{EntryRoom, READING_BYTES, Reading};
use super::segments::{FileHasher, Segment, Segments};
use super::window::Window;

/// How many segments are looked at before their turn.
const SEGMENTS_AHEAD: usize = 8;
/// How many chunks of a list are at hand at a time.
const PAGE_CHUNKS: usize = 4096;
/// What one of them takes: its bytes, and what is made of them.
const LISTED_BYTES: usize = 128;
/// How many zeros are hashed in one go.
const ZEROS_AT_ONCE: u64 = 256 * 1024 * 1024;
/// Reading back may read at most this many times the bytes of the files: parts that are crumbs of chunks cost too much.
const READ_PER_BYTE_MAX: u64 = 64;
const READ_BYTES_FREE: u64 = 4 * 1024 * 1024 * 1024;

impl Blobs {
    /// Reads back the catalog of a published snapshot and every chunk that it lists, and hashes every file.
    ///
    /// What is found bad or missing counts as missing from then on. A file whose chunks are good and do not make what the
    /// catalog says is the fault of the catalog.
    pub async fn scrub_tree(
        &self,
        namespace: &Namespace,
        catalog: &Digests,
        size: u64,
        manner: &Manner,
    ) -> Result<ScrubFinding, BlobError> {
        let _turn = self.inner.tree_scrub.acquire().await.expect("the semaphore is never closed");
        let found = self.scrub(namespace, catalog, size, manner).await?;
        if found.outcome != ScrubOutcome::Good {
            return Ok(found);
        }
        let wanted = CatalogBlob { digest: catalog.blake3, size_bytes: size };
        let mut scrub = TreeScrub::new(self, namespace, &wanted, manner.round());
        scrub.found.count(found.bytes);
        match manner {
            Manner::Again(round) => scrub.chunks(round).await?,
            Manner::Alone | Manner::Whole(_) => scrub.files().await?,
        }
        let found = scrub.found.finish().await?;
        if found.outcome != ScrubOutcome::Good {
            self.forget(namespace, ObjectClass::Blob, &catalog.blake3);
        }
        Ok(found)
    }
}

struct TreeScrub<'a> {
    blobs: &'a Blobs,
    namespace: &'a Namespace,
    catalog: &'a CatalogBlob,
    round: Option<&'a Arc<Round>>,
    found: Scrub,
    hasher: FileHasher,
    data_bytes: u64,
    zeros: u64,
}

impl<'a> TreeScrub<'a> {
    fn new(
        blobs: &'a Blobs,
        namespace: &'a Namespace,
        catalog: &'a CatalogBlob,
        round: Option<&'a Arc<Round>>,
    ) -> Self {
        Self {
            blobs,
            namespace,
            catalog,
            round,
            found: Scrub::new(blobs.clone(), namespace.clone()),
            hasher: FileHasher::new(),
            data_bytes: 0,
            zeros: 0,
        }
    }

    /// Reads every chunk of the list. What files they make was found before, and the catalog is the same.
    async fn chunks(&mut self, round: &Arc<Round>) -> Result<(), BlobError> {
        let budget = &self.blobs.inner.budget;
        let open = self.blobs.open_catalog(self.namespace, self.catalog, &budget.records).await?;
        let _page = budget.trees.reserve(PAGE_CHUNKS * LISTED_BYTES).await;
        let mut place = 0;
        while place < open.chunks() && !self.found.is_full() {
            let page = open.listed(place..place + PAGE_CHUNKS).await?;
            let listed = page.chunks().iter().map(|chunk| (chunk.digest, u64::from(chunk.length)));
            self.found.chunks(listed.collect(), round).await?;
            place += PAGE_CHUNKS;
        }
        Ok(())
    }

    async fn files(&mut self) -> Result<(), BlobError> {
        let budget = &self.blobs.inner.budget;
        let open = self.blobs.open_catalog(self.namespace, self.catalog, &budget.records).await?;
        let _reading = budget.catalogs.reserve(READING_BYTES).await;
        let _kept = budget.trees.reserve(usize::MAX).await;
        let room = EntryRoom::Reserved(budget.entries.bytes());
        // It was published with the chunks that it lists, and every byte of it was just read: no need to look for them.
        let nothing = Some(Blake3Digest::from_bytes([0; 32]));
        let (blocking, chunks) = (&self.blobs.inner.blocking, ChunkIndex::default());
        let mut reading = Reading::of(&open, blocking, chunks, (nothing, nothing), room);
        let mut window = Window::of(self.blobs, self.namespace, budget.trees.bytes());
        while let Some(files) = reading.next(content).await? {
            if reading.has_long_entries() {
                window.shrink_to(budget.trees.bytes().saturating_sub(budget.entries.bytes()));
            }
            self.batch(files, &mut window).await?;
            if self.found.is_full() {
                return Ok(());
            }
        }
        reading.finish(&open).map(|_| ())
    }

    async fn batch(&mut self, files: Vec<FileContent>, window: &mut Window) -> Result<(), BlobError> {
        let (files, addresses) = self.unread(files);
        let mut segments = Segments::of(files);
        let mut ahead: VecDeque<Segment> = segments.by_ref().take(SEGMENTS_AHEAD).collect();
        while let Some(segment) = ahead.pop_front() {
            ahead.extend(segments.next());
            self.segment(segment, &ahead, window).await?;
            self.check_cost(window)?;
        }
        window.let_go();
        if let Some(round) = self.round
            && self.found.is_good()
        {
            for address in &addresses {
                round.note(address);
            }
        }
        Ok(())
    }

    /// Those of some files that the round did not read yet, and what it is to remember of them.
    fn unread(&self, files: Vec<FileContent>) -> (Vec<FileContent>, Vec<Address>) {
        let Some(round) = self.round else { return (files, Vec::new()) };
        let named = files.into_iter().map(|file| (address_of_file(self.namespace, &file), file));
        named.filter(|(address, _)| !round.has_read(address)).map(|(address, file)| (file, address)).unzip()
    }

    async fn segment(
        &mut self,
        segment: Segment,
        ahead: &VecDeque<Segment>,
        window: &mut Window,
    ) -> Result<(), BlobError> {
        self.hole(segment.hole()).await?;
        if let Some(round) = self.round {
            round.turn(segment.data_bytes).await;
        }
        let content = match &segment.chunk {
            Some(chunk) if !self.is_bad(chunk) => match window.content(chunk).await {
                Ok(content) => Some(content),
                Err(unreadable) => self.bad(chunk, unreadable)?,
            },
            Some(_) | None => None,
        };
        // What is read ahead takes memory, which nobody must hold while waiting for a turn.
        if !self.round.is_some_and(|round| round.is_paced()) {
            ahead.iter().filter_map(|segment| segment.chunk.as_ref()).for_each(|chunk| window.expect(chunk));
        }
        if let (Some(_), Some(chunk)) = (&content, &segment.chunk) {
            self.found.count(segment.data_bytes);
            if let Some(round) = self.round {
                round.note(&Address::of(self.namespace, ObjectClass::Chunk, chunk));
            }
        }
        self.data_bytes = self.data_bytes.saturating_add(segment.data_bytes);
        let bytes = usize::try_from(segment.data_bytes).unwrap_or(usize::MAX);
        let hasher = std::mem::replace(&mut self.hasher, FileHasher::new());
        let hashing = move || hasher.take(&segment.steps, content.as_ref());
        self.hasher = self.blobs.inner.blocking.compute(bytes, hashing).await;
        if self.hasher.found_wrong() {
            let digest = NamedDigest::Blake3(self.catalog.digest);
            let what = "its chunks are good and do not make the files that it lists";
            self.found.name(ObjectClass::Blob, digest, Some(what));
        }
        Ok(())
    }

    async fn hole(&mut self, mut bytes: u64) -> Result<(), BlobError> {
        self.zeros = self.zeros.saturating_add(bytes);
        if self.zeros > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge(
                "the holes of its files are too large to be read back: at most 4 TiB together",
            ));
        }
        while bytes > 0 {
            let step = bytes.min(ZEROS_AT_ONCE);
            let hasher = std::mem::replace(&mut self.hasher, FileHasher::new());
            let length = usize::try_from(step).unwrap_or(usize::MAX);
            self.hasher = self.blobs.inner.blocking.compute(length, move || hasher.zeros(step)).await;
            bytes -= step;
        }
        Ok(())
    }

    fn is_bad(&self, chunk: &Blake3Digest) -> bool {
        self.found.has_named(ObjectClass::Chunk, NamedDigest::Blake3(*chunk))
    }

    fn bad<T>(&mut self, chunk: &Blake3Digest, unreadable: Unreadable) -> Result<Option<T>, BlobError> {
        self.found.unreadable(ObjectClass::Chunk, NamedDigest::Blake3(*chunk), unreadable)?;
        Ok(None)
    }

    fn check_cost(&self, window: &Window) -> Result<(), BlobError> {
        let allowed = self.data_bytes.saturating_mul(READ_PER_BYTE_MAX).saturating_add(READ_BYTES_FREE);
        if window.read_bytes() <= allowed {
            return Ok(());
        }
        let what =
            "its files use small parts of many chunks: make the snapshot again, and read all of the tree";
        Err(BlobError::TooLarge(what))
    }
}

fn content(entry: Entry) -> Option<FileContent> {
    match entry.node {
        Node::File(_, content) => Some(content),
        _ => None,
    }
}

//! The end of the pipeline: what came of each item, in order, becomes the catalog. Small files are put together in groups
//! here, because where a group ends depends on the files before it.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_formats::catalog::{ChunkIndex, Entry, Node, Part, TreePath};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::limits::CHUNK_BYTES_MAX;

use super::catalog::{Catalog, CatalogWriter};
use super::item::{Outcome, Unread};
use super::jobs::Done;
use super::outgoing::Stopped;
use super::pool::Window;
use super::read::{LARGE_FROM, PLACEHOLDER, Reader};
use super::report::Report;
use super::usage::Usage;
use crate::error::ClientError;

/// A group goes on at least so far.
const GROUP_BYTES_MIN: usize = 512 * 1024;
/// More entries than this do not wait for a group to be full: they are kept in memory.
const WAITING_MAX: usize = 1 << 16;

/// Why the sequence ended early.
pub(super) enum Halt {
    /// What it made is not wanted any more.
    Stopped,
    /// It failed.
    Failed(ClientError),
}

impl From<Stopped> for Halt {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<ClientError> for Halt {
    fn from(error: ClientError) -> Self {
        Self::Failed(error)
    }
}

/// What becomes the catalog.
pub(super) struct Sequence {
    reader: Reader,
    /// The chunks of entries that are taken over from an earlier catalog.
    earlier: Arc<ChunkIndex>,
    catalog: CatalogWriter,
    usage: Usage,
    group: Option<Window>,
    /// Entries from the first on whose chunk is still open.
    waiting: Vec<Entry>,
    /// Files that other names may refer to, and that are not there.
    lost: BTreeSet<TreePath>,
    report: Report,
}

/// A whole catalog, and how it came about.
#[derive(Debug)]
pub(super) struct Sequenced {
    pub(super) catalog: Catalog,
    pub(super) usage: Usage,
    pub(super) report: Report,
}

impl Sequence {
    /// Nothing yet. `reader` reads what turns out late to be needed.
    pub(super) fn begin(reader: Reader, earlier: Arc<ChunkIndex>) -> Result<Self, ClientError> {
        Ok(Self {
            reader,
            earlier,
            catalog: CatalogWriter::begin()?,
            usage: Usage::default(),
            group: None,
            waiting: Vec::new(),
            lost: BTreeSet::new(),
            report: Report::default(),
        })
    }

    /// Takes what came of some items.
    pub(super) fn take(&mut self, done: Done) -> Result<(), Halt> {
        let Done { outcomes, bytes } = done;
        for outcome in outcomes {
            self.take_one(outcome, &bytes)?;
        }
        Ok(())
    }

    fn take_one(&mut self, outcome: Outcome, bytes: &[u8]) -> Result<(), Halt> {
        match outcome {
            Outcome::Ready(entry) => self.take_ready(entry)?,
            Outcome::Cut(entry, chunks) => {
                for (digest, length) in chunks {
                    self.chunk(digest, length);
                }
                self.read(&entry);
                self.push(entry)?;
            }
            Outcome::Small { entry, start, length } => {
                let content = bytes.get(start..start + length).unwrap_or_default();
                self.read(&entry);
                self.reader.progress.advance(length as u64);
                self.group(entry, content)?;
            }
            Outcome::Link(place, first) if self.lost.contains(&first) => {
                let (mut found, mut bytes) = (Vec::new(), Vec::new());
                self.reader.read(&place, &mut bytes, &mut found)?;
                for outcome in found {
                    self.take_one(outcome, &bytes)?;
                }
            }
            Outcome::Link(place, first) => {
                self.push(Entry { path: place.path, node: Node::HardLink(first) })?;
            }
            Outcome::Gone(path) => {
                self.lost.insert(path);
            }
            Outcome::Unread(unread) => {
                self.lost.insert(unread.path.clone());
                self.report.unread(unread);
            }
            Outcome::Changing(path) => self.report.changing(path),
        }
        Ok(())
    }

    /// An entry that needed nothing read: what it is made of is taken over.
    fn take_ready(&mut self, entry: Entry) -> Result<(), Halt> {
        match &entry.node {
            Node::File(_, content) => {
                let earlier = Arc::clone(&self.earlier);
                for part in &content.parts {
                    if let Part::Data(extent) = part
                        && let Some(length) = earlier.length(&extent.chunk)
                    {
                        self.chunk(extent.chunk, length);
                    }
                }
                self.reader.progress.advance(content.size);
            }
            Node::HardLink(first) if self.lost.contains(first) => {
                let why = "the file that it is another name of could not be read";
                self.report.unread(Unread::unfit(&entry.path, why));
                return Ok(());
            }
            _ => {}
        }
        self.push(entry)
    }

    fn read(&mut self, entry: &Entry) {
        if let Node::File(_, content) = &entry.node {
            self.report.read(content.size);
        }
    }

    fn chunk(&mut self, digest: Blake3Digest, length: u32) {
        self.catalog.chunk(digest, length);
        self.usage.chunk(digest, length);
    }

    /// Puts a small file into the open group.
    fn group(&mut self, mut entry: Entry, content: &[u8]) -> Result<(), Halt> {
        if content.is_empty() {
            return self.push(entry);
        }
        if self.group.as_ref().is_some_and(|group| group.len() + content.len() > CHUNK_BYTES_MAX) {
            self.close()?;
        }
        let group = self.group.get_or_insert_with(|| self.reader.pool.take());
        let offset = u32::try_from(group.len()).expect("a group has at most 4 MiB");
        assert!(group.push(content), "the group was closed if it had no room");
        let reached = group.len();
        let mut ends = false;
        if let Node::File(_, file) = &mut entry.node {
            for part in &mut file.parts {
                if let Part::Data(extent) = part {
                    extent.offset += offset;
                }
            }
            ends = reached >= GROUP_BYTES_MIN && ends_group(&file.blake3, file.size);
        }
        self.push(entry)?;
        if ends { self.close() } else { Ok(()) }
    }

    /// Ends the open group: it becomes a chunk, and the entries that waited for it are complete.
    fn close(&mut self) -> Result<(), Halt> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let chunk = self.reader.outgoing.offer(group.freeze(), None)?;
        self.chunk(chunk.chunk, chunk.length);
        for mut entry in std::mem::take(&mut self.waiting) {
            if let Node::File(_, file) = &mut entry.node {
                for part in &mut file.parts {
                    if let Part::Data(extent) = part
                        && extent.chunk == PLACEHOLDER
                    {
                        extent.chunk = chunk.chunk;
                    }
                }
            }
            self.write(&entry)?;
        }
        Ok(())
    }

    fn push(&mut self, entry: Entry) -> Result<(), Halt> {
        if self.group.is_none() {
            return self.write(&entry);
        }
        self.waiting.push(entry);
        if self.waiting.len() >= WAITING_MAX { self.close() } else { Ok(()) }
    }

    fn write(&mut self, entry: &Entry) -> Result<(), Halt> {
        match &entry.node {
            Node::File(_, content) => {
                self.usage.note(&content.parts);
                self.report.file(content.size);
                self.reader.progress.files(1);
            }
            Node::Directory(_) => self.report.directory(),
            _ => {}
        }
        Ok(self.catalog.entry(entry)?)
    }

    /// The whole catalog.
    pub(super) fn finish(mut self) -> Result<Sequenced, Halt> {
        self.close()?;
        let Self { catalog, usage, report, .. } = self;
        Ok(Sequenced { catalog: catalog.finish()?, usage, report })
    }
}

/// Whether a group ends behind a file: by its content alone, so that other files decide nothing. The larger it is, the
/// likelier.
fn ends_group(blake3: &Blake3Digest, size: u64) -> bool {
    let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = *blake3.as_bytes();
    let drawn = u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
    u128::from(drawn) * u128::from(LARGE_FROM) < u128::from(size) << 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_its_group_as_often_as_its_size_says() {
        let files = 20_000;
        let ending = (0..files)
            .filter(|n: &u32| ends_group(&Blake3Digest::of(&n.to_be_bytes()), LARGE_FROM / 4))
            .count();
        assert!((4_500..5_500).contains(&ending), "{ending}");
        assert!(!ends_group(&Blake3Digest::from_bytes([0; 32]), 0));
        assert!(ends_group(&Blake3Digest::from_bytes([255; 32]), LARGE_FROM));
    }
}

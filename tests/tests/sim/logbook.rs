//! The log as it truly is: read from the store's own commits, with the root after every entry.

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::commit::Commit;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::statement::Statement;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::TreeHash;
use holdfast_verify::merkle::Edge;

use super::bucket::Bucket;

/// An entry.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    /// Its place.
    pub(crate) index: u64,
    /// Its time.
    pub(crate) time: Timestamp,
    /// What it says.
    pub(crate) statement: Statement,
    /// SHA-256 of the signed bytes.
    pub(crate) payload: Sha256Digest,
}

/// Everything that was logged.
#[derive(Debug)]
pub(crate) struct Logbook {
    slots: Vec<Bytes>,
    leaves: Vec<Vec<u8>>,
    /// The root of each size, from 0 on.
    roots: Vec<TreeHash>,
    edge: Edge,
    previous: Sha256Digest,
}

impl Logbook {
    /// Nothing was logged.
    pub(crate) fn empty() -> Self {
        let edge = Edge::empty();
        let (slots, leaves, roots) = (Vec::new(), Vec::new(), vec![edge.root()]);
        Self { slots, leaves, roots, edge, previous: Sha256Digest::from_bytes([0; 32]) }
    }

    /// Reads what is new, and makes sure that nothing that is old changed.
    pub(crate) fn follow(&mut self, bucket: &Bucket) -> anyhow::Result<Vec<Read>> {
        for (number, known) in self.slots.iter().enumerate() {
            let now = bucket.get(&slot(number)).map(|stored| stored.bytes);
            ensure!(now.as_ref() == Some(known), "I1: commit {number} is gone or another one");
        }
        let mut read = Vec::new();
        while let Some(stored) = bucket.get(&slot(self.slots.len())) {
            read.extend(self.take(stored.bytes)?);
        }
        let later = bucket.list("log/commits/").len();
        ensure!(
            later == self.slots.len(),
            "I1: {later} commits are there, but only {} follow on each other",
            self.slots.len()
        );
        Ok(read)
    }

    fn take(&mut self, object: Bytes) -> anyhow::Result<Vec<Read>> {
        let commit = Commit::parse(&object)?;
        ensure!(commit.header.previous == self.previous, "I1: commit {} breaks the chain", self.slots.len());
        let mut read = Vec::new();
        for leaf in commit.entries {
            let entry = Entry::parse(&leaf)?;
            let EntryPayload::Inline(payload) = entry.payload else {
                anyhow::bail!("nobody here says anything long")
            };
            let (index, statement) = (self.leaves.len() as u64, Statement::parse(&payload)?);
            read.push(Read { index, time: entry.time, statement, payload: Sha256Digest::of(&payload) });
            self.edge.push(TreeHash::leaf(&leaf), &mut |_, _| {})?;
            self.roots.push(self.edge.root());
            self.leaves.push(leaf);
        }
        ensure!(
            self.edge.root() == commit.header.root,
            "I1: the root of commit {} is wrong",
            self.slots.len()
        );
        self.previous = commit.hash;
        self.slots.push(object);
        Ok(read)
    }

    /// How many entries there are.
    pub(crate) fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// One leaf.
    pub(crate) fn leaf(&self, index: u64) -> Option<&[u8]> {
        self.leaves.get(usize::try_from(index).ok()?).map(Vec::as_slice)
    }

    /// The root of the tree of so many leaves.
    pub(crate) fn root(&self, size: u64) -> Option<TreeHash> {
        self.roots.get(usize::try_from(size).ok()?).copied()
    }

    /// A checkpoint that somebody was shown must be of this log (I8).
    pub(crate) fn check(&self, note: &str, shown: &str) -> anyhow::Result<()> {
        let body = note.split_once("\n\n").context("a note has a signature")?.0;
        let checkpoint = Checkpoint::from_body(&format!("{body}\n"))?;
        let (size, root) = (checkpoint.size().get(), checkpoint.root());
        ensure!(self.root(size) == Some(root), "I8: {shown} shows another log of {size} entries");
        Ok(())
    }
}

fn slot(number: usize) -> String {
    format!("log/commits/{}/{number:020}", number / 10_000)
}

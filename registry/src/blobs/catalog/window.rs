//! Chunks that a scrub of a tree reads, each once where that is possible: some ahead of their turn, and those read last.

use std::collections::VecDeque;

use bytes::Bytes;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::name::Namespace;
use tokio::task::JoinHandle;

use super::super::Blobs;
use super::super::chunk::Chunk;
use super::super::content::CHUNK_WORK_BYTES;
use super::super::error::Unreadable;

/// How many chunks are read ahead.
const AHEAD_MAX: usize = 3;

/// The chunks around the place that a scrub has reached.
///
/// Whoever waits for `work` holds none of it: what is read ahead takes what is free at once or is not read ahead, and what
/// was read is kept in memory that was set aside for it.
pub(super) struct Window {
    blobs: Blobs,
    namespace: Namespace,
    ahead: VecDeque<(Blake3Digest, JoinHandle<Result<Chunk, Unreadable>>)>,
    /// The newest last.
    kept: VecDeque<(Blake3Digest, Bytes)>,
    kept_bytes: usize,
    kept_bytes_max: usize,
    read_bytes: u64,
}

impl Window {
    pub(super) fn of(blobs: &Blobs, namespace: &Namespace, kept_bytes_max: usize) -> Self {
        Self {
            blobs: blobs.clone(),
            namespace: namespace.clone(),
            ahead: VecDeque::new(),
            kept: VecDeque::new(),
            kept_bytes: 0,
            kept_bytes_max,
            read_bytes: 0,
        }
    }

    /// How many bytes were read.
    pub(super) const fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// Keeps no more than so many bytes from now on.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        self.kept_bytes_max = bytes.min(self.kept_bytes_max);
        self.evict();
    }

    /// Lets go of what was read ahead: whoever reads the catalog on waits for memory.
    pub(super) fn let_go(&mut self) {
        self.ahead.clear();
    }

    /// Begins to read a chunk whose turn comes soon.
    pub(super) fn expect(&mut self, chunk: &Blake3Digest) {
        let is_ahead = |(known, _): &(Blake3Digest, _)| known == chunk;
        if self.ahead.len() >= AHEAD_MAX || self.ahead.iter().any(is_ahead) || self.recall(chunk).is_some() {
            return;
        }
        let Some(reservation) = self.blobs.inner.budget.work.try_reserve(CHUNK_WORK_BYTES) else { return };
        let (blobs, namespace, chunk) = (self.blobs.clone(), self.namespace.clone(), *chunk);
        let reading =
            tokio::spawn(async move { blobs.load_chunk_within(&namespace, &chunk, reservation).await });
        self.ahead.push_back((chunk, reading));
    }

    /// The content of a chunk.
    pub(super) async fn content(&mut self, chunk: &Blake3Digest) -> Result<Bytes, Unreadable> {
        if let Some(content) = self.recall(chunk) {
            return Ok(content);
        }
        while let Some((read, reading)) = self.ahead.pop_front() {
            // A reading that did not end is that of a process that is ending.
            let Ok(loaded) = reading.await else { continue };
            match loaded {
                Ok(loaded) => {
                    let content = self.keep(read, loaded);
                    if read == *chunk {
                        return Ok(content);
                    }
                }
                Err(unreadable) if read == *chunk => return Err(unreadable),
                // Its turn comes, and then it is read again and named.
                Err(_) => {}
            }
        }
        let loaded = self.blobs.load_chunk(&self.namespace, chunk, &self.blobs.inner.budget.work).await?;
        Ok(self.keep(*chunk, loaded))
    }

    fn recall(&self, chunk: &Blake3Digest) -> Option<Bytes> {
        self.kept.iter().rev().find(|(known, _)| known == chunk).map(|(_, content)| content.clone())
    }

    /// Keeps a chunk as long as it fits; one that never does keeps the memory that it was read into.
    fn keep(&mut self, chunk: Blake3Digest, loaded: Chunk) -> Bytes {
        let Chunk { content, reservation } = loaded;
        self.read_bytes = self.read_bytes.saturating_add(content.len() as u64);
        if content.len() > self.kept_bytes_max {
            return reservation.guard(content);
        }
        self.kept_bytes += content.len();
        self.kept.push_back((chunk, content.clone()));
        self.evict();
        content
    }

    fn evict(&mut self) {
        while self.kept_bytes > self.kept_bytes_max
            && let Some((_, oldest)) = self.kept.pop_front()
        {
            self.kept_bytes -= oldest.len();
        }
    }
}

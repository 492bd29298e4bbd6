//! The entries of a catalog in a stream: some at a time, in bounded memory.
//!
//! Nothing is read ahead, so that nobody holds memory of `work` while it waits for any other.

use std::ops::Range;

use bytes::Bytes;
use holdfast_formats::catalog::{CatalogError, ChunkIndex, Decoder, Entry};
use holdfast_formats::digest::Blake3Digest;

use super::super::error::BlobError;
use super::super::memory::{Pool, Reservation};
use super::super::parts::{Part, Parts};
use super::open::OpenCatalog;
use crate::blocking::Blocking;

/// How many bytes of entries are decoded at a time.
const STEP_BYTES: usize = 64 * 1024;
/// The longest entry that needs no memory besides what is set aside for every reading: a file of some 1,500 chunks.
const ENTRY_BYTES_FREE: usize = 64 * 1024;
/// What reading entries takes besides the index: the bytes at hand, and what is made of a step of them.
pub(super) const READING_BYTES: usize = 896 * 1024;
/// How much of a chunk is copied where it must not stay in the memory that it was read into.
const COPIED_BYTES: usize = 256 * 1024;

/// What one long entry takes: its bytes, and what is made of them.
const fn entry_memory(entry_bytes: usize) -> usize {
    entry_bytes / 4 * 9
}

/// Where the memory for long entries comes from.
pub(super) enum EntryRoom<'a> {
    /// A share, all of which is set aside when the first of them comes. Whoever reads waits for nothing else meanwhile.
    Share(&'a Pool),
    /// So many bytes that are set aside already. Whoever reads waits for `work` between two calls.
    Reserved(usize),
}

impl EntryRoom<'_> {
    const fn bytes(&self) -> usize {
        match self {
            Self::Share(pool) => pool.bytes(),
            Self::Reserved(bytes) => *bytes,
        }
    }
}

/// A catalog that is being read, from its first entry to its last.
pub(super) struct Reading<'a> {
    blocking: Blocking,
    source: Parts,
    /// What was not decoded yet.
    left: Range<u64>,
    walk: Option<Walk>,
    room: EntryRoom<'a>,
    set_aside: Option<Reservation>,
    has_long_entries: bool,
}

/// The decoder, and bytes that come next.
struct Walk {
    decoder: Decoder,
    part: Option<Part>,
}

impl Walk {
    /// Decodes a step, and keeps of each entry what is wanted of it. Says how many bytes it took.
    fn step<T>(mut self, keep: fn(Entry) -> Option<T>) -> (Self, Result<(Vec<T>, u64), CatalogError>) {
        let kept = self.decode(keep);
        (self, kept)
    }

    fn decode<T>(&mut self, keep: fn(Entry) -> Option<T>) -> Result<(Vec<T>, u64), CatalogError> {
        let mut taken = 0;
        if let Some(part) = &mut self.part {
            let step = part.bytes.split_to(part.bytes.len().min(STEP_BYTES));
            taken = step.len() as u64;
            self.decoder.push(&step);
        }
        self.part.take_if(|part| part.bytes.is_empty());
        let mut kept = Vec::new();
        while let Some(entry) = self.decoder.next()? {
            kept.extend(keep(entry));
        }
        Ok((kept, taken))
    }
}

impl<'a> Reading<'a> {
    /// Reads with a part of the chunks: those from the first digest named to before the second.
    pub(super) fn of(
        catalog: &OpenCatalog,
        blocking: &Blocking,
        chunks: ChunkIndex,
        (from, to): (Option<Blake3Digest>, Option<Blake3Digest>),
        room: EntryRoom<'a>,
    ) -> Self {
        let decoder = Decoder::spanning(chunks, from, to);
        Self {
            blocking: blocking.clone(),
            source: catalog.entries(),
            left: catalog.entries_range(),
            walk: Some(Walk { decoder, part: None }),
            room,
            set_aside: None,
            has_long_entries: false,
        }
    }

    /// What is wanted of the next entries, perhaps of none; nothing after the last.
    pub(super) async fn next<T: Send + 'static>(
        &mut self,
        keep: fn(Entry) -> Option<T>,
    ) -> Result<Option<Vec<T>>, BlobError> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let Some(mut walk) = self.walk.take() else { return Ok(None) };
        if walk.part.is_none() {
            walk.part = self.read().await?;
        }
        let (mut walk, kept) = self.blocking.compute(STEP_BYTES, move || walk.step(keep)).await;
        let (kept, taken) = kept?;
        self.left.start += taken;
        self.make_room(&mut walk).await?;
        self.walk = Some(walk);
        Ok(Some(kept))
    }

    async fn read(&self) -> Result<Option<Part>, BlobError> {
        let Some(part) = self.source.first(self.left.clone()).await.transpose()? else { return Ok(None) };
        Ok(Some(match self.room {
            EntryRoom::Share(_) => part,
            EntryRoom::Reserved(_) => {
                let copied = part.bytes.get(..COPIED_BYTES).unwrap_or(&part.bytes);
                Part {
                    bytes: Bytes::copy_from_slice(copied),
                    chunk_bytes: part.chunk_bytes,
                    reservation: None,
                }
            }
        }))
    }

    /// Checks the whole once every entry was read, and gives the chunks back.
    pub(super) fn finish(self, catalog: &OpenCatalog) -> Result<ChunkIndex, BlobError> {
        let walk = self.walk.ok_or(CatalogError::new("it ends among its entries"))?;
        walk.decoder.finish(&catalog.trailer, catalog.size_bytes())?;
        Ok(walk.decoder.into_index())
    }

    /// Whether memory for long entries is in use.
    pub(super) const fn has_long_entries(&self) -> bool {
        self.has_long_entries
    }

    /// Before more of a long entry is taken, the memory for it is there.
    async fn make_room(&mut self, walk: &mut Walk) -> Result<(), BlobError> {
        let entry_bytes = walk.decoder.awaited();
        if entry_bytes <= ENTRY_BYTES_FREE {
            return Ok(());
        }
        if entry_memory(entry_bytes) > self.room.bytes() {
            return Err(BlobError::TooLarge(
                "a file of the catalog has more parts than this registry has memory for: start it with more (`--memory-mib`)",
            ));
        }
        self.has_long_entries = true;
        if let (EntryRoom::Share(pool), None) = (&self.room, &self.set_aside) {
            // Whoever has the share may wait for the memory of just this chunk; it is read again.
            walk.part = None;
            self.set_aside = Some(pool.reserve(usize::MAX).await);
        }
        Ok(())
    }
}

//! Reading back what was found right before: every chunk, and not the whole once more.
//!
//! That its chunks make a blob was found when all of it was hashed, at the latest by its first scrub. Since then the record
//! says the same, by its seal, so good chunks make the blob still.

use std::sync::Arc;

use futures::{StreamExt, stream};
use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::{Blake3Digest, NamedDigest};
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;

use super::super::Blobs;
use super::super::address::Address;
use super::super::error::{BlobError, Unreadable};
use super::{Round, Scrub};

/// How many chunks are on their way at a time, as far as there is memory for them.
const AT_ONCE: usize = 6;
/// How many extents of a record are looked at together.
const BATCH: usize = 4096;

impl Scrub {
    /// Reads the chunks of a record that this round did not read yet. An extent that reaches beyond its chunk is the record's
    /// fault, and was found when the whole was hashed.
    pub(super) async fn chunks_of(
        &mut self,
        record: &BlobRecord,
        round: &Arc<Round>,
    ) -> Result<(), BlobError> {
        for some in record.extents.chunks(BATCH) {
            let mut chunks: Vec<_> = some.iter().map(|e| (e.chunk, u64::from(e.length))).collect();
            chunks.dedup_by_key(|(chunk, _)| *chunk);
            self.chunks(chunks, round).await?;
        }
        Ok(())
    }

    /// Reads those of some chunks that this round did not read yet. Each comes with its length, about.
    pub(in super::super) async fn chunks(
        &mut self,
        chunks: Vec<(Blake3Digest, u64)>,
        round: &Arc<Round>,
    ) -> Result<(), BlobError> {
        let (blobs, namespace, of_round) = (self.blobs.clone(), self.namespace.clone(), Arc::clone(round));
        let reading = stream::iter(chunks).map(move |(chunk, length)| {
            let (blobs, namespace, round) = (blobs.clone(), namespace.clone(), Arc::clone(&of_round));
            async move { (chunk, blobs.read_in_round(&namespace, &chunk, length, &round).await) }
        });
        let mut reading = reading.buffer_unordered(AT_ONCE).boxed();
        while let Some((chunk, read)) = reading.next().await {
            match read {
                Ok(bytes) => self.count(bytes),
                Err(unreadable) => {
                    self.unreadable(ObjectClass::Chunk, NamedDigest::Blake3(chunk), unreadable)?;
                }
            }
        }
        Ok(())
    }
}

impl Blobs {
    /// Reads a chunk unless the round did before; gives how many bytes were read.
    async fn read_in_round(
        &self,
        namespace: &Namespace,
        chunk: &Blake3Digest,
        length: u64,
        round: &Round,
    ) -> Result<u64, Unreadable> {
        let address = Address::of(namespace, ObjectClass::Chunk, chunk);
        if round.has_read(&address) {
            return Ok(0);
        }
        round.turn(length).await;
        let read = self.load_chunk(namespace, chunk, &self.inner.budget.work).await?;
        round.note(&address);
        Ok(read.content.len() as u64)
    }
}

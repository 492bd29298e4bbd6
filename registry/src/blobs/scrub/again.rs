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

use super::super::address::Address;
use super::super::error::{BlobError, Unreadable};
use super::super::{Blobs, content};
use super::handful::Wanted;
use super::{Round, Scrub};

/// How many handfuls are on their way at a time, as far as there is memory for them: what one reads another hashes.
const AT_ONCE: usize = 3;
/// So many bytes make a handful, or so many chunks.
const HANDFUL_BYTES: u64 = 8 * 1024 * 1024;
const HANDFUL_CHUNKS: usize = 64;
/// Of a handful, so many are read at a time where each has to be asked for by itself.
const ASKED_AT_ONCE: usize = 4;
/// How many extents of a record are looked at together.
const BATCH: usize = 4096;
/// What an object may have beyond its content.
const HEADER_BYTES: usize = 64 * 1024;

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
        let reading = stream::iter(handfuls(chunks, round.is_paced())).map(move |handful| {
            let (blobs, namespace, round) = (blobs.clone(), namespace.clone(), Arc::clone(&of_round));
            async move { blobs.read_handful(&namespace, handful, &round).await }
        });
        let mut reading = reading.buffer_unordered(AT_ONCE).boxed();
        while let Some(read) = reading.next().await {
            for (chunk, read) in read {
                match read {
                    Ok(bytes) => self.count(bytes),
                    Err(unreadable) => {
                        self.unreadable(ObjectClass::Chunk, NamedDigest::Blake3(chunk), unreadable)?;
                    }
                }
            }
        }
        Ok(())
    }
}

type Lengths = Vec<(Blake3Digest, u64)>;

/// What is read in one go. Whoever waits for turns reads one chunk a turn.
fn handfuls(chunks: Lengths, is_paced: bool) -> Vec<Lengths> {
    let mut handfuls: Vec<(u64, Lengths)> = Vec::new();
    for (chunk, length) in chunks {
        let has_room = |(bytes, some): &&mut (u64, Lengths)| {
            !is_paced && *bytes + length <= HANDFUL_BYTES && some.len() < HANDFUL_CHUNKS
        };
        match handfuls.last_mut().filter(has_room) {
            Some((bytes, some)) => {
                *bytes += length;
                some.push((chunk, length));
            }
            None => handfuls.push((length, vec![(chunk, length)])),
        }
    }
    handfuls.into_iter().map(|(_, some)| some).collect()
}

impl Blobs {
    /// Reads chunks unless the round did before; gives how many bytes each of those has that were read.
    async fn read_handful(
        &self,
        namespace: &Namespace,
        handful: Lengths,
        round: &Arc<Round>,
    ) -> Vec<(Blake3Digest, Result<u64, Unreadable>)> {
        let address = |chunk: &Blake3Digest| Address::of(namespace, ObjectClass::Chunk, chunk);
        let unread = handful.into_iter().filter(|(chunk, _)| !round.has_read(&address(chunk)));
        let unread: Lengths = unread.collect();
        round.turn(unread.iter().map(|(_, length)| length).sum()).await;
        let (mut read, left) = self.read_at_desk(namespace, unread, round).await;
        let asked = stream::iter(left).map(|chunk| async move {
            let loaded = self.load_chunk(namespace, &chunk, &self.inner.budget.work).await;
            (chunk, loaded.map(|loaded| loaded.content.len() as u64))
        });
        read.extend(asked.buffer_unordered(ASKED_AT_ONCE).collect::<Vec<_>>().await);
        for (chunk, _) in read.iter().filter(|(_, read)| read.is_ok()) {
            round.note(&address(chunk));
        }
        read
    }

    /// Reads what a local directory has in one job; gives what has to be read otherwise, too.
    async fn read_at_desk(
        &self,
        namespace: &Namespace,
        chunks: Lengths,
        round: &Arc<Round>,
    ) -> (Vec<(Blake3Digest, Result<u64, Unreadable>)>, Vec<Blake3Digest>) {
        let (mut read, mut left, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        if !self.inner.store.is_local() || chunks.is_empty() {
            return (read, chunks.into_iter().map(|(chunk, _)| chunk).collect());
        }
        let longest = chunks.iter().map(|(_, length)| *length).max().unwrap_or_default();
        for (digest, _) in chunks {
            let place = self.chunk_at(namespace, &digest).await.map_err(Unreadable::from);
            match place.and_then(|place| place.key().map_err(Unreadable::from)) {
                Ok(key) => wanted.push(Wanted { digest, key }),
                Err(error) => read.push((digest, Err(error))),
            }
        }
        let room_bytes = usize::try_from(longest).unwrap_or(usize::MAX).saturating_mul(2);
        let room_bytes = room_bytes.saturating_add(HEADER_BYTES).min(content::CHUNK_WORK_BYTES);
        let _reservation = self.inner.budget.work.reserve(room_bytes).await;
        let (store, at) = (self.inner.store.clone(), Arc::clone(round));
        let reading = move || (at.desks.read(&store, &wanted, room_bytes), wanted);
        let (outcomes, wanted) = self.inner.blocking.run(reading).await;
        for (outcome, Wanted { digest, .. }) in outcomes.into_iter().zip(wanted) {
            match outcome {
                Some(outcome) => {
                    if matches!(outcome, Err(Unreadable::Absent(_) | Unreadable::Bad(..))) {
                        self.forget(namespace, ObjectClass::Chunk, &digest);
                    }
                    read.push((digest, outcome));
                }
                None => left.push(digest),
            }
        }
        (read, left)
    }
}

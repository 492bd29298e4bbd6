//! What the bearers of grants with quotas have used: entries of today, and bytes that nothing published refers to yet.
//!
//! Kept in memory, by chunk, so that only a publication of what was uploaded gives room again; written beside the index now
//! and then, in sums. A crash may forget the last second, and after a start bytes from before it are given back by size. It
//! only ever refuses: nothing that is stored or logged depends on it.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use holdfast_formats::catalog::IndexedChunk;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::name::Namespace;
use holdfast_formats::number::{ByteSize, Count};
use holdfast_formats::statement::Quotas;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::ProblemCode;
use holdfast_verify::facts::GrantFact;
use serde::{Deserialize, Serialize};

use super::{Failure, Identity};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const SAVE_EVERY_MS: u64 = 1000;
/// What a file takes at least; so memory for chunks is bounded by the quota, too.
const OBJECT_BYTES_MIN: u64 = 4096;
/// How many unpublished chunks of one grant are told apart.
const CHUNKS_MAX: usize = 1 << 20;

/// An object of a namespace.
type Place = (Namespace, Blake3Digest);

/// What all grants with quotas have used.
#[derive(Debug)]
pub(super) struct Usage {
    file: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    used: BTreeMap<LeafIndex, Used>,
    saved_ms: u64,
    changed: bool,
}

/// What one grant has used.
#[derive(Debug)]
struct Used {
    day: u64,
    entries: u64,
    /// Chunks that no blob of this grant and no published snapshot has yet.
    loose: HashMap<Place, u64>,
    /// Blobs that nothing published has yet, with the bytes of those of its chunks that came under this grant.
    blobs: HashMap<Place, u64>,
    /// From before the start.
    carried: u64,
    bytes: u64,
}

/// The same in sums, as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    grant: LeafIndex,
    day: u64,
    entries: u64,
    bytes: u64,
}

impl Usage {
    /// Goes on from what is written in a file; from nothing when it cannot be read.
    pub(super) fn open(file: PathBuf) -> Self {
        let saved: Vec<Saved> = match std::fs::read(&file).map(|bytes| serde_json::from_slice(&bytes)) {
            Ok(Ok(saved)) => saved,
            Ok(Err(error)) => {
                tracing::warn!(file = %file.display(), %error, "what grants have used is unreadable and counted anew");
                Vec::new()
            }
            Err(_) => Vec::new(),
        };
        let used = saved.into_iter().map(|saved| (saved.grant, Used::of(&saved))).collect();
        Self { file, state: Mutex::new(State { used, saved_ms: 0, changed: false }) }
    }

    /// Counts an entry that is about to be logged under a grant.
    pub(super) fn take_entry(&self, grant: &GrantFact, now: Timestamp) -> Result<(), Failure> {
        let Some(max) = quota(grant, |quotas| quotas.entries_per_day.map(Count::get)) else {
            return Ok(());
        };
        let mut state = self.lock();
        let used = state.of(grant.index);
        used.turn(now);
        if used.entries >= max {
            return Err(Failure::new(
                ProblemCode::QuotaExceeded,
                format!(
                    "the grant of entry {} allows {max} entries a day, and they are used up; wait until tomorrow (UTC), or ask for a larger quota",
                    grant.index
                ),
            ));
        }
        used.entries += 1;
        state.changed = true;
        Ok(())
    }

    /// Gives back an entry that was not logged.
    pub(super) fn return_entry(&self, grant: LeafIndex) {
        let mut state = self.lock();
        if let Some(used) = state.used.get_mut(&grant) {
            used.entries = used.entries.saturating_sub(1);
        }
    }

    /// Counts a chunk that is about to be stored; whether it was not counted before.
    pub(super) fn take_chunk(
        &self,
        who: &Identity,
        namespace: &Namespace,
        chunk: Blake3Digest,
        object_bytes: usize,
    ) -> Result<bool, Failure> {
        let Identity::Bearer(grant) = who else { return Ok(false) };
        let Some(max) = quota(grant, |quotas| quotas.bytes_unpublished.map(ByteSize::get)) else {
            return Ok(false);
        };
        let bytes = (object_bytes as u64).max(OBJECT_BYTES_MIN);
        let place = (namespace.clone(), chunk);
        let mut state = self.lock();
        let used = state.of(grant.index);
        if used.loose.contains_key(&place) {
            return Ok(false);
        }
        if used.bytes.saturating_add(bytes) > max || used.loose.len() >= CHUNKS_MAX {
            return Err(Failure::new(
                ProblemCode::QuotaExceeded,
                format!(
                    "the grant of entry {} allows {max} bytes that are not published yet, and {} are there; publish what was uploaded, or ask for a larger quota",
                    grant.index, used.bytes
                ),
            ));
        }
        used.bytes += bytes;
        used.loose.insert(place, bytes);
        state.changed = true;
        Ok(true)
    }

    /// Gives back chunks that were counted and not stored.
    pub(super) fn return_chunks(&self, who: &Identity, namespace: &Namespace, chunks: &[Blake3Digest]) {
        let Identity::Bearer(grant) = who else { return };
        let mut state = self.lock();
        let Some(used) = state.used.get_mut(&grant.index) else { return };
        for chunk in chunks {
            let bytes = used.loose.remove(&(namespace.clone(), *chunk)).unwrap_or(0);
            used.bytes = used.bytes.saturating_sub(bytes);
        }
    }

    /// Notes that chunks of a grant are a blob's now.
    pub(super) fn made_blob(
        &self,
        who: &Identity,
        namespace: &Namespace,
        blob: Blake3Digest,
        chunks: impl Iterator<Item = Blake3Digest>,
    ) {
        let Identity::Bearer(grant) = who else { return };
        let mut state = self.lock();
        let Some(used) = state.used.get_mut(&grant.index) else { return };
        let loose = &mut used.loose;
        let bytes: u64 = chunks.filter_map(|chunk| loose.remove(&(namespace.clone(), chunk))).sum();
        *used.blobs.entry((namespace.clone(), blob)).or_default() += bytes;
    }

    /// Gives back the bytes of blobs that are published, whoever published them.
    pub(super) fn published(&self, namespace: &Namespace, blobs: Vec<(Blake3Digest, u64)>) {
        let mut state = self.lock();
        for (blob, size) in blobs {
            let place = (namespace.clone(), blob);
            for used in state.used.values_mut() {
                used.give_back(&place, size);
            }
        }
        state.changed = true;
    }

    /// Gives back chunks that belong to a published snapshot, whoever published it.
    pub(super) fn published_chunks(&self, namespace: &Namespace, chunks: &[IndexedChunk]) {
        let mut state = self.lock();
        for chunk in chunks {
            let place = (namespace.clone(), chunk.digest);
            for used in state.used.values_mut() {
                used.give_back_chunk(&place, u64::from(chunk.length));
            }
        }
        state.changed = true;
    }

    /// Whether nobody used anything that is counted.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().used.is_empty()
    }

    /// Whether something is to be written, and the last time is a while ago. Who hears so writes.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let mut state = self.lock();
        let due = state.changed && now.as_ms().abs_diff(state.saved_ms) >= SAVE_EVERY_MS;
        if due {
            (state.changed, state.saved_ms) = (false, now.as_ms());
        }
        due
    }

    /// Writes the sums.
    pub(super) fn save(&self) {
        let saved = self.lock().sums();
        if let Err(error) = write(&self.file, &saved) {
            tracing::warn!(file = %self.file.display(), %error, "what grants have used could not be written");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Sums that a panic left half counted are still about right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        if self.lock().changed {
            self.save();
        }
    }
}

impl State {
    fn of(&mut self, grant: LeafIndex) -> &mut Used {
        let fresh = || Used::of(&Saved { grant, day: 0, entries: 0, bytes: 0 });
        self.used.entry(grant).or_insert_with(fresh)
    }

    fn sums(&self) -> Vec<Saved> {
        let sum = |(grant, used): (&LeafIndex, &Used)| Saved {
            grant: *grant,
            day: used.day,
            entries: used.entries,
            bytes: used.bytes,
        };
        self.used.iter().map(sum).collect()
    }
}

impl Used {
    fn of(saved: &Saved) -> Self {
        let Saved { day, entries, bytes, .. } = *saved;
        Self { day, entries, loose: HashMap::new(), blobs: HashMap::new(), carried: bytes, bytes }
    }

    fn turn(&mut self, now: Timestamp) {
        let day = now.as_ms() / DAY_MS;
        if day != self.day {
            (self.day, self.entries) = (day, 0);
        }
    }

    fn give_back(&mut self, place: &Place, size: u64) {
        let known = self.blobs.remove(place).unwrap_or(0);
        self.subtract(known, size);
    }

    fn give_back_chunk(&mut self, place: &Place, size: u64) {
        let known = self.loose.remove(place).unwrap_or(0);
        self.subtract(known, size);
    }

    /// What is not known is from before the start.
    fn subtract(&mut self, known: u64, size: u64) {
        let carried = if known == 0 { size.max(OBJECT_BYTES_MIN).min(self.carried) } else { 0 };
        self.carried -= carried;
        self.bytes = self.bytes.saturating_sub(known + carried);
    }
}

fn quota(grant: &GrantFact, of: impl FnOnce(&Quotas) -> Option<u64>) -> Option<u64> {
    grant.grant.quotas.as_ref().and_then(of)
}

fn write(file: &Path, saved: &[Saved]) -> std::io::Result<()> {
    let fresh = file.with_extension("new");
    let mut out = std::fs::File::create(&fresh)?;
    out.write_all(&serde_json::to_vec(saved)?)?;
    std::fs::rename(fresh, file)
}

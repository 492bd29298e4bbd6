//! What sweeps have named, in memory in front of the tables: of nearly everything that is asked about no sweep ever named
//! it, and to say so must cost no read.
//!
//! A Bloom filter of fixed size, and the newest sweep. Whatever applies effects feeds them, so they hold for the node's own
//! commits, for those of others and for an index that is made anew. The filter is told before a transaction is kept and the
//! newest sweep after: whoever sees a sweep here finds its objects in the filter, and their generations in the tables. A
//! full filter only makes more reads; one that says too much after an undone transaction does, too.

use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_formats::digest::NamedDigest;
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;
use holdfast_formats::tree::LeafIndex;
use rusqlite::Connection;

use super::IndexError;
use super::rows::{digest_bytes, leaf_index};

const WORDS_MIN: u64 = 1024;

/// Which objects may have a generation, and the newest sweep that gave any.
#[derive(Debug)]
pub(super) struct Swept {
    bits: Box<[AtomicU64]>,
    newest: AtomicU64,
}

impl Swept {
    /// A filter of about so many bytes that knows of nothing.
    pub(super) fn of(bytes: u64) -> Self {
        let words = usize::try_from((bytes / 8).max(WORDS_MIN)).unwrap_or(usize::MAX / 64);
        Self {
            bits: std::iter::repeat_with(|| AtomicU64::new(0)).take(words).collect(),
            newest: AtomicU64::new(0),
        }
    }

    /// Learns what the tables say, row by row.
    pub(super) fn load(&self, tables: &Connection) -> Result<(), IndexError> {
        let mut statement = tables.prepare("SELECT class, namespace, digest FROM generations")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text = |at| {
                let malformed = |_| IndexError::Damaged("a malformed generation");
                row.get_ref(at)?.as_bytes().map_err(malformed)
            };
            self.note_parts([text(0)?, text(1)?, text(2)?]);
        }
        let newest = "SELECT coalesce(max(idx), 0) FROM sweeps WHERE phase = 'end'";
        self.set_newest(leaf_index(tables.query_row(newest, [], |row| row.get(0))?)?);
        Ok(())
    }

    /// Notes that a sweep names an object. To be called before anybody can read its generation.
    pub(super) fn note(&self, class: ObjectClass, namespace: &Namespace, digest: &NamedDigest) {
        self.note_parts(parts(class, namespace, digest));
    }

    /// Whether some sweep may have named an object; when not, none has.
    pub(super) fn may_have(&self, class: ObjectClass, namespace: &Namespace, digest: &NamedDigest) -> bool {
        let mut probes = self.probes(parts(class, namespace, digest));
        probes.all(|(word, bit)| word.load(Ordering::Acquire) & bit != 0)
    }

    /// The newest sweep that ended something and is kept; the first place of the log stands for none.
    pub(super) fn newest(&self) -> LeafIndex {
        LeafIndex::new(self.newest.load(Ordering::Acquire)).unwrap_or(LeafIndex::FIRST)
    }

    /// Notes that a sweep is kept: readers find the generations that it gave.
    pub(super) fn set_newest(&self, sweep: LeafIndex) {
        self.newest.fetch_max(sweep.get(), Ordering::Release);
    }

    fn note_parts(&self, parts: [&[u8]; 3]) {
        for (word, bit) in self.probes(parts) {
            word.fetch_or(bit, Ordering::Release);
        }
    }

    fn probes(&self, parts: [&[u8]; 3]) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(part).update(b"/");
        }
        let hash = hasher.finalize();
        let (eights, _) = hash.as_bytes().as_chunks::<8>();
        let numbers: [u64; 4] =
            std::array::from_fn(|at| eights.get(at).map_or(0, |e| u64::from_le_bytes(*e)));
        let words = self.bits.len() as u64;
        numbers.into_iter().filter_map(move |number| {
            let place = usize::try_from((number >> 6) % words).ok()?;
            Some((self.bits.get(place)?, 1 << (number & 63)))
        })
    }
}

fn parts<'a>(class: ObjectClass, namespace: &'a Namespace, digest: &'a NamedDigest) -> [&'a [u8]; 3] {
    [class.as_str().as_bytes(), namespace.as_str().as_bytes(), digest_bytes(digest)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_formats::digest::Blake3Digest;

    #[test]
    fn what_was_noted_is_never_denied_and_little_else_is_suspected() {
        let swept = Swept::of(64 * 1024);
        let namespace: Namespace = "shop".parse().expect("a valid namespace");
        let chunk = |n: u32| NamedDigest::Blake3(Blake3Digest::of(&n.to_le_bytes()));
        for n in 0..20_000 {
            swept.note(ObjectClass::Chunk, &namespace, &chunk(n));
        }
        let suspected = |class, n| swept.may_have(class, &namespace, &chunk(n));
        assert!((0..20_000).all(|n| suspected(ObjectClass::Chunk, n)));
        let wrongly = (20_000..40_000).filter(|n| suspected(ObjectClass::Chunk, *n)).count();
        assert!(wrongly < 200, "{wrongly} of 20,000");
        let of_another_class = (0..20_000).filter(|n| suspected(ObjectClass::Blob, *n)).count();
        assert!(of_another_class < 200, "{of_another_class} of 20,000");
    }
}

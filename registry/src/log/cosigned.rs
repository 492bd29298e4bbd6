//! What witnesses cosigned of this log: the newest of each. Fed from outside, read by the publisher and by every answer.
//!
//! It verifies nothing and asks nobody; what is kept was verified by whoever keeps it. A witness's state here never goes
//! back: an answer that arrives late, of a smaller tree or an earlier time, is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_formats::note::NoteKey;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::TreeSize;
use tokio::sync::watch;

/// A checkpoint that one witness cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness.
    pub key: NoteKey,
    /// The size of the tree.
    pub size: TreeSize,
    /// When it says that it saw it.
    pub time: Timestamp,
    /// The log's signed note of that size.
    pub checkpoint: String,
    /// The line to append, with its line feed.
    pub line: String,
}

/// The newest cosignature of each witness; clones share them.
#[derive(Clone, Debug)]
pub struct Cosignatures {
    newest: Arc<watch::Sender<Vec<Cosignature>>>,
    /// How often something was kept: lookups ask for it without a lock.
    generation: Arc<AtomicU64>,
}

impl Cosignatures {
    /// None yet.
    pub(super) fn none() -> Self {
        Self { newest: Arc::new(watch::Sender::new(Vec::new())), generation: Arc::default() }
    }

    /// Keeps what a witness cosigned, unless something as new of the same witness is kept already.
    pub fn keep(&self, new: Cosignature) -> bool {
        self.newest.send_if_modified(|held| {
            match held.iter_mut().find(|held| held.key == new.key) {
                Some(old) if (old.size, old.time) >= (new.size, new.time) => return false,
                Some(old) => *old = new,
                None => held.push(new),
            }
            self.generation.fetch_add(1, Ordering::Release);
            true
        })
    }

    /// A number that changes with everything that is kept.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The newest of one witness.
    pub fn of(&self, key: &NoteKey) -> Option<Cosignature> {
        self.newest.borrow().iter().find(|held| held.key == *key).cloned()
    }

    /// The checkpoints that are the newest of some witness, with the lines of all whose newest they are; the largest first.
    pub fn checkpoints(&self) -> Vec<(TreeSize, String)> {
        let mut notes: BTreeMap<TreeSize, String> = BTreeMap::new();
        for held in self.newest.borrow().iter() {
            notes.entry(held.size).or_insert_with(|| held.checkpoint.clone()).push_str(&held.line);
        }
        notes.into_iter().rev().collect()
    }

    /// The log's signed note of a size with the lines of all witnesses whose newest it is.
    pub fn below(&self, checkpoint: &str, size: TreeSize) -> String {
        let held = self.newest.borrow();
        let lines = held.iter().filter(|held| held.size == size).map(|held| held.line.as_str());
        std::iter::once(checkpoint).chain(lines).collect()
    }

    /// Tells when something was kept.
    pub(super) fn changes(&self) -> watch::Receiver<Vec<Cosignature>> {
        self.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use holdfast_formats::key::SigningKey;
    use holdfast_formats::note::SignatureType;

    use super::*;

    fn cosignature(witness: u8, size: u64, time: u64) -> Cosignature {
        let name = format!("w{witness}").parse().unwrap();
        let key = SigningKey::from_seed([witness; 32]).public();
        Cosignature {
            key: NoteKey::new(name, SignatureType::Cosignature, key),
            size: TreeSize::new(size).unwrap(),
            time: Timestamp::from_ms(time),
            checkpoint: format!("note of {size}\n"),
            line: format!("w{witness} at {time}\n"),
        }
    }

    #[test]
    fn t13_what_is_kept_of_a_witness_never_goes_back() {
        let kept = Cosignatures::none();
        assert!(kept.keep(cosignature(1, 7, 10)));
        let before = kept.generation();
        for late in [(5, 11), (7, 10), (7, 9)] {
            assert!(!kept.keep(cosignature(1, late.0, late.1)), "{late:?}");
        }
        assert_eq!(kept.generation(), before, "nothing changed");
        assert!(kept.keep(cosignature(1, 7, 12)), "the same tree, seen again later");
        assert!(kept.keep(cosignature(1, 9, 11)));
        assert_eq!(kept.generation(), before + 2);
        assert_eq!(kept.of(&cosignature(1, 0, 0).key).map(|held| held.size.get()), Some(9));
    }

    #[test]
    fn one_checkpoint_carries_the_lines_of_all_who_cosigned_it_last() {
        let kept = Cosignatures::none();
        for one in [cosignature(1, 7, 1), cosignature(2, 9, 2), cosignature(3, 7, 3)] {
            assert!(kept.keep(one));
        }
        let size = |n| TreeSize::new(n).unwrap();
        let wanted = [
            (size(9), "note of 9\nw2 at 2\n".to_owned()),
            (size(7), "note of 7\nw1 at 1\nw3 at 3\n".to_owned()),
        ];
        assert_eq!(kept.checkpoints(), wanted);
        assert_eq!(kept.below("log's\n", size(7)), "log's\nw1 at 1\nw3 at 3\n");
        assert_eq!(kept.below("log's\n", size(8)), "log's\n");
    }
}

//! The truth of the store: what it holds, and what is still on its way to it.
//!
//! Consistent like S3: whatever was applied is seen by everybody at once. Writes that are late are applied when their time has
//! come, whether or not whoever sent them still lives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::time::TrueTime;

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// Its bytes.
    pub(crate) bytes: Bytes,
    /// When it was written, by the store's own clock.
    pub(crate) modified_ms: u64,
}

/// A write.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// Only where nothing is.
    Create(String, Bytes),
    /// Whatever is there.
    Replace(String, Bytes),
    /// Nothing is there any more.
    Delete(String),
}

/// How a write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// As it was meant.
    Done,
    /// Something is there already.
    Taken,
}

/// A bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    time: Arc<TrueTime>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Stored>,
    /// By when they are due, and by the order in which they were sent.
    late: BTreeMap<(u64, u64), Deed>,
    sent: u64,
}

impl Bucket {
    /// An empty one.
    pub(crate) fn empty(time: &Arc<TrueTime>) -> Arc<Self> {
        Arc::new(Self { time: Arc::clone(time), state: Mutex::default() })
    }

    /// Does it now.
    pub(crate) fn apply(&self, deed: Deed) -> Applied {
        let now_ms = self.time.now_ms();
        self.settled().apply(deed, now_ms)
    }

    /// Does it when so much time has passed.
    pub(crate) fn apply_later(&self, deed: Deed, later_ms: u64) {
        let due_ms = self.time.now_ms().saturating_add(later_ms);
        let mut state = self.settled();
        state.sent += 1;
        let at = (due_ms, state.sent);
        state.late.insert(at, deed);
    }

    /// One object.
    pub(crate) fn get(&self, key: &str) -> Option<Stored> {
        self.settled().objects.get(key).cloned()
    }

    /// Everything whose key begins so, by key.
    pub(crate) fn list(&self, beginning: &str) -> Vec<(String, Stored)> {
        let state = self.settled();
        let from = state.objects.range(beginning.to_owned()..);
        from.take_while(|(key, _)| key.starts_with(beginning)).map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// Puts other bytes in the place of an object's, as a bad disk does: nobody is told, its time stays.
    pub(crate) fn tamper(&self, key: &str, bytes: Bytes) {
        if let Some(stored) = self.settled().objects.get_mut(key) {
            stored.bytes = bytes;
        }
    }

    /// The state with everything applied that is due.
    fn settled(&self) -> MutexGuard<'_, State> {
        let now_ms = self.time.now_ms();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(first) = state.late.first_entry().filter(|first| first.key().0 <= now_ms) {
            let ((due_ms, _), deed) = first.remove_entry();
            state.apply(deed, due_ms);
        }
        state
    }
}

impl State {
    fn apply(&mut self, deed: Deed, modified_ms: u64) -> Applied {
        match deed {
            Deed::Create(key, _) if self.objects.contains_key(&key) => return Applied::Taken,
            Deed::Create(key, bytes) | Deed::Replace(key, bytes) => {
                self.objects.insert(key, Stored { bytes, modified_ms });
            }
            Deed::Delete(key) => {
                self.objects.remove(&key);
            }
        }
        Applied::Done
    }
}

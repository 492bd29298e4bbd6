//! Reading back a handful of chunks in one job, one after another, in buffers that are used again: to hand each of them to a
//! thread and back, and to get fresh memory for it, would cost as much as hashing it.
//!
//! Only what a local directory has, and what fits the buffers, is read so; the caller reads all else by itself.

use std::sync::{Mutex, PoisonError};

use holdfast_formats::digest::Blake3Digest;

use super::super::content;
use super::super::error::Unreadable;
use super::super::frame::Unpacker;
use crate::objects::{HeldObject, ObjectError, ObjectKey, Store};

/// An idle desk that takes more than this is not kept.
const IDLE_BYTES_MAX: usize = 6 * 1024 * 1024;

/// One chunk of a handful.
pub(super) struct Wanted {
    pub(super) digest: Blake3Digest,
    pub(super) key: ObjectKey,
}

/// How the reading of one went: the length of its content, or why it has none; `None` when it is left to the caller.
pub(super) type Outcome = Option<Result<u64, Unreadable>>;

/// Where chunks are read, unpacked and hashed one after another.
struct Desk {
    object: Vec<u8>,
    content: Vec<u8>,
    unpacker: Unpacker,
}

/// The desks that nobody works at just now.
#[derive(Default)]
pub(super) struct Desks(Mutex<Vec<Desk>>);

impl std::fmt::Debug for Desks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desks")
    }
}

impl Desks {
    /// Reads chunks in order, using at most `room_bytes` for any of them. Blocks.
    pub(super) fn read(&self, store: &Store, wanted: &[Wanted], room_bytes: usize) -> Vec<Outcome> {
        let mut desk = self.lock().pop().unwrap_or_else(Desk::new);
        let mut ahead = wanted.first().and_then(|first| open(store, first));
        let mut outcomes = Vec::with_capacity(wanted.len());
        for (at, one) in wanted.iter().enumerate() {
            let next = wanted.get(at + 1).and_then(|next| open(store, next));
            let held = std::mem::replace(&mut ahead, next);
            outcomes.push(held.and_then(|held| desk.read(one, held, room_bytes).transpose()));
        }
        if desk.object.capacity() + desk.content.capacity() <= IDLE_BYTES_MAX {
            self.lock().push(desk);
        }
        outcomes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Desk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a chunk, which the system begins to fetch.
fn open(store: &Store, wanted: &Wanted) -> Option<Result<HeldObject, ObjectError>> {
    let held = store.hold(&wanted.key)?;
    if let Ok(held) = &held {
        held.expect_reading();
    }
    Some(held)
}

impl Desk {
    fn new() -> Self {
        Self { object: Vec::new(), content: Vec::new(), unpacker: Unpacker::new() }
    }

    fn read(
        &mut self,
        wanted: &Wanted,
        held: Result<HeldObject, ObjectError>,
        room_bytes: usize,
    ) -> Result<Option<u64>, Unreadable> {
        let failed = |error| Unreadable::from_get(&wanted.key, error);
        let held = held.map_err(failed)?;
        let size = usize::try_from(held.size_bytes().map_err(failed)?).unwrap_or(usize::MAX);
        if size > room_bytes {
            return Ok(None);
        }
        // A byte more, so that the end is seen without more memory.
        self.object.clear();
        self.object.reserve_exact(size + 1);
        held.read_all(&mut self.object).map_err(failed)?;
        let unpacked_bytes = content::unpacked_bytes(&self.object).unwrap_or_default();
        if size.saturating_add(unpacked_bytes) > room_bytes {
            return Ok(None);
        }
        let length = content::check(&self.object, &wanted.digest, &mut self.unpacker, &mut self.content);
        let length = length.map_err(|unsound| Unreadable::Bad(wanted.key.clone(), unsound))?;
        Ok(Some(length as u64))
    }
}

//! The buffers that content passes through: a fixed number, used over and over. Whoever wants one waits until one is free,
//! and that is what bounds the memory of a snapshot.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use bytes::Bytes;
use holdfast_formats::limits::CHUNK_BYTES_MAX;

/// A buffer takes the largest chunk.
pub(super) const WINDOW_BYTES: usize = CHUNK_BYTES_MAX;

/// Buffers that are free, or may still be made.
#[derive(Debug)]
pub(super) struct Pool {
    free: Mutex<Free>,
    returned: Condvar,
}

#[derive(Debug)]
struct Free {
    buffers: Vec<Vec<u8>>,
    unmade: usize,
}

impl Pool {
    /// So many buffers; none is made before it is needed.
    pub(super) fn of(buffers: usize) -> Arc<Self> {
        let free = Free { buffers: Vec::new(), unmade: buffers };
        Arc::new(Self { free: Mutex::new(free), returned: Condvar::new() })
    }

    /// Waits for an empty window. Nobody who holds one may wait for another.
    pub(super) fn take(self: &Arc<Self>) -> Window {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(buffer) = free.buffers.pop() {
                return Window { buffer, filled: 0, pool: Arc::clone(self) };
            }
            if free.unmade > 0 {
                free.unmade -= 1;
                return Window { buffer: vec![0; WINDOW_BYTES], filled: 0, pool: Arc::clone(self) };
            }
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A buffer that goes back when it, or the last of the bytes made of it, is dropped.
#[derive(Debug)]
pub(super) struct Window {
    buffer: Vec<u8>,
    filled: usize,
    pool: Arc<Pool>,
}

impl Window {
    /// How many bytes stand in it.
    pub(super) const fn len(&self) -> usize {
        self.filled
    }

    /// What can still be written to.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    /// Notes that so much of the room was written to.
    pub(super) const fn note(&mut self, written: usize) {
        self.filled += written;
    }

    /// Appends what fits; says whether all of it did.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let Some(place) = self.room().get_mut(..bytes.len()) else { return false };
        place.copy_from_slice(bytes);
        self.note(bytes.len());
        true
    }

    /// Its bytes, to be shared.
    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Window {
    fn as_ref(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let mut free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.buffers.push(std::mem::take(&mut self.buffer));
        drop(free);
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_window_comes_back_only_when_the_last_of_its_bytes_is_gone() {
        let pool = Pool::of(1);
        let mut window = pool.take();
        assert!(window.push(b"one two") && window.len() == 7);
        let bytes = window.freeze();
        let part = bytes.slice(4..);
        drop(bytes);
        let (told, heard) = std::sync::mpsc::channel();
        std::thread::spawn({
            let pool = Arc::clone(&pool);
            move || told.send(pool.take().len())
        });
        assert!(heard.recv_timeout(Duration::from_millis(30)).is_err(), "a part of it is still used");
        assert_eq!(part.as_ref(), b"two");
        drop(part);
        assert_eq!(heard.recv_timeout(Duration::from_secs(10)), Ok(0));
    }

    #[test]
    fn a_window_takes_no_more_than_the_largest_chunk() {
        let mut window = Pool::of(1).take();
        assert!(window.push(&vec![1; WINDOW_BYTES - 1]));
        assert!(!window.push(b"12") && window.push(b"1") && window.room().is_empty());
    }
}

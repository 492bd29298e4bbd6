//! Buffers for objects on their way in. A large one begins at a page, so that it is written to disk without a copy, and
//! is used again: an allocator that sees megabytes come from one thread and go on another may keep them all.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf as _, Bytes, BytesMut};

/// What the place in memory, the place in the file and the length of a write past the page cache are multiples of.
pub(super) const PAGE_BYTES: usize = 4096;

/// Objects of at least so many bytes are large.
const LARGE_BYTES_MIN: usize = 128 * 1024;

/// Large buffers have multiples of this, so that one fits many objects.
const STEP_BYTES: usize = 256 * 1024;

/// Large buffers that wait to be used again.
#[derive(Debug)]
pub struct Buffers {
    idle: Mutex<Vec<BytesMut>>,
    idle_bytes_max: usize,
}

/// A buffer that is being filled.
#[derive(Debug)]
pub struct Buffer {
    bytes: BytesMut,
    object_bytes: usize,
    /// Where a large one goes when its last user is done with it.
    home: Option<Arc<Buffers>>,
}

impl Buffers {
    /// Keeps at most so many bytes in buffers that nobody uses.
    pub fn keeping(idle_bytes_max: usize) -> Self {
        Self { idle: Mutex::default(), idle_bytes_max }
    }

    /// An empty buffer with room for an object.
    pub fn for_object(self: &Arc<Self>, object_bytes: usize) -> Buffer {
        if object_bytes < LARGE_BYTES_MIN {
            return Buffer { bytes: BytesMut::with_capacity(object_bytes), object_bytes, home: None };
        }
        let bytes = self.used_before(object_bytes);
        let bytes = bytes.unwrap_or_else(|| paged(object_bytes.next_multiple_of(STEP_BYTES)));
        Buffer { bytes, object_bytes, home: Some(Arc::clone(self)) }
    }

    /// An idle buffer that fits without much room to spare.
    fn used_before(&self, object_bytes: usize) -> Option<BytesMut> {
        let fits = object_bytes..=object_bytes.saturating_mul(2);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let at = idle.iter().rposition(|buffer| fits.contains(&buffer.capacity()))?;
        Some(idle.swap_remove(at))
    }

    fn take_back(&self, mut buffer: BytesMut) {
        buffer.clear();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let idle_bytes: usize = idle.iter().map(BytesMut::capacity).sum();
        if idle_bytes + buffer.capacity() <= self.idle_bytes_max {
            idle.push(buffer);
        }
    }
}

impl Buffer {
    /// Takes what is still missing of the object, or all there is.
    pub fn fill_from(&mut self, received: &mut Bytes) {
        let missing = self.object_bytes - self.bytes.len();
        self.bytes.extend_from_slice(&received.split_to(missing.min(received.len())));
    }

    /// Whether it holds the whole object.
    pub fn is_full(&self) -> bool {
        self.bytes.len() == self.object_bytes
    }

    /// What it holds. The buffer is used again once the last clone is dropped.
    pub fn freeze(mut self) -> Bytes {
        if self.home.is_some() { Bytes::from_owner(self) } else { std::mem::take(&mut self.bytes).freeze() }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            home.take_back(std::mem::take(&mut self.bytes));
        }
    }
}

/// An empty buffer that begins at a page.
fn paged(capacity: usize) -> BytesMut {
    let mut buffer = BytesMut::with_capacity(capacity + PAGE_BYTES);
    let skipped = beyond_page(&buffer);
    buffer.resize(skipped, 0);
    buffer.advance(skipped);
    buffer
}

/// Whether an object is large and begins at a page.
pub(super) fn is_paged(object: &[u8]) -> bool {
    object.len() >= LARGE_BYTES_MIN && beyond_page(object) == 0
}

/// How far the next page is from where `bytes` begin.
fn beyond_page(bytes: &[u8]) -> usize {
    bytes.as_ptr().align_offset(PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn filled(buffers: &Arc<Buffers>, object_bytes: usize) -> Bytes {
        let mut buffer = buffers.for_object(object_bytes);
        buffer.fill_from(&mut Bytes::from(vec![7; object_bytes + 1]));
        assert!(buffer.is_full());
        buffer.freeze()
    }

    #[test]
    fn a_large_object_begins_at_a_page_also_in_a_buffer_that_is_used_again() {
        let buffers = Arc::new(Buffers::keeping(8 * MIB));
        for object_bytes in [LARGE_BYTES_MIN, MIB, MIB + 1, MIB - 1, 4 * MIB] {
            let object = filled(&buffers, object_bytes);
            assert!(is_paged(&object) && object.len() == object_bytes);
            assert!(!is_paged(&object[1..]));
        }
        assert!(!is_paged(&filled(&buffers, 1)));
    }

    #[test]
    fn a_buffer_is_used_again_once_its_last_clone_is_gone_and_few_wait() {
        let buffers = Arc::new(Buffers::keeping(MIB + MIB / 2));
        let first = filled(&buffers, MIB);
        let (place, clone) = (first.as_ptr(), first.slice(5..));
        drop(first);
        assert_ne!(filled(&buffers, MIB).as_ptr(), place, "somebody still reads it");
        drop(clone);
        let both = [filled(&buffers, MIB), filled(&buffers, MIB)];
        drop(both);
        assert_eq!(buffers.idle.lock().map(|idle| idle.len()).ok(), Some(1), "there is room for one");
    }
}

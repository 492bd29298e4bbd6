//! An object that is held open. What the system has of it in memory is read at once, on any thread.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::Bytes;
use rustix::process::{Resource, getrlimit};

use super::error::ObjectError;
use super::key::ObjectKey;

/// Held open at most, where the system allows a process eight times as many files.
const HELD_MAX: u64 = 512;

/// How many objects may be held open at a time.
pub fn held_at_once() -> usize {
    let allowed = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    usize::try_from((allowed / 8).clamp(1, HELD_MAX)).unwrap_or(1)
}

/// A file of a local directory, for an object that never changes once it is there.
#[derive(Debug)]
pub struct HeldObject {
    key: ObjectKey,
    file: File,
}

impl HeldObject {
    /// Opens the file at `path`. Blocks.
    pub(super) fn open(path: &Path, key: &ObjectKey) -> Result<Self, ObjectError> {
        let file = File::open(path).map_err(|error| ObjectError::from_io(key.as_str(), error))?;
        Ok(Self { key: key.clone(), file })
    }

    /// Lets the system fetch all of it meanwhile. Only a hint.
    pub fn expect_reading(&self) {
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::WillNeed) {
            tracing::trace!(%error, "what will be read is not fetched ahead");
        }
    }

    /// How many bytes it has. One with more than such an object may have is an error.
    pub fn size_bytes(&self) -> Result<u64, ObjectError> {
        let failed = |error| ObjectError::from_io(self.key.as_str(), error);
        let size = self.file.metadata().map_err(failed)?.len();
        ObjectError::check_size(&self.key, size)?;
        Ok(size)
    }

    /// All of it, in the place of what is in a buffer. To be called once. Blocks.
    pub fn read_all(&self, into: &mut Vec<u8>) -> Result<(), ObjectError> {
        into.clear();
        let read = (&self.file).take(self.key.bytes_max()).read_to_end(into);
        read.map(drop).map_err(|error| ObjectError::from_io(self.key.as_str(), error))
    }

    /// A part of the object. A range that is empty or ends past it is an error. Blocks.
    pub fn read(&self, range: &Range<u64>) -> Result<Bytes, ObjectError> {
        let mut bytes = self.room_for(range)?;
        match self.file.read_exact_at(&mut bytes, range.start) {
            Ok(()) => Ok(Bytes::from(bytes)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(ObjectError::out_of_range(&self.key, range))
            }
            Err(error) => Err(ObjectError::from_io(self.key.as_str(), error)),
        }
    }

    /// A part of the object when all of it is in memory. Never waits for a disk.
    #[cfg(target_os = "linux")]
    pub fn read_at_hand(&self, range: &Range<u64>) -> Option<Bytes> {
        use rustix::io::{ReadWriteFlags, preadv2};
        let mut bytes = self.room_for(range).ok()?;
        let mut into = [std::io::IoSliceMut::new(&mut bytes)];
        let read = preadv2(&self.file, &mut into, range.start, ReadWriteFlags::NOWAIT).ok()?;
        (read == bytes.len()).then(|| Bytes::from(bytes))
    }

    /// Nobody says what is in memory here.
    #[cfg(not(target_os = "linux"))]
    pub fn read_at_hand(&self, _: &Range<u64>) -> Option<Bytes> {
        None
    }

    fn room_for(&self, range: &Range<u64>) -> Result<Vec<u8>, ObjectError> {
        let length = range.end.checked_sub(range.start);
        let length = length.filter(|length| (1..=self.key.bytes_max()).contains(length));
        let length = length.and_then(|length| usize::try_from(length).ok());
        Ok(vec![0; length.ok_or_else(|| ObjectError::out_of_range(&self.key, range))?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("object");
        std::fs::write(&path, b"0123456789").unwrap();
        let held = HeldObject::open(&path, &ObjectKey::commit(0)).unwrap();
        assert_eq!(held.read(&(2..5)).unwrap(), "234");
        let at_hand = held.read_at_hand(&(2..5));
        assert!(at_hand.is_none_or(|bytes| bytes == "234"), "a system may not say what is in memory");
        #[expect(clippy::reversed_empty_ranges, reason = "a range that nobody should ask for")]
        for beyond in [5..11, 10..11, 4..4, 5..4, 0..u64::MAX] {
            assert!(matches!(held.read(&beyond), Err(ObjectError::OutOfRange { .. })), "{beyond:?}");
            assert_eq!(held.read_at_hand(&beyond), None, "{beyond:?}");
        }
        let absent = HeldObject::open(&folder.path().join("absent"), &ObjectKey::commit(1));
        assert!(absent.unwrap_err().is_not_found());
    }
}

//! Where the bytes of a file in the making go. Those of a large one go to the disk past the page cache: a copy there costs
//! more than all hashing of them, and the flush at the end would wait for all of it at once. Where the file system
//! cannot, they are written as everything else is.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};

/// A file of so many bytes is large.
pub(super) const LARGE_BYTES_MIN: u64 = 256 * 1024;
/// What the place in memory, the place in the file and the length of a write past the page cache are multiples of.
const PAGE_BYTES: usize = 4096;
/// How much is written in one go.
const STAGE_BYTES: usize = 1024 * 1024;

/// A file that is written from its begin to its end.
#[derive(Debug)]
pub(super) struct Output {
    file: File,
    /// What waits for a write past the page cache.
    stage: Option<Stage>,
}

/// Whole pages of memory, filled in part.
#[derive(Debug)]
struct Stage {
    memory: Vec<u8>,
    begin: usize,
    filled: usize,
}

impl Output {
    /// A new file that will have so many bytes.
    pub(super) fn of(file: File, size: u64) -> Self {
        let is_uncached = size >= LARGE_BYTES_MIN && set_uncached(&file, true);
        Self { file, stage: is_uncached.then(Stage::new) }
    }

    /// The next bytes.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(stage) = &mut self.stage {
            bytes = stage.fill(bytes);
            if bytes.is_empty() && !stage.is_full() {
                return Ok(());
            }
            if write_pages(&mut self.file, stage.filled())? {
                stage.filled = 0;
            } else {
                self.stage = None;
            }
        }
        self.file.write_all(bytes)
    }

    /// Goes on at a later place; what lies between is a hole. From here on everything takes the usual way.
    pub(super) fn skip_to(&mut self, at: u64) -> io::Result<()> {
        self.settle()?;
        // A hole at the end of the file has nothing after it that would make the file longer.
        self.file.set_len(at)?;
        self.file.seek(SeekFrom::Start(at)).map(|_| ())
    }

    /// Writes what still waits; returns the file.
    pub(super) fn complete(&mut self) -> io::Result<&File> {
        self.settle()?;
        Ok(&self.file)
    }

    fn settle(&mut self) -> io::Result<()> {
        let Some(stage) = self.stage.take() else { return Ok(()) };
        let (pages, rest) = stage.filled().split_at(stage.filled / PAGE_BYTES * PAGE_BYTES);
        if write_pages(&mut self.file, pages)? {
            set_uncached(&self.file, false);
        }
        self.file.write_all(rest)
    }
}

impl Stage {
    fn new() -> Self {
        let memory = vec![0; STAGE_BYTES + PAGE_BYTES];
        let begin = memory.as_ptr().align_offset(PAGE_BYTES);
        Self { memory, begin, filled: 0 }
    }

    /// Takes what there is room for, and returns the rest.
    fn fill<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(bytes.len().min(STAGE_BYTES - self.filled));
        let from = self.begin + self.filled;
        if let Some(room) = self.memory.get_mut(from..from + taken.len()) {
            room.copy_from_slice(taken);
        }
        self.filled += taken.len();
        rest
    }

    const fn is_full(&self) -> bool {
        self.filled == STAGE_BYTES
    }

    fn filled(&self) -> &[u8] {
        self.memory.get(self.begin..self.begin + self.filled).unwrap_or_default()
    }
}

/// Writes whole pages. False when the file system wants other multiples: then they are written the usual way, as all that
/// follows is. A write that was cut short ends anywhere.
fn write_pages(file: &mut File, mut pages: &[u8]) -> io::Result<bool> {
    while !pages.is_empty() {
        match file.write(pages) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => pages = pages.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidInput && set_uncached(file, false) => {
                return file.write_all(pages).map(|()| false);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Whether the file's writes pass the page cache, or no longer do, from now on.
#[cfg(target_os = "linux")]
fn set_uncached(file: &File, uncached: bool) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let change = |flags: OFlags| {
        let mut wanted = flags;
        wanted.set(OFlags::DIRECT, uncached);
        fcntl_setfl(file, wanted)
    };
    fcntl_getfl(file).and_then(change).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn set_uncached(_file: &File, _uncached: bool) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 3 * STAGE_BYTES;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|n| n.wrapping_mul(7919).to_le_bytes()[1]).collect()
    }

    #[test]
    fn what_was_written_is_what_is_read_whatever_its_length_and_pieces() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        for length in [0, 1, 300_000, STAGE_BYTES, STAGE_BYTES + 1, LARGE, LARGE + 4096, LARGE + 5000] {
            for piece in [70_001, 4096, 2 * STAGE_BYTES + 3] {
                let (path, content) = (directory.path().join("file"), bytes(length));
                let mut output = Output::of(File::create(&path)?, length as u64);
                content.chunks(piece).try_for_each(|piece| output.write(piece))?;
                assert_eq!(output.complete()?.metadata()?.len(), length as u64);
                assert!(std::fs::read(&path)? == content, "{length} bytes in pieces of {piece}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_hole_stays_where_it_is() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let (path, data) = (directory.path().join("file"), bytes(STAGE_BYTES + 777));
        let (hole, size) = (1_000_000, 2 * data.len() + 1_000_000);
        let mut output = Output::of(File::create(&path)?, size as u64);
        output.write(&data)?;
        output.skip_to((data.len() + hole) as u64)?;
        output.write(&data)?;
        output.complete()?;
        assert!(std::fs::read(&path)? == [&data[..], &vec![0; hole], &data].concat());
        Ok(())
    }
}

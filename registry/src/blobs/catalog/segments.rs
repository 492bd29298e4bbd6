//! The files of a catalog as runs of parts of the same chunk, and their digests out of those. Pure.

use std::vec;

use bytes::Bytes;
use holdfast_formats::blob::Extent;
use holdfast_formats::catalog::{FileContent, Part};
use holdfast_formats::digest::Blake3Digest;

/// The most steps of one segment.
const STEPS_MAX: usize = 1024;
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// What comes next of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Bytes of a chunk.
    Data(Extent),
    /// So many zeros.
    Hole(u64),
    /// The end of a file that should have this digest.
    End(Blake3Digest),
}

/// Steps that need one chunk, or none; a hole stands at the beginning of a segment of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) chunk: Option<Blake3Digest>,
    pub(super) steps: Vec<Step>,
    /// How many bytes of the chunk are in it.
    pub(super) data_bytes: u64,
}

impl Segment {
    const fn empty() -> Self {
        Self { chunk: None, steps: Vec::new(), data_bytes: 0 }
    }

    /// The hole that it begins with.
    pub(super) fn hole(&self) -> u64 {
        if let Some(Step::Hole(bytes)) = self.steps.first() { *bytes } else { 0 }
    }

    fn takes(&self, step: &Step) -> bool {
        self.steps.len() < STEPS_MAX
            && match step {
                Step::Data(extent) => {
                    self.hole() == 0 && self.chunk.is_none_or(|chunk| chunk == extent.chunk)
                }
                Step::Hole(_) => self.steps.is_empty(),
                Step::End(_) => true,
            }
    }

    fn add(&mut self, step: Step) {
        if let Step::Data(extent) = step {
            self.chunk = Some(extent.chunk);
            self.data_bytes += u64::from(extent.length);
        }
        self.steps.push(step);
    }
}

/// Files as segments, in order.
pub(super) struct Segments {
    files: vec::IntoIter<FileContent>,
    open: Option<(vec::IntoIter<Part>, Blake3Digest)>,
    put_back: Option<Step>,
}

impl Segments {
    pub(super) fn of(files: Vec<FileContent>) -> Self {
        Self { files: files.into_iter(), open: None, put_back: None }
    }

    fn step(&mut self) -> Option<Step> {
        if let Some(step) = self.put_back.take() {
            return Some(step);
        }
        if self.open.is_none() {
            self.open = self.files.next().map(|file| (file.parts.into_iter(), file.blake3));
        }
        let (parts, digest) = self.open.as_mut()?;
        let step = match parts.next() {
            Some(Part::Data(extent)) => Step::Data(extent),
            Some(Part::Hole(bytes)) => Step::Hole(bytes),
            None => Step::End(*digest),
        };
        if matches!(step, Step::End(_)) {
            self.open = None;
        }
        Some(step)
    }
}

impl Iterator for Segments {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let mut segment = Segment::empty();
        while let Some(step) = self.step() {
            if !segment.takes(&step) {
                self.put_back = Some(step);
                break;
            }
            segment.add(step);
        }
        (!segment.steps.is_empty()).then_some(segment)
    }
}

/// The digest of the file that is being read, and how those before came out.
pub(super) struct FileHasher {
    hasher: Box<blake3::Hasher>,
    /// A part of the file could not be read, so its digest says nothing.
    is_torn: bool,
    /// Some file is not what the catalog says.
    is_wrong: bool,
}

impl FileHasher {
    pub(super) fn new() -> Self {
        Self { hasher: Box::new(blake3::Hasher::new()), is_torn: false, is_wrong: false }
    }

    /// Whether good chunks did not make the files that the catalog says.
    pub(super) const fn found_wrong(&self) -> bool {
        self.is_wrong
    }

    /// Hashes so many zeros.
    pub(super) fn zeros(mut self, mut bytes: u64) -> Self {
        while bytes > 0 {
            let step = bytes.min(ZEROS.len() as u64);
            self.hasher.update(ZEROS.get(..usize::try_from(step).unwrap_or(0)).unwrap_or_default());
            bytes -= step;
        }
        self
    }

    /// Takes the steps of a segment, without its hole; `content` is its chunk's, when that is good.
    pub(super) fn take(mut self, steps: &[Step], content: Option<&Bytes>) -> Self {
        for step in steps {
            match step {
                Step::Data(extent) => self.data(extent, content),
                Step::Hole(_) => {}
                Step::End(digest) => self.end(digest),
            }
        }
        self
    }

    fn data(&mut self, extent: &Extent, content: Option<&Bytes>) {
        let Some(content) = content else {
            self.is_torn = true;
            return;
        };
        let (offset, length) = (extent.offset as usize, extent.length as usize);
        if let Some(bytes) = content.get(offset..offset.saturating_add(length)) {
            self.hasher.update(bytes);
        } else {
            // It reaches beyond its chunk.
            (self.is_torn, self.is_wrong) = (true, true);
        }
    }

    fn end(&mut self, digest: &Blake3Digest) {
        let is_same = self.hasher.finalize().as_bytes() == digest.as_bytes();
        self.is_wrong |= !self.is_torn && !is_same;
        self.is_torn = false;
        self.hasher.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(chunk: u8, offset: u32, length: u32) -> Extent {
        Extent { chunk: Blake3Digest::from_bytes([chunk; 32]), offset, length }
    }

    fn file(content: &[u8], parts: Vec<Part>) -> FileContent {
        let size = parts.iter().map(Part::length).sum();
        FileContent { size, blake3: Blake3Digest::of(content), seen: None, parts }
    }

    #[test]
    fn files_that_share_a_chunk_are_one_segment_and_a_hole_begins_its_own() {
        let data = |chunk, offset, length| Part::Data(extent(chunk, offset, length));
        let files = vec![
            file(b"", vec![]),
            file(b"ab", vec![data(1, 0, 2)]),
            file(b"c", vec![data(1, 2, 1)]),
            file(b"d\0\0e", vec![data(1, 3, 1), Part::Hole(2), data(1, 4, 1)]),
            file(b"x", vec![data(2, 0, 1)]),
        ];
        let segments: Vec<Segment> = Segments::of(files).collect();
        let shape: Vec<_> =
            segments.iter().map(|s| (s.chunk.map(|c| c.as_bytes()[0]), s.steps.len(), s.hole())).collect();
        assert_eq!(shape, [(Some(1), 6, 0), (None, 1, 2), (Some(1), 2, 0), (Some(2), 2, 0)]);
        let mut hasher = FileHasher::new();
        for segment in &segments {
            let content = Bytes::from_static(if segment.chunk == Some(extent(2, 0, 0).chunk) {
                b"x"
            } else {
                b"abcde"
            });
            hasher = hasher.zeros(segment.hole()).take(&segment.steps, Some(&content));
        }
        assert!(!hasher.found_wrong());
    }

    #[test]
    fn a_torn_file_is_not_called_wrong_and_the_next_one_counts_again() {
        let wrong = Segments::of(vec![file(b"other", vec![Part::Data(extent(1, 0, 2))])]);
        let steps: Vec<Step> = wrong.flat_map(|segment| segment.steps).collect();
        let torn = FileHasher::new().take(&steps, None);
        assert!(!torn.found_wrong());
        let content = Bytes::from_static(b"ab");
        assert!(torn.take(&steps, Some(&content)).found_wrong());
        let short = Bytes::from_static(b"a");
        assert!(FileHasher::new().take(&steps, Some(&short)).found_wrong(), "the part reaches beyond");
    }
}

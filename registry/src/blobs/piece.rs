//! Which part of which chunk gives which bytes of a blob. Pure.

use std::ops::Range;
use std::sync::Arc;

use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::Blake3Digest;

/// A part of one chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) chunk: Blake3Digest,
    /// How far the extent reaches into the chunk, wanted or not: the chunk must be as long as that.
    pub(super) reach: usize,
    /// The wanted bytes of the chunk.
    pub(super) wanted: Range<usize>,
}

/// The pieces that give `range` of a blob, in order. Chunks outside the range do not appear.
#[derive(Debug)]
pub(super) struct Pieces {
    record: Arc<BlobRecord>,
    range: Range<u64>,
    next: usize,
    /// Where in the blob the next extent begins.
    at: u64,
}

impl Pieces {
    pub(super) fn new(record: Arc<BlobRecord>, range: Range<u64>) -> Self {
        Self { record, range, next: 0, at: 0 }
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        while self.at < self.range.end {
            let extent = self.record.extents.get(self.next)?;
            let begin = self.at;
            let end = begin.saturating_add(u64::from(extent.length));
            self.next += 1;
            self.at = end;
            let (from, to) = (begin.max(self.range.start), end.min(self.range.end));
            if from < to {
                let inside = |at: u64| usize::try_from(u64::from(extent.offset) + (at - begin)).ok();
                return Some(Piece {
                    chunk: extent.chunk,
                    reach: inside(end)?,
                    wanted: inside(from)?..inside(to)?,
                });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_formats::blob::Extent;
    use holdfast_formats::digest::Digests;

    fn record() -> Arc<BlobRecord> {
        let extent = |byte, offset, length| Extent { chunk: digest(byte), offset, length };
        let extents = vec![extent(1, 0, 10), extent(2, 5, 20), extent(3, 0, 1)];
        Arc::new(BlobRecord { digests: Digests::of(b"any"), size: 31, extents })
    }

    fn digest(byte: u8) -> Blake3Digest {
        Blake3Digest::from_bytes([byte; 32])
    }

    fn pieces(range: Range<u64>) -> Vec<(Blake3Digest, usize, Range<usize>)> {
        Pieces::new(record(), range).map(|p| (p.chunk, p.reach, p.wanted)).collect()
    }

    #[test]
    fn ranges_name_only_the_chunks_they_need() {
        assert_eq!(pieces(0..31), [(digest(1), 10, 0..10), (digest(2), 25, 5..25), (digest(3), 1, 0..1)]);
        assert_eq!(pieces(9..11), [(digest(1), 10, 9..10), (digest(2), 25, 5..6)]);
        assert_eq!(pieces(10..30), [(digest(2), 25, 5..25)]);
        assert_eq!(pieces(30..31), [(digest(3), 1, 0..1)]);
        assert_eq!(pieces(0..0), []);
        assert_eq!(pieces(31..40), []);
    }
}

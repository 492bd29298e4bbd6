//! The parts of a file: what was written of it lies in chunks one after the other, with holes in between.

use holdfast_formats::blob::Extent;
use holdfast_formats::catalog::Part;

use super::system::Segment;

/// Lays the written segments of a file of `size` bytes over parts of chunks that hold them in order.
pub(super) fn lay_out(size: u64, segments: &[Segment], data: &[Extent]) -> Vec<Part> {
    let mut parts = Vec::with_capacity(data.len());
    let mut data = data.iter().copied();
    let mut open: Option<Extent> = None;
    let mut reached = 0;
    for Segment { start, length } in segments {
        if *start > reached {
            parts.push(Part::Hole(start - reached));
        }
        reached = start + length;
        let mut wanted = *length;
        while wanted > 0 {
            let Some(extent) = open.take().or_else(|| data.next()) else { break };
            let taken = u32::try_from(wanted).unwrap_or(u32::MAX).min(extent.length);
            parts.push(Part::Data(Extent { length: taken, ..extent }));
            wanted -= u64::from(taken);
            let (offset, length) = (extent.offset + taken, extent.length - taken);
            open = (length > 0).then_some(Extent { offset, length, ..extent });
        }
    }
    if reached < size {
        parts.push(Part::Hole(size - reached));
    }
    parts
}

/// The first bytes of a file's segments, `written` in all: what is left of them when it was cut short.
pub(super) fn cut_short(segments: &mut Vec<Segment>, written: u64) {
    let mut left = written;
    for segment in segments.iter_mut() {
        segment.length = segment.length.min(left);
        left -= segment.length;
    }
    segments.retain(|segment| segment.length > 0);
}

#[cfg(test)]
mod tests {
    use holdfast_formats::digest::Blake3Digest;

    use super::*;

    fn extent(chunk: u8, offset: u32, length: u32) -> Extent {
        Extent { chunk: Blake3Digest::from_bytes([chunk; 32]), offset, length }
    }

    fn segment(start: u64, length: u64) -> Segment {
        Segment { start, length }
    }

    #[test]
    fn segments_are_split_where_chunks_end_and_holes_fill_the_rest() {
        let data = [extent(1, 0, 10), extent(2, 0, 10)];
        let parts = lay_out(100, &[segment(5, 4), segment(20, 16)], &data);
        let wanted = [
            Part::Hole(5),
            Part::Data(extent(1, 0, 4)),
            Part::Hole(11),
            Part::Data(extent(1, 4, 6)),
            Part::Data(extent(2, 0, 10)),
            Part::Hole(64),
        ];
        assert_eq!(parts, wanted);
        assert_eq!(lay_out(7, &[], &[]), [Part::Hole(7)]);
        assert_eq!(lay_out(0, &[], &[]), []);
    }

    #[test]
    fn a_file_that_was_cut_short_has_the_first_of_its_segments() {
        let mut segments = vec![segment(0, 4), segment(8, 4)];
        cut_short(&mut segments, 5);
        assert_eq!(segments, [segment(0, 4), segment(8, 1)]);
        cut_short(&mut segments, 4);
        assert_eq!(segments, [segment(0, 4)]);
    }
}

use super::*;

/// Bytes that do not compress and do not repeat, the same for every run.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        out.extend_from_slice(&next().to_le_bytes());
    }
    out.truncate(length);
    out
}

fn cut(bytes: &[u8]) -> (BlobRecord, Vec<Piece>) {
    let mut pieces = Vec::new();
    let record = Cutter::new()
        .cut(bytes, bytes.len() as u64, &mut |piece| {
            pieces.push(piece);
            true
        })
        .unwrap();
    (record, pieces)
}

/// A reader that gives few bytes at a time, as a pipe does.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = buffer.len().min(4093);
        self.0.read(&mut buffer[..limit])
    }
}

#[test]
fn the_chunks_put_together_are_the_stream_and_the_record_says_so() {
    for length in [1, 1000, CHUNK_BYTES_MIN, CHUNK_BYTES_MAX + 1, 9 * 1024 * 1024, 40 * 1024 * 1024 + 7] {
        let bytes = noise(7, length);
        let (record, pieces) = cut(&bytes);
        let joined: Vec<u8> = pieces.iter().flat_map(|p| p.bytes.to_vec()).collect();
        assert!(joined == bytes, "{length}");
        assert_eq!(record.digests, Digests::of(&bytes));
        assert_eq!(record.size, length as u64);
        assert_eq!(BlobRecord::parse(&record.encode()), Ok(record.clone()));
        for (piece, extent) in pieces.iter().zip(&record.extents) {
            assert_eq!(
                (extent.chunk, extent.length as usize),
                (Blake3Digest::of(&piece.bytes), piece.bytes.len())
            );
        }
        let (_, all_but_last) = pieces.split_last().unwrap();
        assert!(all_but_last.iter().all(|p| (CHUNK_BYTES_MIN..=CHUNK_BYTES_MAX).contains(&p.bytes.len())));
    }
}

#[test]
fn an_empty_stream_is_a_blob_without_chunks() {
    let (record, pieces) = cut(&[]);
    assert!(pieces.is_empty());
    assert_eq!((record.size, record.digests), (0, Digests::of(&[])));
}

#[test]
fn boundaries_do_not_depend_on_how_the_stream_arrives() {
    let bytes = noise(3, 21 * 1024 * 1024);
    let (whole, _) = cut(&bytes);
    let dripped = Cutter::new().cut(Drip(&bytes), 0, &mut |_| true).unwrap();
    assert_eq!(dripped, whole);
}

#[test]
fn one_inserted_byte_changes_few_chunks() {
    let mut bytes = noise(11, 32 * 1024 * 1024);
    let (before, _) = cut(&bytes);
    bytes.insert(9_000_000, 0x5a);
    let (after, _) = cut(&bytes);
    let known: std::collections::BTreeSet<_> = before.extents.iter().map(|e| e.chunk).collect();
    let new = after.extents.iter().filter(|e| !known.contains(&e.chunk)).count();
    assert!(new <= 3, "{new} of {} chunks are new", after.extents.len());
}

#[test]
fn one_cutter_cuts_one_stream_after_the_other() {
    let mut cutter = Cutter::new();
    for seed in 1..4 {
        let bytes = noise(seed, 6 * 1024 * 1024);
        assert_eq!(cutter.cut(bytes.as_slice(), bytes.len() as u64, &mut |_| true).unwrap(), cut(&bytes).0);
    }
}

#[test]
fn a_stream_that_nobody_wants_leaves_nothing_for_the_next() {
    let mut cutter = Cutter::new();
    let bytes = noise(5, 12 * 1024 * 1024);
    assert!(matches!(
        cutter.cut(bytes.as_slice(), bytes.len() as u64, &mut |_| false),
        Err(CutError::Stopped)
    ));
    assert_eq!(cutter.cut(bytes.as_slice(), bytes.len() as u64, &mut |_| true).unwrap(), cut(&bytes).0);
}

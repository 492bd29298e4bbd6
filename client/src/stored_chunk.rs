//! A chunk as it is stored: behind its header, compressed when that pays.

use std::cell::RefCell;

use bytes::Bytes;
use holdfast_formats::chunk::{CHUNK_HEADER_BYTES, ChunkHeader, Codec};
use holdfast_formats::chunk_frame::FrameHead;
use holdfast_formats::digest::Blake3Digest;
use zstd::bulk::Compressor;

/// Of the first five levels this one takes the fewest bytes of dumps of databases, and of a compiler and its libraries 4 %
/// more than level 3 in two thirds of its time (`scripts/bench snapshots`).
const FILE_LEVEL: i32 = 2;
/// The first of the levels that look further back: a dozenth less of a dump, at a fifth of the pace.
const STREAM_LEVEL: i32 = 6;
const PROBE_LEVEL: i32 = 1;
const PROBE_BYTES: usize = 64 * 1024;
/// Fewer bytes are not worth a compressor: they take a block of disk either way.
const COMPRESSED_BYTES_MIN: usize = 1024;

/// How hard chunks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Files come as fast as disks are.
    Files,
    /// A stream comes no faster than whoever makes it, and is most often the dump of a database.
    Streams,
}

/// The stored object of a chunk, its bytes not copied where they stay raw.
#[derive(Debug, Clone)]
pub(crate) struct StoredChunk {
    header: [u8; CHUNK_HEADER_BYTES],
    stored: Bytes,
}

impl StoredChunk {
    /// Makes the stored object of a chunk's bytes. Bytes of which a sample does not shrink by 3 % stay raw.
    pub(crate) fn of(bytes: &Bytes, effort: Effort) -> Self {
        let length = u32::try_from(bytes.len()).expect("a chunk has at most 4 MiB");
        let (codec, stored) = match compressed(bytes, effort) {
            Some(frame) => (Codec::Zstd, Bytes::from(frame)),
            None => (Codec::Raw, bytes.clone()),
        };
        Self { header: ChunkHeader { codec, length }.encode(), stored }
    }

    /// The size of the object in bytes.
    pub(crate) fn size(&self) -> u64 {
        (CHUNK_HEADER_BYTES + self.stored.len()) as u64
    }

    /// How it travels: behind its digest and length, in two parts that follow each other.
    pub(crate) fn frame(self, chunk: Blake3Digest) -> [Bytes; 2] {
        let length = u32::try_from(self.size()).expect("an object is hardly larger than its chunk");
        let head = FrameHead { chunk, length }.encode();
        [Bytes::from([head.as_slice(), &self.header].concat()), self.stored]
    }
}

/// One zstd frame with the content size in its header; `None` when it would save too little.
fn compressed(bytes: &[u8], effort: Effort) -> Option<Vec<u8>> {
    if bytes.len() < COMPRESSED_BYTES_MIN {
        return None;
    }
    COMPRESSORS.with_borrow_mut(|compressors| compressors.frame(bytes, effort))
}

thread_local! {
    static COMPRESSORS: RefCell<Compressors> = const { RefCell::new(Compressors::idle()) };
}

/// What compressing needs, kept for the next chunk: to make and clear its tables takes as long as a tenth of a chunk.
struct Compressors {
    probe: Option<Compressor<'static>>,
    files: Option<Compressor<'static>>,
    streams: Option<Compressor<'static>>,
    frame: Vec<u8>,
}

impl Compressors {
    const fn idle() -> Self {
        Self { probe: None, files: None, streams: None, frame: Vec::new() }
    }

    fn frame(&mut self, bytes: &[u8], effort: Effort) -> Option<Vec<u8>> {
        if bytes.len() > 2 * PROBE_BYTES {
            let middle = bytes.len() / 2;
            let sample = bytes.get(middle..middle + PROBE_BYTES)?;
            if !pays(compress(&mut self.probe, PROBE_LEVEL, sample, &mut self.frame)?, sample) {
                return None;
            }
        }
        let (compressor, level) = match effort {
            Effort::Files => (&mut self.files, FILE_LEVEL),
            Effort::Streams => (&mut self.streams, STREAM_LEVEL),
        };
        let length = compress(compressor, level, bytes, &mut self.frame)?;
        if pays(length, bytes) { self.frame.get(..length).map(<[u8]>::to_vec) } else { None }
    }
}

/// Compresses into the beginning of a buffer that is grown as needed; gives how long the frame is.
fn compress(
    compressor: &mut Option<Compressor<'static>>,
    level: i32,
    bytes: &[u8],
    frame: &mut Vec<u8>,
) -> Option<usize> {
    if compressor.is_none() {
        *compressor = Compressor::new(level).ok();
    }
    let bound = zstd::zstd_safe::compress_bound(bytes.len());
    if frame.len() < bound {
        frame.resize(bound, 0);
    }
    compressor.as_mut()?.compress_to_buffer(bytes, frame.as_mut_slice()).ok()
}

fn pays(frame_bytes: usize, bytes: &[u8]) -> bool {
    frame_bytes * 100 < bytes.len() * 97
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(bytes: &[u8]) -> Vec<u8> {
        let StoredChunk { header, stored } = StoredChunk::of(&Bytes::copy_from_slice(bytes), Effort::Files);
        [header.as_slice(), &stored].concat()
    }

    #[test]
    fn text_is_compressed_and_comes_back() {
        let text = "holdfast ".repeat(100_000).into_bytes();
        let object = object(&text);
        assert!(object.len() < text.len() / 10);
        let (header, stored) = ChunkHeader::parse(&object).unwrap();
        assert_eq!((header.codec, header.length as usize), (Codec::Zstd, text.len()));
        assert!(zstd::bulk::decompress(stored, text.len()).unwrap() == text);
        assert_eq!(zstd::zstd_safe::get_frame_content_size(stored).unwrap(), Some(text.len() as u64));
    }

    #[test]
    fn a_stream_takes_less_than_a_file_of_the_same_bytes() {
        let row = |n: u32| format!("{n}\t{}\t{}\t{:84}\n", n / 1000, n.wrapping_mul(7919) % 5000, "");
        let dump = Bytes::from((0..5000).map(row).collect::<String>());
        let [file, stream] = [Effort::Files, Effort::Streams].map(|effort| StoredChunk::of(&dump, effort));
        assert!(stream.size() < file.size(), "{} {}", stream.size(), file.size());
        assert!(zstd::bulk::decompress(&stream.stored, dump.len()).unwrap() == dump);
    }

    #[test]
    fn what_does_not_shrink_stays_raw() {
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(300_000)
        .collect();
        let stored = object(&noise);
        let (header, raw) = ChunkHeader::parse(&stored).unwrap();
        assert_eq!((header.codec, raw), (Codec::Raw, noise.as_slice()));
        assert!(ChunkHeader::parse(&object(b"x")).is_ok_and(|(h, _)| h.codec == Codec::Raw));
    }

    #[test]
    fn a_frame_is_the_digest_the_length_and_the_object() {
        let stored = StoredChunk::of(&Bytes::from_static(b"x"), Effort::Files);
        let [head, bytes] = stored.frame(Blake3Digest::of(b"x"));
        assert_eq!(head.get(..32), Some(Blake3Digest::of(b"x").as_bytes().as_slice()));
        assert_eq!(head.get(32..36), Some([0, 0, 0, 33].as_slice()));
        assert_eq!([head.slice(36..), bytes].concat(), object(b"x"));
    }
}

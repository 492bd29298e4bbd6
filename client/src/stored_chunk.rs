//! A chunk as it is stored: behind its header, compressed when that pays.

use holdfast_formats::chunk::{ChunkHeader, Codec};

const LEVEL: i32 = 3;
const PROBE_BYTES: usize = 64 * 1024;

/// Writes the stored object of a chunk's bytes. Bytes of which a sample does not shrink by 3 % stay raw.
pub(crate) fn encode(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("a chunk has at most 4 MiB");
    match compressed(bytes) {
        Some(frame) => object(ChunkHeader { codec: Codec::Zstd, length }, &frame),
        None => object(ChunkHeader { codec: Codec::Raw, length }, bytes),
    }
}

fn object(header: ChunkHeader, stored: &[u8]) -> Vec<u8> {
    [header.encode().as_slice(), stored].concat()
}

/// One zstd frame with the content size in its header; `None` when it would save too little.
fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() > 2 * PROBE_BYTES {
        let middle = bytes.len() / 2;
        let sample = bytes.get(middle..middle + PROBE_BYTES)?;
        if !pays(&zstd::bulk::compress(sample, 1).ok()?, sample) {
            return None;
        }
    }
    let frame = zstd::bulk::compress(bytes, LEVEL).ok()?;
    pays(&frame, bytes).then_some(frame)
}

fn pays(frame: &[u8], bytes: &[u8]) -> bool {
    frame.len() * 100 < bytes.len() * 97
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_compressed_and_comes_back() {
        let text = "holdfast ".repeat(100_000).into_bytes();
        let object = encode(&text);
        assert!(object.len() < text.len() / 10);
        let (header, stored) = ChunkHeader::parse(&object).unwrap();
        assert_eq!((header.codec, header.length as usize), (Codec::Zstd, text.len()));
        assert!(zstd::bulk::decompress(stored, text.len()).unwrap() == text);
        assert_eq!(zstd::zstd_safe::get_frame_content_size(stored).unwrap(), Some(text.len() as u64));
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
        let object = encode(&noise);
        let (header, stored) = ChunkHeader::parse(&object).unwrap();
        assert_eq!((header.codec, stored), (Codec::Raw, noise.as_slice()));
        assert!(ChunkHeader::parse(&encode(b"x")).is_ok_and(|(h, _)| h.codec == Codec::Raw));
    }
}

//! Chunks on their way in: one after the other in a request body, each behind its digest and length. Those of a small
//! blob may travel behind its record.
//!
//! ```text
//! 0  32 BLAKE3 of the chunk's content
//! 32 4  length of the stored object that follows, big endian
//! ```

use crate::digest::Blake3Digest;

/// The size of what stands before each object.
pub const FRAME_HEAD_BYTES: usize = 36;

/// The most bytes of one request with chunks.
pub const FRAMES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What stands before the stored object of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// The digest under which it is to be stored.
    pub chunk: Blake3Digest,
    /// The length of the stored object in bytes.
    pub length: u32,
}

impl FrameHead {
    /// Writes the head.
    pub fn encode(&self) -> [u8; FRAME_HEAD_BYTES] {
        let mut out = [0; FRAME_HEAD_BYTES];
        let (chunk, length) = out.split_at_mut(32);
        chunk.copy_from_slice(self.chunk.as_bytes());
        length.copy_from_slice(&self.length.to_be_bytes());
        out
    }

    /// Reads a head. Any 36 bytes are one; whether its length is allowed is for the reader of the object to say.
    pub fn parse(bytes: &[u8; FRAME_HEAD_BYTES]) -> Self {
        let [chunk @ .., l0, l1, l2, l3] = bytes;
        Self { chunk: Blake3Digest::from_bytes(*chunk), length: u32::from_be_bytes([*l0, *l1, *l2, *l3]) }
    }
}

/// The first of several frames: the digest that its chunk claims, its stored object, and what follows. `None` when it is
/// cut short.
pub fn split_frame(bytes: &[u8]) -> Option<(Blake3Digest, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk()?;
    let FrameHead { chunk, length } = FrameHead::parse(head);
    let (object, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((chunk, object, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_its_bytes() {
        let head = FrameHead { chunk: Blake3Digest::of(b"x"), length: 0x0102_0304 };
        let bytes = head.encode();
        assert_eq!(bytes[32..], [1, 2, 3, 4]);
        assert_eq!(FrameHead::parse(&bytes), head);
    }

    #[test]
    fn a_frame_is_split_off_unless_it_is_cut_short() {
        let chunk = Blake3Digest::of(b"x");
        let frame = [FrameHead { chunk, length: 3 }.encode().as_slice(), b"abc"].concat();
        let two = [frame.clone(), frame.clone()].concat();
        assert_eq!(split_frame(&two), Some((chunk, b"abc".as_slice(), frame.as_slice())));
        assert!((0..frame.len()).all(|cut| split_frame(&frame[..cut]).is_none()));
    }
}

//! The one zstd frame of a chunk: what it may claim, and unpacking it within those bounds.
//!
//! The header is read here, before a byte is unpacked:
//! [RFC 8878, section 3.1.1](https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1).

use zstd::zstd_safe::DCtx;

use super::error::Unsound;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const WINDOW_BYTES_MAX: u64 = 1 << 23;

/// Unpacks a frame that must have exactly `length` bytes of content, and nothing after it.
pub(super) fn unpack(stored: &[u8], length: usize) -> Result<Vec<u8>, Unsound> {
    let mut content = Vec::with_capacity(length);
    Unpacker::new().unpack(stored, length, &mut content)?;
    Ok(content)
}

/// What unpacks one frame after another.
pub(super) struct Unpacker(DCtx<'static>);

impl Unpacker {
    pub(super) fn new() -> Self {
        Self(DCtx::create())
    }

    /// [`unpack`] into a buffer that may have been used before.
    pub(super) fn unpack(
        &mut self,
        stored: &[u8],
        length: usize,
        content: &mut Vec<u8>,
    ) -> Result<(), Unsound> {
        check(stored, length)?;
        content.clear();
        content.reserve_exact(length);
        // Writes into the capacity and never beyond it.
        let unpacked = self.0.decompress(content, stored);
        if unpacked != Ok(length) || content.len() != length {
            return Err(Unsound::Malformed("its zstd frame does not unpack"));
        }
        Ok(())
    }
}

/// Whether a frame claims `length` bytes of content, no more memory than may be, and to be all there is.
fn check(stored: &[u8], length: usize) -> Result<(), Unsound> {
    let claims = Claims::parse(stored)?;
    let length_bytes = u64::try_from(length).unwrap_or(u64::MAX);
    if claims.content_bytes > length_bytes {
        return Err(Unsound::TooLarge("its zstd frame unpacks to more than its header says"));
    }
    if claims.content_bytes < length_bytes {
        return Err(Unsound::Malformed("its zstd frame unpacks to less than its header says"));
    }
    if claims.window_bytes > WINDOW_BYTES_MAX {
        return Err(Unsound::TooLarge("its zstd frame asks for a window of more than 8 MiB"));
    }
    if zstd::zstd_safe::find_frame_compressed_size(stored) != Ok(stored.len()) {
        return Err(Unsound::Malformed("after its zstd frame something follows, or it is cut short"));
    }
    Ok(())
}

/// What a frame says about itself.
#[derive(Debug, PartialEq, Eq)]
struct Claims {
    content_bytes: u64,
    window_bytes: u64,
}

impl Claims {
    fn parse(frame: &[u8]) -> Result<Self, Unsound> {
        let cut = Unsound::Malformed("its zstd frame is cut short");
        let (magic, rest) = frame.split_first_chunk::<4>().ok_or(cut)?;
        if *magic != MAGIC {
            return Err(Unsound::Malformed("what it stores does not begin like a zstd frame"));
        }
        let (descriptor, rest) = rest.split_first().ok_or(cut)?;
        if descriptor & 0b0001_1011 != 0 {
            return Err(Unsound::Malformed("its zstd frame names a dictionary or sets an unused bit"));
        }
        let single_segment = descriptor & 0b0010_0000 != 0;
        let (window_bytes, rest) = match rest.split_first() {
            Some((window, after)) if !single_segment => (Some(window_size(*window)), after),
            _ => (None, rest),
        };
        let content_bytes = match (descriptor >> 6, single_segment) {
            (0, false) => {
                return Err(Unsound::Malformed("its zstd frame does not say how long its content is"));
            }
            (0, true) => little_endian::<1>(rest).ok_or(cut)?,
            (1, _) => little_endian::<2>(rest).ok_or(cut)?.saturating_add(256),
            (2, _) => little_endian::<4>(rest).ok_or(cut)?,
            _ => little_endian::<8>(rest).ok_or(cut)?,
        };
        Ok(Self { content_bytes, window_bytes: window_bytes.unwrap_or(content_bytes) })
    }
}

fn window_size(descriptor: u8) -> u64 {
    let base = 1_u64 << (10 + (descriptor >> 3));
    base + base / 8 * u64::from(descriptor & 7)
}

fn little_endian<const N: usize>(bytes: &[u8]) -> Option<u64> {
    let field = bytes.first_chunk::<N>()?;
    Some(field.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

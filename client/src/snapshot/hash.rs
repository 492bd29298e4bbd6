//! The BLAKE3 of a file of which only the written parts are read.

use holdfast_formats::digest::Blake3Digest;

/// How much of a hole is hashed in one go.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Hashes a file from first to last byte, its holes as zeros.
#[derive(Debug)]
pub(super) struct FileHasher {
    hasher: blake3::Hasher,
    reached: u64,
}

impl FileHasher {
    pub(super) fn new() -> Self {
        Self { hasher: blake3::Hasher::new(), reached: 0 }
    }

    /// Takes the bytes at an offset; what was passed over is a hole.
    pub(super) fn update(&mut self, offset: u64, bytes: &[u8]) {
        self.pass_over(offset);
        self.hasher.update(bytes);
        self.reached += bytes.len() as u64;
    }

    /// The digest of these bytes, when nothing but them was hashed.
    pub(super) fn all_of(&self, bytes: &[u8]) -> Option<Blake3Digest> {
        (self.reached == bytes.len() as u64).then(|| self.digest())
    }

    /// The digest of a file of this size.
    pub(super) fn finish(mut self, size: u64) -> Blake3Digest {
        self.pass_over(size);
        self.digest()
    }

    fn digest(&self) -> Blake3Digest {
        Blake3Digest::from_bytes(*self.hasher.finalize().as_bytes())
    }

    fn pass_over(&mut self, end: u64) {
        while self.reached < end {
            let zeros =
                ZEROS.get(..usize::try_from(end - self.reached).unwrap_or(usize::MAX)).unwrap_or(&ZEROS);
            self.hasher.update(zeros);
            self.reached += zeros.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_hashed_as_zeros() {
        let mut file = vec![0; 300_000];
        file[100_000..100_003].copy_from_slice(b"abc");
        let mut hasher = FileHasher::new();
        hasher.update(100_000, b"abc");
        assert_eq!(hasher.all_of(b"abc"), None);
        assert_eq!(hasher.finish(300_000), Blake3Digest::of(&file));
        let mut hasher = FileHasher::new();
        hasher.update(0, b"abc");
        assert_eq!(hasher.all_of(b"abc"), Some(Blake3Digest::of(b"abc")));
    }
}

//! Both digests of a whole blob, from its parts. The two are computed side by side, so that the slower one sets the pace.

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, future};
use holdfast_formats::digest::{Blake3Digest, Digests, Sha256Digest};
use sha2::{Digest as _, Sha256};

use super::error::{BlobError, Unreadable};
use super::parts::Part;
use crate::blocking::Blocking;

/// Below this, handing the bytes to two threads costs more than it saves.
const SIDE_BY_SIDE_BYTES_MIN: usize = 64 * 1024;

/// What a blob's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hashed {
    pub(super) digests: Digests,
    pub(super) size_bytes: u64,
}

/// Hashes what is left of a blob. Reading more than `unpacked_bytes_max` for it is refused.
pub(super) async fn rest(
    blocking: &Blocking,
    mut hashers: Hashers,
    mut parts: BoxStream<'static, (Blake3Digest, Result<Part, Unreadable>)>,
    unpacked_bytes_max: u64,
) -> Result<Result<Hashed, Unreadable>, BlobError> {
    let mut unpacked_bytes = 0_u64;
    let mut next = parts.next().await;
    while let Some((_, part)) = next {
        let part = match part {
            Ok(part) => part,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        unpacked_bytes = unpacked_bytes.saturating_add(u64::try_from(part.chunk_bytes).unwrap_or(u64::MAX));
        if unpacked_bytes > unpacked_bytes_max {
            return Err(BlobError::TooLarge("its extents use small parts of many chunks: use whole chunks"));
        }
        // The next chunks are read while this one is hashed.
        (hashers, next) = future::join(hashers.feed(blocking, part), parts.next()).await;
    }
    Ok(Ok(hashers.finish()))
}

/// Both digests so far.
pub(super) struct Hashers {
    blake3: Box<blake3::Hasher>,
    sha256: Sha256,
    size_bytes: u64,
}

impl Hashers {
    pub(super) fn new() -> Self {
        Self { blake3: Box::new(blake3::Hasher::new()), sha256: Sha256::new(), size_bytes: 0 }
    }

    /// Hashes the next bytes and gives their memory back: whoever reads on meanwhile may be waiting for just that.
    pub(super) async fn feed(self, blocking: &Blocking, part: Part) -> Self {
        self.feed_all(blocking, vec![part]).await
    }

    /// [`Self::feed`] for several parts in their order: they go to other threads together.
    pub(super) async fn feed_all(self, blocking: &Blocking, parts: Vec<Part>) -> Self {
        let Self { mut blake3, mut sha256, mut size_bytes } = self;
        let (bytes, _reservations): (Vec<Bytes>, Vec<_>) =
            parts.into_iter().map(|part| (part.bytes, part.reservation)).unzip();
        let length = bytes.iter().map(Bytes::len).sum();
        size_bytes = size_bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        if length < SIDE_BY_SIDE_BYTES_MIN {
            for bytes in &bytes {
                blake3.update(bytes);
                sha256.update(bytes);
            }
            return Self { blake3, sha256, size_bytes };
        }
        let same_bytes = bytes.clone();
        let blake3 = blocking.compute(length, move || {
            for bytes in &bytes {
                blake3.update(bytes);
            }
            blake3
        });
        let sha256 = blocking.compute(length, move || {
            for bytes in &same_bytes {
                sha256.update(bytes);
            }
            sha256
        });
        let (blake3, sha256) = future::join(blake3, sha256).await;
        Self { blake3, sha256, size_bytes }
    }

    pub(super) fn finish(self) -> Hashed {
        let blake3 = Blake3Digest::from_bytes(*self.blake3.finalize().as_bytes());
        let sha256 = Sha256Digest::from_bytes(self.sha256.finalize().into());
        Hashed { digests: Digests { blake3, sha256 }, size_bytes: self.size_bytes }
    }
}

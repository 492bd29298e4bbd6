//! Giving a blob, or a range of it, to a reader.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, future};
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::name::Namespace;

use super::Blobs;
use super::error::{BlobError, Unreadable};
use super::parts::{Part, Parts, Purpose};

/// A blob that is ready to be read.
pub struct BlobReader {
    digests: Digests,
    size_bytes: u64,
    range: Range<u64>,
    stream: BoxStream<'static, Result<Bytes, BlobError>>,
}

impl BlobReader {
    /// The digests of the whole blob.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    /// The size of the whole blob.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Which of its bytes the stream gives.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The bytes in order. It ends after its first error; what came before is good and incomplete.
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes, BlobError>> {
        self.stream
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobReader({}, {:?} of {} bytes)", self.digests.blake3, self.range, self.size_bytes)
    }
}

impl Blobs {
    /// Opens a blob, or a part of it: from the first byte to before the second one named.
    pub async fn reader(
        &self,
        namespace: &Namespace,
        blob: Blake3Digest,
        range: Option<(u64, u64)>,
    ) -> Result<BlobReader, BlobError> {
        let loaded = match self.load_record(namespace, &blob, &self.inner.budget.served_records).await {
            Ok(loaded) => loaded,
            Err(Unreadable::Absent(_)) => return Err(BlobError::NotFound),
            Err(unreadable) => return Err(unreadable.into()),
        };
        let (digests, size_bytes) = (loaded.record.digests, loaded.record.size);
        let range = match range {
            None => 0..size_bytes,
            Some((start, end)) if start <= end && end <= size_bytes => start..end,
            Some(_) => return Err(BlobError::Range { size_bytes }),
        };
        let parts = Parts::new(self.clone(), namespace.clone(), loaded.record, Purpose::Serving);
        let record_reservation = loaded.reservation;
        let bytes = parts.range(range.clone()).map(move |(_, part)| {
            // The record stays in memory as long as this stream.
            let _ = &record_reservation;
            part.map(tied).map_err(BlobError::from)
        });
        Ok(BlobReader { digests, size_bytes, range, stream: until_error(bytes.boxed()) })
    }
}

/// The bytes of a part; the memory is free when the last of them is sent.
fn tied(part: Part) -> Bytes {
    match part.reservation {
        Some(reservation) => reservation.guard(part.bytes),
        None => part.bytes,
    }
}

fn until_error(
    bytes: BoxStream<'static, Result<Bytes, BlobError>>,
) -> BoxStream<'static, Result<Bytes, BlobError>> {
    let scanned = bytes.scan(false, |failed, item| {
        let ended = std::mem::replace(failed, item.is_err());
        future::ready((!ended).then_some(item))
    });
    scanned.boxed()
}

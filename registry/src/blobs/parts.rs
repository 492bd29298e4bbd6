//! The bytes of a blob, chunk by chunk, read ahead within the memory budget. Each chunk hashed to its address before a
//! byte of it leaves here.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::name::Namespace;

use super::chunk::Chunk;
use super::error::{Unreadable, Unsound};
use super::memory::Reservation;
use super::piece::{Piece, Pieces};
use super::scrub::Round;
use super::{Blobs, content};

/// What a blob is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To check a record that just arrived: small chunks that just arrived need no reading back.
    Admission,
    /// To know how the stored bytes are.
    Scrub,
    /// To know what a catalog lists.
    Catalog,
    /// For a reader, who may be slow.
    Serving,
}

impl Purpose {
    /// How many chunks are in memory or on their way at a time.
    const fn depth(self) -> usize {
        match self {
            Self::Scrub => 8,
            Self::Admission | Self::Catalog => 4,
            Self::Serving => 3,
        }
    }
}

/// Bytes of a blob, and the memory they take.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: Bytes,
    /// What had to be read for them.
    pub(super) chunk_bytes: usize,
    /// `None` when they came out of a cache.
    pub(super) reservation: Option<Reservation>,
}

/// A blob to be read.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    blobs: Blobs,
    namespace: Arc<Namespace>,
    record: Arc<BlobRecord>,
    purpose: Purpose,
    round: Option<Arc<Round>>,
}

impl Parts {
    pub(super) fn new(blobs: Blobs, namespace: Namespace, record: Arc<BlobRecord>, purpose: Purpose) -> Self {
        Self { blobs, namespace: Arc::new(namespace), record, purpose, round: None }
    }

    /// Each chunk is read when its turn in a round comes.
    pub(super) fn paced(self, round: Option<&Arc<Round>>) -> Self {
        Self { round: round.cloned(), ..self }
    }

    /// Every byte of the blob in order.
    pub(super) fn all(self) -> BoxStream<'static, (Blake3Digest, Result<Part, Unreadable>)> {
        let range = 0..self.record.size;
        self.range(range)
    }

    /// The bytes of `range` in order, each part with the chunk it comes from.
    pub(super) fn range(
        self,
        range: Range<u64>,
    ) -> BoxStream<'static, (Blake3Digest, Result<Part, Unreadable>)> {
        let depth = self.purpose.depth();
        let pieces = Pieces::new(Arc::clone(&self.record), range);
        let parts = stream::iter(pieces).map(move |piece| {
            let this = self.clone();
            async move { (piece.chunk, this.part(piece).await) }
        });
        parts.buffered(depth).boxed()
    }

    /// The bytes of the first chunk that has some of `range`.
    pub(super) async fn first(&self, range: Range<u64>) -> Option<Result<Part, Unreadable>> {
        let piece = Pieces::new(Arc::clone(&self.record), range).next()?;
        Some(self.clone().part(piece).await)
    }

    async fn part(self, piece: Piece) -> Result<Part, Unreadable> {
        if self.purpose == Purpose::Admission
            && let Some(content) = self.blobs.recall(&self.namespace, &piece.chunk)
        {
            return self.cut(&piece, &content, None).await;
        }
        if let Some(round) = &self.round {
            round.turn(piece.reach as u64).await;
        }
        let budget = &self.blobs.inner.budget;
        let pool = if self.purpose == Purpose::Serving { &budget.serving } else { &budget.work };
        // In the order of the parts, or a later one could hold what an earlier one waits for.
        let reservation = pool.reserve(content::CHUNK_WORK_BYTES).await;
        let chunk = self.load(piece.chunk, reservation).await?;
        self.cut(&piece, &chunk.content, Some(chunk.reservation)).await
    }

    /// A scrub reads on while what was read before is hashed and nobody asks for more.
    async fn load(&self, chunk: Blake3Digest, reservation: Reservation) -> Result<Chunk, Unreadable> {
        let (blobs, namespace) = (self.blobs.clone(), Arc::clone(&self.namespace));
        let loading = async move { blobs.load_chunk_within(&namespace, &chunk, reservation).await };
        if self.purpose != Purpose::Scrub {
            return loading.await;
        }
        match tokio::spawn(loading).await {
            Ok(loaded) => loaded,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => std::future::pending().await,
        }
    }

    async fn cut(
        &self,
        piece: &Piece,
        content: &Bytes,
        reservation: Option<Reservation>,
    ) -> Result<Part, Unreadable> {
        if piece.reach > content.len() {
            let key = self.blobs.record_at(&self.namespace, &self.record.digests.blake3).await?.key()?;
            return Err(Unreadable::Bad(key, Unsound::Malformed("an extent reaches beyond its chunk")));
        }
        let bytes = content.slice(piece.wanted.clone());
        Ok(Part { bytes, chunk_bytes: content.len(), reservation })
    }
}

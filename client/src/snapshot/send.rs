//! The sending side: chunks are asked about some at a time, and what is missing is compressed and sent.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};

use crate::cutter::Piece;
use crate::error::ClientError;
use crate::upload::ChunkDoor;

/// Bytes that are asked about, and sent, at once.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Chunks of one batch.
const BATCH_CHUNKS: usize = 256;
/// How long an unfinished batch waits for more. Not for ever: whoever reads may be waiting for its buffers.
const PATIENCE: Duration = Duration::from_millis(20);
/// Batches under way at once.
const IN_FLIGHT: usize = 4;

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Bytes of content.
    pub(super) new_bytes: u64,
    /// Bytes of the stored objects.
    pub(super) sent_bytes: u64,
}

/// Sends what is missing of the chunks that come, until no more can.
pub(super) async fn send(door: &ChunkDoor<'_>, chunks: Receiver<Piece>) -> Result<Sent, ClientError> {
    let batches = stream::unfold(chunks, |mut chunks| async move {
        let batch = next_batch(&mut chunks).await;
        (!batch.is_empty()).then_some((batch, chunks))
    });
    let sent = batches.map(|batch| send_batch(door, batch)).buffer_unordered(IN_FLIGHT);
    let add = |a: Sent, b: Sent| Sent {
        new_bytes: a.new_bytes + b.new_bytes,
        sent_bytes: a.sent_bytes + b.sent_bytes,
    };
    sent.boxed().try_fold(Sent::default(), |a, b| future::ok(add(a, b))).await
}

async fn next_batch(chunks: &mut Receiver<Piece>) -> Vec<Piece> {
    let Some(first) = chunks.recv().await else { return Vec::new() };
    let until = Instant::now() + PATIENCE;
    let (mut bytes, mut batch) = (first.bytes.len(), vec![first]);
    while bytes < BATCH_BYTES && batch.len() < BATCH_CHUNKS {
        let Ok(Some(piece)) = timeout_at(until, chunks.recv()).await else { break };
        bytes += piece.bytes.len();
        batch.push(piece);
    }
    batch
}

async fn send_batch(door: &ChunkDoor<'_>, mut batch: Vec<Piece>) -> Result<Sent, ClientError> {
    let missing = door.missing(batch.iter().map(|piece| piece.digest).collect()).await?;
    batch.retain(|piece| missing.contains(&piece.digest));
    if batch.is_empty() {
        return Ok(Sent::default());
    }
    let new_bytes = batch.iter().map(|piece| piece.bytes.len() as u64).sum();
    Ok(Sent { new_bytes, sent_bytes: door.put(batch).await? })
}

//! One run over a tree: threads read, hash and put the catalog together while chunks are sent.
//!
//! Memory is bounded by the buffers of the pool, the small files of some jobs, and the chunks that are being compressed.

use std::sync::Arc;
use std::thread::available_parallelism;

use holdfast_formats::catalog::ChunkIndex;
use holdfast_formats::name::Namespace;
use tokio::sync::{mpsc, oneshot};

use super::error::SnapshotError;
use super::item::Source;
use super::jobs::{self, InOrder};
use super::outgoing::Outgoing;
use super::pool::Pool;
use super::read::Reader;
use super::send::{Sent, send};
use super::sequence::{Halt, Sequence, Sequenced};
use super::system::Owners;
use crate::blocking;
use crate::clock::SharedClock;
use crate::error::ClientError;
use crate::progress::SharedProgress;
use crate::stored_chunk::Effort;
use crate::transport::Transport;
use crate::upload::ChunkDoor;

/// Buffers of 4 MiB each.
const BUFFERS: usize = 16;
/// More threads than this would only wait for buffers.
const READERS_MAX: usize = 8;
/// Chunks that wait to be taken by the sender.
const CHUNKS_WAITING_MAX: usize = 8;

/// What a run needs besides its source.
pub(super) struct Pipeline<'a> {
    pub(super) transport: &'a Transport,
    pub(super) namespace: &'a Namespace,
    pub(super) progress: SharedProgress,
    pub(super) clock: SharedClock,
    pub(super) owners: Arc<Owners>,
    /// Chunks that are known to be stored.
    pub(super) stored: Arc<ChunkIndex>,
    /// Chunks that entries of the source may refer to without being read.
    pub(super) earlier: Arc<ChunkIndex>,
}

impl Pipeline<'_> {
    /// Runs over a source to its end. Everything in the catalog is stored then, as far as the registry says.
    pub(super) async fn run(self, source: Box<dyn Source>) -> Result<(Sequenced, Sent), ClientError> {
        let (to, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
        let outgoing = Outgoing::new(to, Arc::clone(&self.stored));
        let pool = Pool::of(BUFFERS);
        let reader = || Reader {
            outgoing: outgoing.clone(),
            pool: Arc::clone(&pool),
            owners: Arc::clone(&self.owners),
            clock: Arc::clone(&self.clock),
            progress: Arc::clone(&self.progress),
            tail: Vec::new(),
        };
        let readers = available_parallelism().map_or(1, usize::from).min(READERS_MAX);
        let readers = (0..readers).map(|_| reader()).collect();
        let sequence = Sequence::begin(reader(), Arc::clone(&self.earlier))?;
        let (told, sequenced) = oneshot::channel();
        blocking::spawn(move || {
            let in_order = jobs::begin(source, readers);
            // Nobody waits for it when the whole snapshot was given up.
            drop(told.send(put_together(sequence, &in_order)));
        });
        drop(outgoing);
        let door = ChunkDoor {
            transport: self.transport,
            namespace: self.namespace,
            progress: self.progress.as_ref(),
            effort: Effort::Files,
        };
        let (sent, sequenced) = tokio::join!(send(&door, chunks), sequenced);
        let sent = sent?;
        match sequenced {
            Ok(Ok(sequenced)) => Ok((sequenced, sent)),
            Ok(Err(Halt::Failed(error))) => Err(error),
            // A thread panicked.
            Ok(Err(Halt::Stopped)) | Err(_) => Err(SnapshotError::Interrupted.into()),
        }
    }
}

fn put_together(mut sequence: Sequence, in_order: &InOrder) -> Result<Sequenced, Halt> {
    while let Some(done) = in_order.next()? {
        sequence.take(done)?;
    }
    sequence.finish()
}

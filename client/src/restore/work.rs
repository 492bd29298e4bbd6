//! Making the files: small ones together with those that share their chunks, large ones part by part.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_formats::blob::Extent;
use holdfast_formats::catalog::Part;
use holdfast_formats::digest::Blake3Digest;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::making::{FileJob, Making, MakingError, OwnNames};
use super::output::LARGE_BYTES_MIN;
use super::pool::{Chunk, Coming, Pool, Trouble};
use super::report::Report;
use crate::blocking;
use crate::error::{ClientError, FileAction};
use crate::progress::SharedProgress;
use crate::tree::folder::Folder;

/// Jobs at once.
const JOBS_MAX: usize = 16;
/// Files of one job.
const BATCH_FILES_MAX: usize = 64;
/// Chunks of one job: with all of them waiting, there is still room for another.
const BATCH_CHUNKS_MAX: usize = 4;
/// A file of more parts is a job of its own, as a large one is.
const SMALL_PARTS_MAX: usize = 2;
/// So much of small files waits in memory for the disk; then the disk begins, while others are made.
const UNFLUSHED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Parts of a large file that wait for their turn.
const PARTS_WAITING: usize = 8;

/// What all who make files share.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) progress: SharedProgress,
    pub(super) names: OwnNames,
    pub(super) report: Arc<Report>,
    pub(super) target: PathBuf,
    /// The target, when something is written.
    pub(super) root: Option<Arc<Folder>>,
    pub(super) trouble: Arc<Trouble>,
    /// Bytes of small files since the last flush.
    pub(super) unflushed: AtomicU64,
}

/// Small files and their chunks.
#[derive(Debug, Default)]
struct Batch {
    files: Vec<FileJob>,
    chunks: Vec<(Blake3Digest, Coming)>,
}

enum LargePart {
    Data(Coming, Extent),
    Hole(u64),
}

/// Makes every file that comes.
pub(super) async fn make_all(
    bench: Arc<Bench>,
    mut pool: Pool,
    mut jobs: mpsc::Receiver<FileJob>,
) -> Result<(), ClientError> {
    let mut running = JoinSet::new();
    let mut batch = Batch::default();
    while let Some(job) = jobs.recv().await {
        while running.len() >= JOBS_MAX {
            joined(running.join_next().await, &bench)?;
        }
        if job.content.size >= LARGE_BYTES_MIN || job.content.parts.len() > SMALL_PARTS_MAX {
            make_large(&bench, &mut pool, job, &mut running).await;
            continue;
        }
        add(&bench, &mut pool, &mut batch, job, &mut running).await;
        if batch.files.len() >= BATCH_FILES_MAX {
            start(&bench, &mut batch, &mut running);
        }
    }
    start(&bench, &mut batch, &mut running);
    while let Some(done) = running.join_next().await {
        joined(Some(done), &bench)?;
    }
    Ok(())
}

/// What the end of a job means for all: nothing, or the end of the restore.
fn joined(
    done: Option<Result<Option<()>, tokio::task::JoinError>>,
    bench: &Bench,
) -> Result<(), ClientError> {
    match done {
        None | Some(Ok(Some(()))) => Ok(()),
        Some(Err(panicked)) if panicked.is_panic() => std::panic::resume_unwind(panicked.into_panic()),
        Some(Ok(None) | Err(_)) => Err(bench.trouble.take().unwrap_or_else(|| {
            ClientError::untrue("catalog", "a file of it needs a chunk that it does not list")
        })),
    }
}

/// Adds a small file to those that are made together; those before it are begun when its chunk is one too many.
async fn add(
    bench: &Arc<Bench>,
    pool: &mut Pool,
    batch: &mut Batch,
    job: FileJob,
    running: &mut JoinSet<Option<()>>,
) {
    let is_known = |batch: &Batch, chunk: &Blake3Digest| batch.chunks.iter().any(|(known, _)| known == chunk);
    let parts: Vec<Blake3Digest> = job.content.parts.iter().filter_map(chunk_of).collect();
    let new = parts.iter().filter(|chunk| !is_known(batch, chunk)).count();
    if batch.chunks.len() + new > BATCH_CHUNKS_MAX {
        start(bench, batch, running);
    }
    for chunk in parts {
        let coming = pool.want(&chunk).await;
        if !is_known(batch, &chunk) {
            batch.chunks.push((chunk, coming));
        }
    }
    batch.files.push(job);
}

const fn chunk_of(part: &Part) -> Option<Blake3Digest> {
    match part {
        Part::Data(extent) => Some(extent.chunk),
        Part::Hole(_) => None,
    }
}

/// Begins to make a batch; what is left behind is empty.
fn start(bench: &Arc<Bench>, batch: &mut Batch, running: &mut JoinSet<Option<()>>) {
    let Batch { files, chunks } = std::mem::take(batch);
    if files.is_empty() {
        return;
    }
    let bench = Arc::clone(bench);
    running.spawn(async move {
        let mut here = Vec::with_capacity(chunks.len());
        for (digest, coming) in chunks {
            here.push((digest, coming.await?));
        }
        blocking::run(move || {
            files.iter().try_for_each(|job| bench.make_small(job, &here))?;
            // Others go on meanwhile, and need what these chunks take.
            drop(here);
            bench.flush_in_time(files.iter().map(|job| job.content.size).sum())
        })
        .await
    });
}

impl Bench {
    /// Flushes now and then, so that the flush at the end finds little left to do.
    fn flush_in_time(&self, bytes: u64) -> Option<()> {
        let unflushed = self.unflushed.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let Some(root) = self.root.as_ref().filter(|_| unflushed >= UNFLUSHED_BYTES_MAX) else {
            return Some(());
        };
        self.unflushed.store(0, Ordering::Relaxed);
        root.sync().map_err(|e| self.trouble.note(ClientError::file(FileAction::Write, &self.target, e))).ok()
    }

    fn make_small(&self, job: &FileJob, chunks: &[(Blake3Digest, Arc<Chunk>)]) -> Option<()> {
        let made = Making::begin(job, &self.names).map_err(MakingError::from).and_then(|mut making| {
            for part in &job.content.parts {
                match part {
                    Part::Hole(length) => making.hole(*length)?,
                    Part::Data(extent) => {
                        let chunk = chunks.iter().find(|(digest, _)| *digest == extent.chunk);
                        making.data(
                            chunk.map(|(_, c)| c.part(extent.offset, extent.length)).unwrap_or_default(),
                        )?;
                    }
                }
            }
            Ok(making)
        });
        let made = made.and_then(|making| making.finish(job));
        let ended = self.note(job, made.map(|undone| self.report.undone(undone)));
        self.progress.advance(job.content.size);
        ended
    }

    /// Notes how a file went; nothing when the restore cannot go on.
    fn note(&self, job: &FileJob, made: Result<(), MakingError>) -> Option<()> {
        match made {
            Ok(()) => {
                let mut report = self.report.with();
                (report.files, report.bytes) = (report.files + 1, report.bytes + job.content.size);
            }
            Err(error) => match error.sort(job, &self.target) {
                Ok(rule) => self.report.failed(&job.path, rule),
                Err(error) => {
                    self.trouble.note(error);
                    return None;
                }
            },
        }
        Some(())
    }

    /// Makes a large file of the parts that come.
    async fn make_large(
        self: Arc<Self>,
        job: Arc<FileJob>,
        mut parts: mpsc::Receiver<LargePart>,
    ) -> Option<()> {
        let (bench, begun) = (Arc::clone(&self), Arc::clone(&job));
        let mut making =
            blocking::run(move || Making::begin(&begun, &bench.names).map_err(MakingError::from)).await;
        while let Some(part) = parts.recv().await {
            let Ok(mut growing) = making else { break };
            let length = match &part {
                LargePart::Hole(length) => *length,
                LargePart::Data(_, extent) => extent.length.into(),
            };
            making = match part {
                LargePart::Hole(length) => {
                    blocking::run(move || growing.hole(length).map(|()| growing).map_err(MakingError::from))
                        .await
                }
                LargePart::Data(coming, extent) => {
                    let chunk = coming.await?;
                    blocking::run(move || {
                        let written = growing.data(chunk.part(extent.offset, extent.length));
                        written.map(|()| growing).map_err(MakingError::from)
                    })
                    .await
                }
            };
            self.progress.advance(length);
        }
        blocking::run(move || {
            let made = making.and_then(|making| making.finish(&job));
            self.note(&job, made.map(|undone| self.report.undone(undone)))
        })
        .await
    }
}

/// Begins a large file, and gives it its parts as there is room for them.
async fn make_large(bench: &Arc<Bench>, pool: &mut Pool, job: FileJob, running: &mut JoinSet<Option<()>>) {
    let (parts, taken) = mpsc::channel(PARTS_WAITING);
    let job = Arc::new(job);
    running.spawn(Arc::clone(bench).make_large(Arc::clone(&job), taken));
    for part in &job.content.parts {
        let part = match part {
            Part::Hole(length) => LargePart::Hole(*length),
            Part::Data(extent) => LargePart::Data(pool.want(&extent.chunk).await, *extent),
        };
        if parts.send(part).await.is_err() {
            return;
        }
    }
}

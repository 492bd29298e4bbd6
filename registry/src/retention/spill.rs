//! Sorting more than memory holds: records of one length, each kept once, in files that are sorted each and read together.
//!
//! Records gather in one buffer. A full buffer is sorted and becomes a file (a *run*); sixteen runs of one level become
//! one of the next. So whatever is put in, in memory there is one buffer, and while runs are read a page of each; and on
//! disk at most about sixteen times what differs. Not durable: a run that ends begins anew.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::SweepError;
use crate::blocking::Blocking;

/// What the buffer of one sorter takes.
const BUFFER_BYTES: usize = 8 * 1024 * 1024;
/// What reading one run takes.
const PAGE_BYTES: usize = 64 * 1024;
/// So many runs of one level become one of the next.
const RUNS_MAX: usize = 16;

/// The folder of all files of one run of the sweeper; it goes with the last clone.
#[derive(Clone, Debug)]
pub(super) struct Scratch(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    made: AtomicU64,
    blocking: Blocking,
}

impl Scratch {
    /// An empty folder in the place of one that an earlier process may have left.
    pub(super) async fn new(path: &Path, blocking: &Blocking) -> Result<Self, SweepError> {
        let fresh = path.to_owned();
        let made = move || {
            match std::fs::remove_dir_all(&fresh) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            std::fs::create_dir_all(&fresh)
        };
        blocking.run(made).await.map_err(|error| scratch_error(path, error))?;
        let (path, blocking) = (path.to_owned(), blocking.clone());
        Ok(Self(Arc::new(Folder { path, made: AtomicU64::new(0), blocking })))
    }

    fn file(&self) -> PathBuf {
        self.0.path.join(self.0.made.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Runs what reads or writes files of the folder where that may block.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, SweepError> {
        self.0.blocking.run(job).await.map_err(|error| scratch_error(&self.0.path, error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Whatever stays is removed before the folder is used again.
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::debug!(%error, "the folder of a sweep stays");
        }
    }
}

fn scratch_error(folder: &Path, source: io::Error) -> SweepError {
    SweepError::Scratch { folder: folder.to_owned(), source }
}

/// A sorted file; it goes with this.
#[derive(Debug)]
struct Run(PathBuf);

impl Drop for Run {
    fn drop(&mut self) {
        // It goes with its folder at the latest.
        drop(std::fs::remove_file(&self.0));
    }
}

/// Records of `N` bytes that are to be read in their order.
#[derive(Debug)]
pub(super) struct Spill<const N: usize> {
    scratch: Scratch,
    buffer: Vec<[u8; N]>,
    room: usize,
    levels: Vec<Vec<Run>>,
}

impl<const N: usize> Spill<N> {
    /// Nothing yet.
    pub(super) fn new(scratch: &Scratch) -> Self {
        Self::with_room(scratch, BUFFER_BYTES / N)
    }

    fn with_room(scratch: &Scratch, room: usize) -> Self {
        Self { scratch: scratch.clone(), buffer: Vec::new(), room, levels: Vec::new() }
    }

    /// Puts records in, in any order.
    pub(super) async fn add(&mut self, mut records: &[[u8; N]]) -> Result<(), SweepError> {
        loop {
            let free = self.room.saturating_sub(self.buffer.len()).min(records.len());
            let (now, later) = records.split_at(free);
            self.buffer.extend_from_slice(now);
            if later.is_empty() {
                return Ok(());
            }
            records = later;
            self.flush().await?;
        }
    }

    /// All of them in order, each once.
    pub(super) async fn sorted(&mut self) -> Result<Sorted<N>, SweepError> {
        let (runs, mut buffer) = (self.paths(), std::mem::take(&mut self.buffer));
        let open = move || {
            buffer.sort_unstable();
            buffer.dedup();
            let runs: Vec<&Path> = runs.iter().map(PathBuf::as_path).collect();
            Ok((Sorted::open(&runs, buffer.clone())?, buffer))
        };
        let (sorted, buffer) = self.scratch.run(open).await?;
        self.buffer = buffer;
        Ok(sorted)
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.levels.iter().flatten().map(|run| run.0.clone()).collect()
    }

    async fn flush(&mut self) -> Result<(), SweepError> {
        let (mut buffer, path) = (std::mem::take(&mut self.buffer), self.scratch.file());
        let written = move || {
            buffer.sort_unstable();
            Run::of(path, Sorted::open(&[], buffer)?)
        };
        let mut run = self.scratch.run(written).await?;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(runs) = self.levels.get_mut(level) else { break };
            runs.push(run);
            if runs.len() < RUNS_MAX {
                break;
            }
            let (full, path) = (std::mem::take(runs), self.scratch.file());
            let merged = move || {
                let paths: Vec<&Path> = full.iter().map(|run| run.0.as_path()).collect();
                Run::of(path, Sorted::<N>::open(&paths, Vec::new())?)
            };
            run = self.scratch.run(merged).await?;
        }
        Ok(())
    }
}

impl Run {
    fn of<const N: usize>(path: PathBuf, mut records: Sorted<N>) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(PAGE_BYTES, File::create(&path)?);
        let run = Self(path);
        while let Some(record) = records.next()? {
            file.write_all(&record)?;
        }
        file.into_inner()?;
        Ok(run)
    }
}

/// Records of several sorted sources in their order, each once. Reading blocks.
#[derive(Debug)]
pub(super) struct Sorted<const N: usize> {
    heads: BinaryHeap<Reverse<([u8; N], usize)>>,
    sources: Vec<Source<N>>,
    last: Option<[u8; N]>,
}

#[derive(Debug)]
enum Source<const N: usize> {
    File(BufReader<File>),
    Memory(std::vec::IntoIter<[u8; N]>),
}

impl<const N: usize> Source<N> {
    fn next(&mut self) -> io::Result<Option<[u8; N]>> {
        let file = match self {
            Self::Memory(records) => return Ok(records.next()),
            Self::File(file) => file,
        };
        let mut record = [0; N];
        let mut filled = 0;
        while let Some(rest) = record.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest)? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
        }
        Ok(Some(record))
    }
}

impl<const N: usize> Sorted<N> {
    /// The files stay readable when they are removed.
    fn open(runs: &[&Path], memory: Vec<[u8; N]>) -> io::Result<Self> {
        let mut sources = vec![Source::Memory(memory.into_iter())];
        for run in runs {
            sources.push(Source::File(BufReader::with_capacity(PAGE_BYTES, File::open(run)?)));
        }
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (at, source) in sources.iter_mut().enumerate() {
            heads.extend(source.next()?.map(|record| Reverse((record, at))));
        }
        Ok(Self { heads, sources, last: None })
    }

    /// The next record.
    pub(super) fn next(&mut self) -> io::Result<Option<[u8; N]>> {
        while let Some(Reverse((record, at))) = self.heads.pop() {
            if let Some(source) = self.sources.get_mut(at) {
                self.heads.extend(source.next()?.map(|record| Reverse((record, at))));
            }
            if self.last.replace(record) != Some(record) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// The next record, left where it is.
    pub(super) fn peek(&self) -> Option<&[u8; N]> {
        self.heads.peek().map(|Reverse((record, _))| record)
    }

    /// The next records, at most so many.
    pub(super) fn some(&mut self, limit: usize) -> io::Result<Vec<[u8; N]>> {
        let mut records = Vec::new();
        while records.len() < limit
            && let Some(record) = self.next()?
        {
            records.push(record);
        }
        Ok(records)
    }
}

/// A record of several parts, in their order. Numbers go in big endian, so that they sort like numbers.
pub(super) fn joined<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut record = [0; N];
    let mut rest = record.as_mut_slice();
    for part in parts {
        let (here, later) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = later;
    }
    debug_assert!(rest.is_empty(), "the parts fill the record");
    record
}

/// A part of a record, whose place and length are constants.
pub(super) fn part<const M: usize>(record: &[u8], at: usize) -> [u8; M] {
    let found = record.get(at..).and_then(|rest| rest.first_chunk());
    *found.expect("parts lie inside of their record")
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    #[tokio::test]
    async fn records_come_back_sorted_and_once_however_many_files_they_fill() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("sweep");
        let scratch = Scratch::new(&folder, &Blocking::new(NonZeroUsize::MIN)).await.expect("a folder");
        // Room for 3 records: 1,000 of them make runs of three levels.
        let mut spill: Spill<2> = Spill::with_room(&scratch, 3);
        let mixed: Vec<[u8; 2]> =
            (0..1000_u32).map(|n| (n * 7919 % 600) as u16).map(u16::to_be_bytes).collect();
        for some in mixed.chunks(7) {
            spill.add(some).await.expect("it is written");
        }
        let mut expected = mixed.clone();
        expected.sort_unstable();
        expected.dedup();
        for _ in 0..2 {
            let mut sorted = spill.sorted().await.expect("it is read");
            assert_eq!(sorted.peek(), expected.first());
            assert_eq!(sorted.some(usize::MAX).expect("it is read"), expected);
        }
        assert!(spill.levels.len() >= 3 && spill.paths().len() < 3 * RUNS_MAX);
        spill.add(&[[255, 255]]).await.expect("more comes");
        let more = spill.sorted().await.expect("it is read").some(usize::MAX).expect("it is read");
        assert_eq!(more.last(), Some(&[255, 255]));
        drop((spill, scratch));
        assert!(!folder.exists(), "nothing stays behind");
    }
}

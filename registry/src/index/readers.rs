//! Reading: a bounded pool of connections, each use one snapshot.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::policy::Policy;
use rusqlite::Connection;
use tokio::sync::watch;

use super::newest::Newest;
use super::swept::Swept;
use super::writer::Writer;
use super::{IndexError, schema};
use crate::blocking::Blocking;

/// Policies are read at every judging and change rarely, so parsed ones are kept by number.
#[derive(Debug, Clone)]
pub(super) struct PolicyCache(Arc<Mutex<BTreeMap<i64, Arc<Policy>>>>);

impl PolicyCache {
    const KEPT: usize = 16;

    fn empty() -> Self {
        Self(Arc::new(Mutex::new(BTreeMap::new())))
    }

    pub(super) fn get(
        &self,
        number: i64,
        load: impl FnOnce() -> Result<Arc<Policy>, IndexError>,
    ) -> Result<Arc<Policy>, IndexError> {
        if let Some(policy) = self.lock().get(&number) {
            return Ok(Arc::clone(policy));
        }
        let policy = load()?;
        let mut kept = self.lock();
        if kept.len() >= Self::KEPT {
            kept.pop_first();
        }
        kept.insert(number, Arc::clone(&policy));
        Ok(policy)
    }

    /// Forgets what an undone transaction may have put here.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<i64, Arc<Policy>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A snapshot of the index: all its answers are of the same moment.
pub struct View<'a> {
    pub(super) connection: &'a Connection,
    pub(super) policies: &'a PolicyCache,
    /// What the newest entry left, where somebody keeps it; else the tables are asked.
    pub(super) newest: Option<&'a Newest>,
    /// The payload that is being judged, when it is known that no earlier entry has it.
    first: Option<Sha256Digest>,
}

impl<'a> View<'a> {
    pub(super) const fn of(
        connection: &'a Connection,
        policies: &'a PolicyCache,
        newest: Option<&'a Newest>,
    ) -> Self {
        View { connection, policies, newest, first: None }
    }

    /// The same, for judging a payload that no earlier entry has: nobody need look for one again.
    #[must_use]
    pub const fn judging_first(mut self, payload: Sha256Digest) -> Self {
        self.first = Some(payload);
        self
    }

    pub(super) fn is_first(&self, payload: &Sha256Digest) -> bool {
        self.first.as_ref() == Some(payload)
    }
}

/// A handle for readers; clones share the pool.
#[derive(Clone)]
pub struct Index {
    pool: Arc<Pool>,
}

struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    policies: PolicyCache,
    swept: Arc<Swept>,
    blocking: Blocking,
    damage: watch::Receiver<u64>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({})", self.pool.path.display())
    }
}

impl Index {
    /// Opens or makes the index file. A damaged file, one of another version and one that was never finished are set aside
    /// and made anew, empty. A new file is read by others only after [`Writer::finish`]. What sweeps have named is told from
    /// all else in about `filter_bytes` of memory.
    pub fn open(path: &Path, blocking: Blocking, filter_bytes: u64) -> Result<(Self, Writer), IndexError> {
        let swept = Arc::new(Swept::of(filter_bytes));
        let is_whole = |tables: &Connection| is_sound(tables) && swept.load(tables).is_ok();
        let opened = match schema::open_for_writing(path) {
            Ok(Some(opened)) if is_whole(&opened.connection) => opened,
            Ok(_) | Err(IndexError::Sqlite(_)) => {
                remove(path);
                schema::open_for_writing(path)?.ok_or(IndexError::Damaged("a new file has tables"))?
            }
            Err(other) => return Err(other),
        };
        let policies = PolicyCache::empty();
        // Readers of their own only see what is committed; the writer's cache must not show them more.
        let (found, damage) = watch::channel(0);
        let writer = Writer::new(opened, PolicyCache::empty(), Arc::clone(&swept), found);
        let idle = Mutex::default();
        let pool = Pool { path: path.to_owned(), idle, policies, swept, blocking, damage };
        Ok((Self { pool: Arc::new(pool) }, writer))
    }

    /// Changes whenever an entry says that something stored is damaged, whichever node logged it.
    pub fn damage(&self) -> watch::Receiver<u64> {
        self.pool.damage.clone()
    }

    /// Runs `job`, which reads a few rows, on a snapshot, on a thread that may block.
    pub async fn read<T, E>(
        &self,
        job: impl FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<IndexError> + Send + 'static,
    {
        let index = self.clone();
        self.pool.blocking.read(move || index.read_now(job)).await
    }

    /// [`read`](Self::read) for a job that may read a whole table: those who read a few rows do not wait for it.
    pub async fn scan<T, E>(
        &self,
        job: impl FnOnce(&View<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<IndexError> + Send + 'static,
    {
        let index = self.clone();
        self.pool.blocking.run(move || index.read_now(job)).await
    }

    /// Runs `job` on a snapshot, on this thread, which must be one that may block.
    pub fn read_now<T, E: From<IndexError>>(
        &self,
        job: impl FnOnce(&View<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = self.take()?;
        let view = View::of(&connection, &self.pool.policies, None);
        let result = in_snapshot(&connection, || job(&view));
        self.lock().push(connection);
        result
    }

    pub(super) fn swept(&self) -> &Swept {
        &self.pool.swept
    }

    fn take(&self) -> Result<Connection, IndexError> {
        // How many exist at most is bounded by how many jobs may block at once.
        let idle = self.lock().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => schema::open_for_reading(&self.pool.path),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_sound(connection: &Connection) -> bool {
    // A whole integrity check takes seconds on a large file; damage that this does not see is found when it is read.
    connection.query_row("SELECT count(*) FROM position", [], |row| row.get::<_, i64>(0)).is_ok()
}

fn remove(path: &Path) {
    tracing::warn!(path = %path.display(), "the index is damaged or of another version, it is made again from the store");
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        if let Err(error) = std::fs::remove_file(&name)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::error!(%error, "the old index cannot be removed");
        }
    }
}

fn in_snapshot<T, E: From<IndexError>>(
    connection: &Connection,
    job: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    connection.prepare_cached("BEGIN").and_then(|mut s| s.execute([])).map_err(IndexError::from)?;
    let result = job();
    connection.prepare_cached("ROLLBACK").and_then(|mut s| s.execute([])).map_err(IndexError::from)?;
    result
}

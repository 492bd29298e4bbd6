//! How far long work is. The library reports, whoever embeds it renders; nothing here prints.

use std::fmt::Debug;
use std::sync::Arc;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Files are cut, hashed and sent.
    Upload,
    /// A tree is walked, and what is new of it sent. The total is that of the snapshot before, so more or less may come.
    Snapshot,
    /// Files are fetched and hashed.
    Download,
    /// Local files are hashed.
    Hash,
    /// Log entries are replayed; counts entries, not bytes.
    Audit,
}

/// Takes reports. Called from several threads; it must return at once.
pub trait Progress: Debug + Send + Sync {
    /// Work of this much begins; 0 when that is not known.
    fn begin(&self, what: Activity, total: u64);
    /// So much more of the total is done.
    fn advance(&self, amount: u64);
    /// So many more files are done.
    fn files(&self, count: u64);
    /// So many more bytes went over the network because the registry did not have them.
    fn sent(&self, bytes: u64);
    /// The work begun last ended, well or not.
    fn finish(&self);
}

/// Whoever takes the reports of one handle.
pub(crate) type SharedProgress = Arc<dyn Progress>;

/// Reports to nobody.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: Activity, _: u64) {}
    fn advance(&self, _: u64) {}
    fn files(&self, _: u64) {}
    fn sent(&self, _: u64) {}
    fn finish(&self) {}
}

/// Calls [`Progress::finish`] when the work is left, by whichever way.
pub(crate) struct Running<'a>(&'a dyn Progress);

impl<'a> Running<'a> {
    pub(crate) fn begin(progress: &'a dyn Progress, what: Activity, total: u64) -> Self {
        progress.begin(what, total);
        Self(progress)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

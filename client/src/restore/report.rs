//! What a restore is asked for, and what it came to.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use holdfast_formats::catalog::TreePath;

use crate::tree::folder::Undone;

/// How many failures are told one by one.
const FAILURES_MAX: usize = 100;

/// What to restore, and how.
#[derive(Debug, Clone)]
pub struct RestoreRequest {
    /// The folder that the root of the tree becomes; made when it is not there.
    pub target: PathBuf,
    /// Only these paths and what is below them; all when there are none.
    pub paths: Vec<TreePath>,
    /// What the target may have in it.
    pub into: RestoreInto,
    /// Changes nothing, and says what would be changed.
    pub dry_run: bool,
    /// Makes FIFOs, devices and sockets, too.
    pub special: bool,
}

/// What a target may have in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreInto {
    /// Nothing.
    Empty,
    /// Anything: what is right stays, the rest is replaced.
    Existing {
        /// Removes what the snapshot does not have.
        delete: bool,
        /// A file of the right size is hashed before it is kept, whatever its time; else its time must be right.
        verify: bool,
    },
}

impl RestoreRequest {
    /// All of a snapshot into a folder that is empty or is not there.
    pub const fn all_into(target: PathBuf) -> Self {
        Self { target, paths: Vec::new(), into: RestoreInto::Empty, dry_run: false, special: false }
    }

    pub(super) const fn is_in_place(&self) -> bool {
        matches!(self.into, RestoreInto::Existing { .. })
    }

    pub(super) const fn deletes(&self) -> bool {
        matches!(self.into, RestoreInto::Existing { delete: true, .. })
    }

    pub(super) const fn verifies(&self) -> bool {
        matches!(self.into, RestoreInto::Existing { verify: true, .. })
    }
}

/// What a restore came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// How many files were written or kept.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them were there already and right.
    pub kept: u64,
    /// How many folders.
    pub folders: u64,
    /// How many symbolic and hard links.
    pub links: u64,
    /// How many FIFOs, devices and sockets were made or kept.
    pub special: u64,
    /// How many FIFOs, devices and sockets were left out, because nobody asked for them.
    pub special_left_out: u64,
    /// How many things were removed because the snapshot does not have them.
    pub removed: u64,
    /// How many things belong to another owner now, for want of rights.
    pub other_owner: u64,
    /// How many extended attributes only an administrator may set, and were not.
    pub privileged_left_out: u64,
    /// How many other extended attributes could not be set.
    pub attributes_left_out: u64,
    /// What a dry run would have changed, sorted by path.
    pub changes: Vec<Change>,
    /// What could not be restored, the first of it.
    pub failures: Vec<RestoreFailure>,
    /// How much of it there is.
    pub failed: u64,
}

impl Restored {
    /// Whether all that was asked for is there.
    pub const fn is_complete(&self) -> bool {
        self.failed == 0 && self.attributes_left_out == 0
    }
}

/// One thing that a restore would change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Where.
    pub path: TreePath,
    /// How.
    pub kind: ChangeKind,
}

/// How something would be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It is not there.
    Create,
    /// Something else is there.
    Replace,
    /// Only mode, owner, time or attributes differ.
    Metadata,
    /// The snapshot does not have it.
    Remove,
}

/// One thing that could not be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreFailure {
    /// Where.
    pub path: TreePath,
    /// Why.
    pub rule: String,
}

/// The report while it grows, shared by all who work.
#[derive(Debug, Default)]
pub(super) struct Report(Mutex<Restored>);

impl Report {
    pub(super) fn with(&self) -> MutexGuard<'_, Restored> {
        // Counters are right after a panic elsewhere, too.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, path: &TreePath, kind: ChangeKind) {
        self.with().changes.push(Change { path: path.clone(), kind });
    }

    pub(super) fn undone(&self, undone: Undone) {
        if undone == Undone::default() {
            return;
        }
        let mut report = self.with();
        report.other_owner += u64::from(undone.owner);
        report.privileged_left_out += u64::from(undone.privileged);
        report.attributes_left_out += u64::from(undone.attributes);
    }

    pub(super) fn failed(&self, path: &TreePath, rule: impl Into<String>) {
        let mut report = self.with();
        report.failed += 1;
        if report.failures.len() < FAILURES_MAX {
            report.failures.push(RestoreFailure { path: path.clone(), rule: rule.into() });
        }
    }

    /// The finished report.
    pub(super) fn take(&self) -> Restored {
        let mut report = std::mem::take(&mut *self.with());
        report.changes.sort();
        report
    }
}

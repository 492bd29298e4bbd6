//! What a snapshot of a tree came to, for people.

use holdfast_formats::catalog::TreePath;

use super::item::Unread;

/// Things that are told one by one; of more than these only the number is known.
const TOLD_MAX: usize = 1_000;

/// What is counted and told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) stats: TreeStats,
    pub(super) unread: Vec<Unread>,
    pub(super) changing: Vec<TreePath>,
}

/// How much a snapshot of a tree was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TreeStats {
    /// Regular files in it.
    pub files: u64,
    /// Directories in it, the root included.
    pub directories: u64,
    /// The bytes of all files.
    pub bytes: u64,
    /// Files that were read, because they are new or changed.
    pub read_files: u64,
    /// Their bytes.
    pub read_bytes: u64,
    /// Bytes of content that the namespace did not have.
    pub new_bytes: u64,
    /// What was sent for them: most of it compressed.
    pub sent_bytes: u64,
    /// Bytes of its chunks that no file of it uses.
    pub waste_bytes: u64,
    /// Things that are missing in it.
    pub unread: u64,
    /// Files that changed each time while they were read.
    pub changing: u64,
}

impl Report {
    pub(super) const fn file(&mut self, size: u64) {
        self.stats.files += 1;
        self.stats.bytes += size;
    }

    pub(super) const fn directory(&mut self) {
        self.stats.directories += 1;
    }

    pub(super) const fn read(&mut self, size: u64) {
        self.stats.read_files += 1;
        self.stats.read_bytes += size;
    }

    pub(super) fn unread(&mut self, unread: Unread) {
        self.stats.unread += 1;
        if self.unread.len() < TOLD_MAX {
            self.unread.push(unread);
        }
    }

    pub(super) fn changing(&mut self, path: TreePath) {
        self.stats.changing += 1;
        if self.changing.len() < TOLD_MAX {
            self.changing.push(path);
        }
    }

    /// The same tree was gone over again: some of its files were read once more, all that was missing still is.
    pub(super) fn after(mut self, before: Self) -> Self {
        let Self { stats, unread, changing } = before;
        self.stats.read_files += stats.read_files;
        self.stats.read_bytes += stats.read_bytes;
        self.stats.unread += stats.unread;
        self.stats.changing += stats.changing;
        self.unread.splice(0..0, unread);
        self.changing.splice(0..0, changing);
        self
    }
}

//! A way through a tree of folders: the open folder of every level, from the root down.

use std::io;
use std::sync::Arc;

use holdfast_formats::catalog::TreePath;

use super::folder::Folder;

/// So many folders at the end of the way stay open; those before them are opened again when the way comes back.
const OPEN_MAX: usize = 64;

/// A folder on the way, with what its user keeps of it.
#[derive(Debug)]
pub(crate) struct Level<T> {
    pub(crate) path: TreePath,
    pub(crate) kept: T,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Open(Arc<Folder>),
    Closed,
    /// It is not there: nothing was to be made, or it could not be made.
    Absent,
}

/// The levels from the root to where the way is.
#[derive(Debug)]
pub(crate) struct Walk<T> {
    levels: Vec<Level<T>>,
}

/// A folder that was left, and its handle when it is there.
pub(crate) type Left<T> = (Level<T>, Option<Arc<Folder>>);

impl<T> Walk<T> {
    /// A way that begins at the root; without one it is absent.
    pub(crate) fn from(root: Option<Arc<Folder>>, kept: T) -> Self {
        let state = root.map_or(State::Absent, State::Open);
        Self { levels: vec![Level { path: TreePath::root(), kept, state }] }
    }

    /// Leaves the newest folder unless `path` is in it. To be asked until it says none.
    pub(crate) fn leave_for(&mut self, path: &TreePath) -> io::Result<Option<Left<T>>> {
        match self.levels.last() {
            Some(level) if self.levels.len() > 1 && !path.is_within(&level.path) => self.leave(),
            _ => Ok(None),
        }
    }

    /// Leaves the newest folder, the root last.
    pub(crate) fn leave(&mut self) -> io::Result<Option<Left<T>>> {
        let folder = self.folder()?;
        Ok(self.levels.pop().map(|level| (level, folder)))
    }

    /// Goes into a folder of the newest one.
    pub(crate) fn descend(&mut self, path: TreePath, folder: Option<Arc<Folder>>, kept: T) {
        let state = folder.map_or(State::Absent, State::Open);
        self.levels.push(Level { path, kept, state });
        // The root stays open: there is no way back to it.
        if let Some(at) = self.levels.len().checked_sub(OPEN_MAX + 1).filter(|at| *at > 0)
            && let Some(level) = self.levels.get_mut(at)
            && matches!(level.state, State::Open(_))
        {
            level.state = State::Closed;
        }
    }

    /// What is kept of the newest folder.
    pub(crate) fn newest(&mut self) -> Option<&mut T> {
        self.levels.last_mut().map(|level| &mut level.kept)
    }

    /// Where the way is.
    pub(crate) fn path(&self) -> TreePath {
        self.levels.last().map_or_else(TreePath::root, |level| level.path.clone())
    }

    /// The newest folder, if it is there.
    pub(crate) fn folder(&mut self) -> io::Result<Option<Arc<Folder>>> {
        let is_closed = |level: &Level<T>| matches!(level.state, State::Closed);
        while self.levels.last().is_some_and(is_closed) {
            let first = self.levels.iter().rposition(|level| !is_closed(level)).map_or(0, |at| at + 1);
            let mut here = match self.levels.get(first.saturating_sub(1)).map(|level| &level.state) {
                Some(State::Open(folder)) => Arc::clone(folder),
                _ => return Ok(None),
            };
            let keep_from = self.levels.len().saturating_sub(OPEN_MAX);
            for (at, level) in self.levels.iter_mut().enumerate().skip(first) {
                here = Arc::new(here.enter(level.path.name())?);
                if at >= keep_from {
                    level.state = State::Open(Arc::clone(&here));
                }
            }
        }
        Ok(self.levels.last().and_then(|level| match &level.state {
            State::Open(folder) => Some(Arc::clone(folder)),
            State::Closed | State::Absent => None,
        }))
    }
}

/// The folder at a path below a root.
pub(crate) fn open_below(root: &Arc<Folder>, path: &TreePath) -> io::Result<Arc<Folder>> {
    let mut here = Arc::clone(root);
    for name in path.names() {
        here = Arc::new(here.enter(name)?);
    }
    Ok(here)
}

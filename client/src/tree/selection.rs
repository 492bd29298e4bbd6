//! The paths of a snapshot that somebody chose.

use holdfast_formats::catalog::TreePath;

use super::TreeError;

/// Some paths and all that is below them; all of a snapshot when there are none.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    chosen: Vec<(TreePath, bool)>,
}

impl Selection {
    pub(crate) fn of(paths: &[TreePath]) -> Self {
        let is_all = paths.iter().any(TreePath::is_root);
        let chosen =
            if is_all { Vec::new() } else { paths.iter().map(|path| (path.clone(), false)).collect() };
        Self { chosen }
    }

    /// Whether everything is chosen.
    pub(crate) const fn is_all(&self) -> bool {
        self.chosen.is_empty()
    }

    /// Whether a path is chosen.
    pub(crate) fn covers(&self, path: &TreePath) -> bool {
        self.is_all() || self.chosen.iter().any(|(chosen, _)| path.is_within(chosen))
    }

    /// Whether the way to something chosen goes through a path.
    pub(crate) fn leads_through(&self, path: &TreePath) -> bool {
        self.chosen.iter().any(|(chosen, _)| chosen.is_within(path))
    }

    /// Notes that a path is in the snapshot.
    pub(crate) fn meet(&mut self, path: &TreePath) {
        for (chosen, met) in &mut self.chosen {
            *met |= chosen == path;
        }
    }

    /// Everything chosen was met.
    pub(crate) fn require_met(&self) -> Result<(), TreeError> {
        match self.chosen.iter().find(|(_, met)| !met) {
            None => Ok(()),
            Some((path, _)) => {
                Err(TreeError::NoSuchPath { path: path.as_bytes().escape_ascii().to_string() })
            }
        }
    }
}

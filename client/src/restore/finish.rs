//! The last reading: links and special files, which nothing is written through any more, then what does not belong there,
//! and each folder's own metadata when all that is in it is done.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use holdfast_formats::catalog::{Metadata, Node, TreePath};

use super::making::{OwnNames, sort};
use super::plan::unsteady;
use super::report::{ChangeKind, Report, RestoreRequest};
use super::survey::Survey;
use crate::catalog::CatalogFile;
use crate::error::ClientError;
use crate::tree::folder::{Folder, Kind, Standing};
use crate::tree::{Level, Walk, open_below, remove_all};

/// Whoever completes the tree.
pub(super) struct Finisher<'a> {
    pub(super) request: &'a RestoreRequest,
    pub(super) survey: &'a Survey,
    pub(super) report: &'a Report,
    pub(super) names: &'a OwnNames,
    pub(super) root: Option<Arc<Folder>>,
    /// Folders that were made only because they lead to something.
    pub(super) made: HashSet<TreePath>,
}

/// What is kept of a folder on the way.
#[derive(Debug)]
struct Kept {
    metadata: Metadata,
    /// Names that the snapshot has in it, when others are looked for.
    names: HashSet<Vec<u8>>,
}

/// What stands where a link or special file goes.
enum Place {
    Free,
    Taken,
    Right { is_dressed: bool },
}

impl Finisher<'_> {
    pub(super) fn run(&self, catalog: &CatalogFile) -> Result<(), ClientError> {
        let mut walk: Option<Walk<Kept>> = None;
        for entry in catalog.entries()? {
            let entry = entry?;
            let Some(walk) = &mut walk else {
                // The first entry of every catalog is the root.
                let Node::Directory(metadata) = entry.node else { continue };
                walk = Some(Walk::from(self.root.clone(), Kept { metadata, names: HashSet::new() }));
                continue;
            };
            while let Some((level, folder)) = walk.leave_for(&entry.path).map_err(|e| self.end(e))? {
                self.leave(&level, folder)?;
            }
            if self.request.is_in_place()
                && let Some(kept) = walk.newest()
            {
                kept.names.insert(entry.path.name().to_vec());
            }
            let is_chosen = self.survey.selection.covers(&entry.path);
            if !is_chosen && !self.survey.selection.leads_through(&entry.path) {
                continue;
            }
            let entry = self.survey.effective(entry);
            let parent = walk.folder().map_err(|e| self.end(e))?;
            match entry.node {
                Node::Directory(metadata) => {
                    // What could not be made was told when it was tried.
                    let folder = parent.and_then(|parent| parent.enter(entry.path.name()).ok()).map(Arc::new);
                    walk.descend(entry.path, folder, Kept { metadata, names: HashSet::new() });
                }
                node if is_chosen => self.leaf(parent, &entry.path, &node)?,
                _ => {}
            }
        }
        let Some(mut walk) = walk else { return Ok(()) };
        while let Some((level, folder)) = walk.leave().map_err(|e| self.end(e))? {
            self.leave(&level, folder)?;
        }
        Ok(())
    }

    /// Completes a folder.
    fn leave(&self, level: &Level<Kept>, folder: Option<Arc<Folder>>) -> Result<(), ClientError> {
        let Some(folder) = folder else { return Ok(()) };
        let is_chosen = self.survey.selection.covers(&level.path);
        let completed = self.clean(&folder, level, is_chosen).and_then(|()| {
            if self.request.dry_run || !(is_chosen || self.made.contains(&level.path)) {
                return Ok(());
            }
            self.report.undone(folder.dress(&level.kept.metadata)?);
            Ok(())
        });
        match completed {
            Ok(()) => Ok(()),
            Err(error) => {
                self.report.failed(&level.path, sort(error, &self.request.target)?);
                Ok(())
            }
        }
    }

    /// Removes what an earlier run left behind, and what does not belong there.
    fn clean(&self, folder: &Arc<Folder>, level: &Level<Kept>, is_chosen: bool) -> io::Result<()> {
        if !self.request.is_in_place() {
            return Ok(());
        }
        for name in folder.names()? {
            if level.kept.names.contains(&name) {
                continue;
            }
            let is_ours = OwnNames::is_leftover(&name);
            let goes = is_ours || (self.request.deletes() && is_chosen);
            if !goes {
                continue;
            }
            let Ok(path) = level.path.join(&name) else { continue };
            if self.request.dry_run {
                self.report.change(&path, ChangeKind::Remove);
                continue;
            }
            remove_all(folder, &name)?;
            self.report.with().removed += u64::from(!is_ours);
        }
        Ok(())
    }

    fn leaf(&self, parent: Option<Arc<Folder>>, path: &TreePath, node: &Node) -> Result<(), ClientError> {
        let kind = match node {
            Node::Directory(_) | Node::File(..) => return Ok(()),
            Node::HardLink(_) | Node::Symlink(..) => None,
            Node::Fifo(_) => Some(Kind::Fifo),
            Node::Socket(_) => Some(Kind::Socket),
            Node::CharacterDevice(_, device) => Some(Kind::Character(*device)),
            Node::BlockDevice(_, device) => Some(Kind::Block(*device)),
        };
        match (kind, self.request.special) {
            (Some(_), false) => {
                self.report.with().special_left_out += 1;
                return Ok(());
            }
            (Some(_), true) => self.report.with().special += 1,
            (None, _) => self.report.with().links += 1,
        }
        let Some(parent) = parent else {
            if self.request.dry_run {
                self.report.change(path, ChangeKind::Create);
            } else {
                self.report.failed(path, "the folder that it is in could not be made");
            }
            return Ok(());
        };
        match self.place(&parent, path, node, kind) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.report.failed(path, sort(error, &self.request.target)?);
                Ok(())
            }
        }
    }

    /// Makes a link or special file beside its place, and moves it there.
    fn place(
        &self,
        parent: &Arc<Folder>,
        path: &TreePath,
        node: &Node,
        kind: Option<Kind>,
    ) -> io::Result<()> {
        let name = path.name();
        let found = self.look(parent, name, node, kind)?;
        if self.request.dry_run {
            match found {
                Place::Free => self.report.change(path, ChangeKind::Create),
                Place::Taken => self.report.change(path, ChangeKind::Replace),
                Place::Right { is_dressed: false } => self.report.change(path, ChangeKind::Metadata),
                Place::Right { is_dressed: true } => {}
            }
            return Ok(());
        }
        if matches!(found, Place::Right { is_dressed: true }) {
            return Ok(());
        }
        let own = self.names.next();
        let made = self.make(parent, &own, node, kind).and_then(|()| match found {
            Place::Free => parent.rename_new(&own, name),
            Place::Taken | Place::Right { .. } => parent.rename(&own, name),
        });
        if made.is_err() {
            // Best effort: the next run in this place removes it.
            let _ = parent.remove(&own);
        }
        made
    }

    fn make(&self, parent: &Folder, own: &[u8], node: &Node, kind: Option<Kind>) -> io::Result<()> {
        match (node, kind) {
            (Node::HardLink(target), _) => {
                let folder = self.folder_of(target)?;
                return parent.link(&folder, target.name(), own);
            }
            (Node::Symlink(_, target), _) => parent.symlink(target, own)?,
            (_, Some(kind)) => parent.special(kind, own)?,
            (_, None) => return Ok(()),
        }
        if let Some(metadata) = node.metadata() {
            self.report.undone(parent.dress_name(own, metadata, kind.unwrap_or(Kind::Symlink))?);
        }
        Ok(())
    }

    /// What stands in the place of a link or special file.
    fn look(&self, parent: &Arc<Folder>, name: &[u8], node: &Node, kind: Option<Kind>) -> io::Result<Place> {
        if !self.request.is_in_place() {
            return Ok(Place::Free);
        }
        let Some(standing) = parent.look(name)? else { return Ok(Place::Free) };
        if standing.kind == Kind::Folder {
            if !self.request.deletes() {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "a folder stands in its place; --delete removes it",
                ));
            }
            if !self.request.dry_run {
                remove_all(parent, name)?;
            }
            return Ok(if self.request.dry_run { Place::Taken } else { Place::Free });
        }
        let is_right = match node {
            Node::HardLink(target) => {
                let linked = self.folder_of(target).and_then(|folder| folder.look(target.name()));
                linked.is_ok_and(|linked| linked.is_some_and(|linked| is_same(&linked, &standing)))
            }
            Node::Symlink(_, target) => {
                standing.kind == Kind::Symlink && parent.target(name).is_ok_and(|found| found == *target)
            }
            _ => kind == Some(standing.kind),
        };
        let is_dressed = node.metadata().is_none_or(|wanted| Folder::is_name_dressed(&standing, wanted));
        Ok(if is_right { Place::Right { is_dressed } } else { Place::Taken })
    }

    fn folder_of(&self, path: &TreePath) -> io::Result<Arc<Folder>> {
        let root = self.root.as_ref().ok_or(io::ErrorKind::NotFound)?;
        open_below(root, &path.parent().unwrap_or_else(TreePath::root))
    }

    fn end(&self, error: io::Error) -> ClientError {
        unsteady(&self.request.target, error)
    }
}

/// Whether both are names of one thing.
fn is_same(one: &Standing, other: &Standing) -> bool {
    one.identity == other.identity && one.identity != (0, 0)
}

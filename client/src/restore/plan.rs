//! The second reading: makes the folders, decides for each file whether what stands there is right, and hands on the rest
//! in the order of the catalog. In a dry run it only says what it would do.

use std::io;
use std::path::Path;
use std::sync::Arc;

use holdfast_formats::catalog::{Entry, FileContent, Metadata, Node, TreePath};
use holdfast_formats::digest::Blake3Digest;
use tokio::sync::mpsc;

use super::making::{FileJob, sort};
use super::report::{ChangeKind, Report, RestoreRequest};
use super::survey::Survey;
use crate::catalog::CatalogFile;
use crate::error::ClientError;
use crate::progress::Progress;
use crate::tree::folder::{Folder, Kind, Standing, dress_file, is_file_dressed, look_at};
use crate::tree::{Walk, remove_all};

/// Whoever reads the catalog and looks at the target.
pub(super) struct Planner<'a> {
    pub(super) request: &'a RestoreRequest,
    pub(super) survey: &'a Survey,
    pub(super) report: &'a Report,
    pub(super) progress: &'a dyn Progress,
    /// Takes the files to make. Nobody takes any in a dry run.
    pub(super) out: mpsc::Sender<FileJob>,
}

/// What stands in a file's place.
enum Found {
    /// Nothing, or something that is replaced.
    Wanting(ChangeKind),
    /// The file, and whether its metadata is right, too.
    Right { is_dressed: bool },
    /// A folder, which is not removed unless somebody says so.
    Folder,
}

impl Planner<'_> {
    /// Reads the catalog to its end. Folders that were made only because they lead to something are returned.
    pub(super) fn run(
        &self,
        catalog: &CatalogFile,
        root: Option<Arc<Folder>>,
    ) -> Result<Vec<TreePath>, ClientError> {
        let (mut walk, mut made) = (Walk::from(root, ()), Vec::new());
        for entry in catalog.entries()? {
            let entry = entry?;
            let is_chosen = self.survey.selection.covers(&entry.path);
            if entry.path.is_root() || !(is_chosen || self.survey.selection.leads_through(&entry.path)) {
                continue;
            }
            let entry = self.survey.effective(entry);
            while walk.leave_for(&entry.path).or_else(|e| self.end(e))?.is_some() {}
            let parent = walk.folder().or_else(|e| self.end(e))?;
            match entry.node {
                Node::Directory(metadata) => {
                    let (folder, is_made) = self.folder(parent, &entry.path, is_chosen, &metadata)?;
                    if is_made && !is_chosen {
                        made.push(entry.path.clone());
                    }
                    walk.descend(entry.path, folder, ());
                }
                Node::File(metadata, content) => {
                    let is_taken = self.file(parent, entry.path, metadata, content)?;
                    if !is_taken {
                        break;
                    }
                }
                _ => {}
            }
        }
        Ok(made)
    }

    /// Opens a folder, made when it is missing. None in a dry run that would make it, or when it cannot be made.
    fn folder(
        &self,
        parent: Option<Arc<Folder>>,
        path: &TreePath,
        is_chosen: bool,
        metadata: &Metadata,
    ) -> Result<(Option<Arc<Folder>>, bool), ClientError> {
        self.report.with().folders += u64::from(is_chosen);
        let Some(parent) = parent else {
            self.absent(path, is_chosen);
            return Ok((None, false));
        };
        let opened = if self.request.dry_run {
            self.look_into(&parent, path, is_chosen, metadata).map(|folder| (folder, false))
        } else {
            self.make(&parent, path).map(|(folder, is_made)| (Some(folder), is_made))
        };
        match opened {
            Ok((folder, is_made)) => Ok((folder.map(Arc::new), is_made)),
            Err(error) => {
                self.report.failed(path, sort(error, &self.request.target)?);
                Ok((None, false))
            }
        }
    }

    /// What a dry run sees of a folder.
    fn look_into(
        &self,
        parent: &Folder,
        path: &TreePath,
        is_chosen: bool,
        metadata: &Metadata,
    ) -> io::Result<Option<Folder>> {
        match parent.look(path.name())? {
            Some(standing) if standing.kind == Kind::Folder => {
                let folder = parent.enter(path.name())?;
                if is_chosen && !folder.is_dressed(metadata)? {
                    self.report.change(path, ChangeKind::Metadata);
                }
                Ok(Some(folder))
            }
            Some(_) => {
                self.report.change(path, ChangeKind::Replace);
                Ok(None)
            }
            None => {
                self.report.change(path, ChangeKind::Create);
                Ok(None)
            }
        }
    }

    fn make(&self, parent: &Folder, path: &TreePath) -> io::Result<(Folder, bool)> {
        let name = path.name();
        match parent.look(name)?.filter(|_| self.request.is_in_place()) {
            Some(standing) if standing.kind == Kind::Folder => {
                let folder = parent.enter(name)?;
                folder.unlock()?;
                return Ok((folder, false));
            }
            Some(_) => parent.remove(name)?,
            None => {}
        }
        // In a target that was empty, whatever stands there has the same name on this system.
        parent.make(name)?;
        Ok((parent.enter(name)?, true))
    }

    /// Hands on a file that is to be made. False when nobody takes it any more.
    fn file(
        &self,
        parent: Option<Arc<Folder>>,
        path: TreePath,
        metadata: Metadata,
        content: FileContent,
    ) -> Result<bool, ClientError> {
        let Some(folder) = parent else {
            self.absent(&path, true);
            return Ok(true);
        };
        let found = if self.request.is_in_place() || self.request.dry_run {
            self.find(&folder, &path, &metadata, &content)
        } else {
            Ok(Found::Wanting(ChangeKind::Create))
        };
        match found {
            Ok(Found::Right { is_dressed }) => {
                self.keep(&path, content.size, is_dressed);
                Ok(true)
            }
            Ok(Found::Folder) if !self.request.deletes() => {
                self.report.failed(&path, "a folder stands in its place; --delete removes it");
                Ok(true)
            }
            Ok(Found::Wanting(kind)) => Ok(self.want(folder, path, metadata, content, kind)),
            Ok(Found::Folder) => {
                if !self.request.dry_run
                    && let Err(error) = remove_all(&folder, path.name())
                {
                    self.report.failed(&path, sort(error, &self.request.target)?);
                    return Ok(true);
                }
                Ok(self.want(folder, path, metadata, content, ChangeKind::Replace))
            }
            Err(error) => {
                self.report.failed(&path, sort(error, &self.request.target)?);
                Ok(true)
            }
        }
    }

    fn want(
        &self,
        folder: Arc<Folder>,
        path: TreePath,
        metadata: Metadata,
        content: FileContent,
        kind: ChangeKind,
    ) -> bool {
        if self.request.dry_run {
            self.report.change(&path, kind);
            return true;
        }
        let replaces = self.request.is_in_place();
        let job = FileJob { path, metadata, content, folder: Some(folder), replaces };
        self.out.blocking_send(job).is_ok()
    }

    fn keep(&self, path: &TreePath, size: u64, is_dressed: bool) {
        self.progress.advance(size);
        if self.request.dry_run && !is_dressed {
            self.report.change(path, ChangeKind::Metadata);
        }
        let mut report = self.report.with();
        (report.files, report.bytes, report.kept) = (report.files + 1, report.bytes + size, report.kept + 1);
    }

    /// Looks at what stands in a file's place, and sets its metadata right when only that is wrong.
    fn find(
        &self,
        folder: &Folder,
        path: &TreePath,
        metadata: &Metadata,
        content: &FileContent,
    ) -> io::Result<Found> {
        let other = Ok(Found::Wanting(ChangeKind::Replace));
        match folder.look(path.name())? {
            None => return Ok(Found::Wanting(ChangeKind::Create)),
            Some(standing) if standing.kind == Kind::Folder => return Ok(Found::Folder),
            Some(standing) if !self.may_be(&standing, path, metadata, content) => return other,
            Some(_) => {}
        }
        // What cannot be read is not known to be right.
        let Ok(mut file) = folder.open(path.name()) else { return other };
        let standing = look_at(&file)?;
        if !self.may_be(&standing, path, metadata, content) {
            return other;
        }
        if self.request.verifies() {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(&mut file)?;
            if Blake3Digest::from_bytes(*hasher.finalize().as_bytes()) != content.blake3 {
                return other;
            }
        }
        let is_dressed = is_file_dressed(&file, &standing, metadata)?;
        if !is_dressed && standing.links > 1 {
            // Its other names may be anybody's: their metadata is not ours to change.
            return other;
        }
        if !is_dressed && !self.request.dry_run {
            self.report.undone(dress_file(&file, metadata)?);
        }
        Ok(Found::Right { is_dressed })
    }

    /// Whether something is the file, as far as can be seen from outside.
    fn may_be(
        &self,
        standing: &Standing,
        path: &TreePath,
        metadata: &Metadata,
        content: &FileContent,
    ) -> bool {
        standing.kind == Kind::File
            && standing.size == content.size
            && (self.request.verifies() || standing.modified == metadata.modified)
            && standing.links <= self.survey.names_of(path)
    }

    /// Something in a folder that is not there.
    fn absent(&self, path: &TreePath, is_chosen: bool) {
        if self.request.dry_run {
            self.report.change(path, ChangeKind::Create);
        } else if is_chosen {
            self.report.failed(path, "the folder that it is in could not be made");
        }
    }

    /// A folder on the way cannot be opened again: it was there a moment ago.
    fn end<T>(&self, error: io::Error) -> Result<T, ClientError> {
        Err(unsteady(&self.request.target, error))
    }
}

/// Somebody else changes the target while it is restored.
pub(super) fn unsteady(target: &Path, error: io::Error) -> ClientError {
    ClientError::file(crate::error::FileAction::Write, target, error)
}

/// Hands on every file of a catalog, to be checked and not written.
pub(super) fn plan_check(catalog: &CatalogFile, out: &mpsc::Sender<FileJob>) -> Result<(), ClientError> {
    for entry in catalog.entries()? {
        let Entry { path, node: Node::File(metadata, content) } = entry? else { continue };
        if out.blocking_send(FileJob { path, metadata, content, folder: None, replaces: false }).is_err() {
            break;
        }
    }
    Ok(())
}

//! Walking a tree in the order of a catalog, beside the catalog of its parent: what did not change is not opened.
//!
//! Holds the names of the directories that it is in and few of their handles, however deep it is. It never follows a
//! symbolic link, and reads no content of files.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use holdfast_formats::catalog::{Entry, Node, TreePath};

use super::describe::{fitting, metadata};
use super::exclude::Excludes;
use super::item::{Item, Place, Source, Unread};
use super::parent::Earlier;
use super::system::{Directory, Look, LookKind, Names, Owners};
use crate::error::ClientError;

/// Open directories on the way to where the walk is; those above are opened again when it comes back.
const OPEN_MAX: usize = 32;

/// A walk.
pub(super) struct Walk {
    excludes: Excludes,
    earlier: Earlier,
    owners: Arc<Owners>,
    /// The directories that it is in, from the root down.
    inside: Vec<Inside>,
    /// Files with more names than one, by identity: the name met first.
    linked: HashMap<(u64, u64), TreePath>,
    waiting: VecDeque<Item>,
}

struct Inside {
    path: TreePath,
    identity: (u64, u64),
    handle: Option<Arc<Directory>>,
    names: std::vec::IntoIter<Vec<u8>>,
}

impl Walk {
    /// Begins at a root that is open.
    pub(super) fn of(root: Directory, excludes: Excludes, earlier: Earlier, owners: Arc<Owners>) -> Self {
        let mut walk = Self {
            excludes,
            earlier,
            owners,
            inside: Vec::new(),
            linked: HashMap::new(),
            waiting: VecDeque::new(),
        };
        walk.enter(TreePath::root(), root);
        walk
    }

    /// Goes into a directory. Its own entry comes first.
    fn enter(&mut self, path: TreePath, directory: Directory) {
        let look = match directory.look_at_itself() {
            Ok(look) => look,
            Err(error) => return self.waiting.push_back(Item::Unread(Unread::failed(&path, &error))),
        };
        let attributes = directory.attributes();
        let Names { names, failure } = directory.names();
        self.describe(&path, &look, attributes, Node::Directory);
        if let Some(error) = failure {
            self.waiting.push_back(Item::Unread(Unread::failed(&path, &error)));
        }
        // The root stays open: from it everything can be found again.
        let far_above = self.inside.len().checked_sub(OPEN_MAX).filter(|at| *at > 0);
        if let Some(inside) = far_above.and_then(|at| self.inside.get_mut(at)) {
            inside.handle = None;
        }
        let handle = Some(Arc::new(directory));
        self.inside.push(Inside { path, identity: look.identity, handle, names: names.into_iter() });
    }

    /// Leaves the directory that was walked last, and sees to it that the one above it is open.
    fn leave(&mut self) {
        let Some(left) = self.inside.pop() else { return };
        let Some(now) = self.inside.last() else { return };
        if now.handle.is_some() {
            return;
        }
        let is_same = |directory: &Directory| {
            directory.look_at_itself().is_ok_and(|look| look.identity == now.identity)
        };
        let above = left.handle.and_then(|left| left.above().ok()).filter(is_same);
        let opened = above.or_else(|| self.open_from_root(&now.path).filter(is_same)).map(Arc::new);
        if opened.is_none() && now.names.len() > 0 {
            let why = "it was moved while it was walked, so what else is in it is not known";
            self.waiting.push_back(Item::Unread(Unread::unfit(&now.path, why)));
        }
        if let Some(now) = self.inside.last_mut() {
            now.handle = opened;
        }
    }

    fn open_from_root(&self, path: &TreePath) -> Option<Directory> {
        let root = self.inside.first()?.handle.as_deref()?;
        let mut names = path.names();
        let first = root.open(names.next()?).ok()?;
        names.try_fold(first, |directory, name| directory.open(name).ok())
    }

    fn visit(
        &mut self,
        directory: &Arc<Directory>,
        inside: &TreePath,
        name: &[u8],
    ) -> Result<(), ClientError> {
        let Ok(path) = inside.join(name) else {
            let why = "something in it has a name or path that is too long";
            self.waiting.push_back(Item::Unread(Unread::unfit(inside, why)));
            return Ok(());
        };
        let look = match directory.look(name) {
            Ok(look) => look,
            Err(error) => {
                self.fail(&path, &error);
                return Ok(());
            }
        };
        if self.excludes.cover(&path, look.kind == LookKind::Directory) {
            return Ok(());
        }
        match look.kind {
            LookKind::Directory => self.visit_directory(directory, path, &look),
            LookKind::File => return self.visit_file(directory, path, &look),
            LookKind::Symlink => match directory.target(name) {
                Ok(target) => {
                    self.describe_named(directory, &path, &look, |metadata| Node::Symlink(metadata, target));
                }
                Err(error) => self.fail(&path, &error),
            },
            LookKind::Fifo => self.describe_named(directory, &path, &look, Node::Fifo),
            LookKind::Socket => self.describe_named(directory, &path, &look, Node::Socket),
            LookKind::CharacterDevice(device) => {
                self.describe_named(directory, &path, &look, |m| Node::CharacterDevice(m, device));
            }
            LookKind::BlockDevice(device) => {
                self.describe_named(directory, &path, &look, |m| Node::BlockDevice(m, device));
            }
            LookKind::Other => {
                let why = "it is neither file, directory, link, pipe, device nor socket";
                self.waiting.push_back(Item::Unread(Unread::unfit(&path, why)));
            }
        }
        Ok(())
    }

    fn visit_directory(&mut self, directory: &Directory, path: TreePath, look: &Look) {
        match directory.open(path.name()) {
            Ok(opened) => self.enter(path, opened),
            Err(error) if is_gone(&error) => {}
            // What is in it cannot be known; that it is there can.
            Err(error) => {
                self.describe(&path, look, Ok(Vec::new()), Node::Directory);
                self.waiting.push_back(Item::Unread(Unread::failed(&path, &error)));
            }
        }
    }

    fn visit_file(
        &mut self,
        directory: &Arc<Directory>,
        path: TreePath,
        look: &Look,
    ) -> Result<(), ClientError> {
        let place = |path| Place { directory: Arc::clone(directory), path, size: look.size, otherwise: None };
        if look.links > 1 {
            if let Some(first) = self.linked.get(&look.identity) {
                let first = first.clone();
                self.waiting.push_back(Item::Link(place(path), first));
                return Ok(());
            }
            self.linked.insert(look.identity, path.clone());
        }
        self.waiting.push_back(match self.earlier.unchanged(&path, look)? {
            Some((attributes, content)) => {
                let node = Node::File(metadata(look, &self.owners, attributes), content);
                Item::Ready(Entry { path, node })
            }
            None => Item::Read(place(path)),
        });
        Ok(())
    }

    /// Describes something that is not opened.
    fn describe_named(
        &mut self,
        directory: &Directory,
        path: &TreePath,
        look: &Look,
        node: impl FnOnce(holdfast_formats::catalog::Metadata) -> Node,
    ) {
        let attributes = directory.attributes_of(path.name());
        self.describe(path, look, attributes, node);
    }

    fn describe(
        &mut self,
        path: &TreePath,
        look: &Look,
        attributes: std::io::Result<Vec<holdfast_formats::catalog::Attribute>>,
        node: impl FnOnce(holdfast_formats::catalog::Metadata) -> Node,
    ) {
        let failure = attributes.as_ref().err().map(|error| Unread::failed(path, error));
        let (attributes, some_left_out) = fitting(attributes.unwrap_or_default());
        let node = node(metadata(look, &self.owners, attributes));
        self.waiting.push_back(Item::Ready(Entry { path: path.clone(), node }));
        let unfit = some_left_out.then(|| Unread::unfit(path, "one of its extended attributes is too large"));
        self.waiting.extend(failure.or(unfit).map(Item::Unread));
    }

    fn fail(&mut self, path: &TreePath, error: &std::io::Error) {
        if !is_gone(error) {
            self.waiting.push_back(Item::Unread(Unread::failed(path, error)));
        }
    }
}

impl Source for Walk {
    fn next(&mut self) -> Result<Option<Item>, ClientError> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(Some(item));
            }
            let Some(inside) = self.inside.last_mut() else { return Ok(None) };
            let next = inside.handle.clone().and_then(|handle| Some((handle, inside.names.next()?)));
            match next {
                Some((directory, name)) => {
                    let path = inside.path.clone();
                    self.visit(&directory, &path, &name)?;
                }
                None => self.leave(),
            }
        }
    }
}

/// Whether something was removed, or became something else, since its directory was listed.
pub(super) fn is_gone(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

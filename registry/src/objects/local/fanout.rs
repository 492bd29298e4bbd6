//! Directories: all of a kind exist, and are durable, before the first object is put into one.
//!
//! A new directory whose parent was never synced would take its synced files with it when the power goes.

use std::fs::create_dir_all;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::{LocalDirectory, durability};
use crate::objects::error::ObjectError;
use crate::objects::key::{Family, ObjectKey};

const TOP_DIRECTORIES: [&str; 8] =
    ["log/commits/0", "log/commits", "log/attachments", "log/tile", "chunks", "blobs", "aliases", "probe"];
const ALGORITHMS: [&str; 2] = ["sha256", "sha512"];

/// What was made and synced in this process's life, and need not be looked at again.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Prepared {
    Directory(PathBuf),
    Namespace(String),
}

/// Makes `directory` and whatever is missing above it, all of it durable, and returns its canonical path.
pub fn make_root(directory: &Path) -> io::Result<PathBuf> {
    let made: Vec<PathBuf> =
        directory.ancestors().take_while(|ancestor| !ancestor.exists()).map(Path::to_owned).collect();
    create_dir_all(directory)?;
    for new in &made {
        let parent = new.parent().filter(|parent| !parent.as_os_str().is_empty());
        durability::sync_directory(parent.unwrap_or(Path::new(".")))?;
    }
    directory.canonicalize()
}

/// Makes and syncs the directories that every store has.
pub(super) fn make_top_directories(root: &Path) -> io::Result<()> {
    for top in TOP_DIRECTORIES {
        create_dir_all(root.join(top))?;
    }
    for top in TOP_DIRECTORIES {
        durability::sync_directory(&root.join(top))?;
    }
    durability::sync_directory(&root.join("log"))?;
    durability::sync_directory(root)
}

impl LocalDirectory {
    /// Makes the directories that `key` needs, once per process.
    pub(super) fn prepare(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        let prepared = match key.family() {
            Family::Derived => return Ok(()),
            Family::Durable => Prepared::Directory(parent_of(&self.target(key), &self.root).to_owned()),
            Family::Namespace(namespace) => Prepared::Namespace(namespace.clone()),
        };
        if self.is_prepared(&prepared) {
            return Ok(());
        }
        let _preparing = self.preparing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_prepared(&prepared) {
            return Ok(());
        }
        match &prepared {
            Prepared::Directory(directory) => self.prepare_directory(key, directory)?,
            Prepared::Namespace(namespace) => self.prepare_namespace(key, namespace)?,
        }
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(prepared);
        Ok(())
    }

    fn is_prepared(&self, prepared: &Prepared) -> bool {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).contains(prepared)
    }

    fn prepare_directory(&self, key: &ObjectKey, directory: &Path) -> Result<(), ObjectError> {
        create_dir_all(directory).map_err(|error| ObjectError::from_io(key.as_str(), error))?;
        for ancestor in directory.ancestors().take_while(|ancestor| ancestor.starts_with(&self.root)) {
            self.durable(key.as_str(), durability::sync_directory(ancestor))?;
        }
        Ok(())
    }

    /// What an earlier process made needs no sync of its own: nothing in it counts as durable before a barrier.
    fn prepare_namespace(&self, key: &ObjectKey, namespace: &str) -> Result<(), ObjectError> {
        let made =
            self.make_namespace(namespace).map_err(|error| ObjectError::from_io(key.as_str(), error))?;
        if made.is_empty() {
            return Ok(());
        }
        for directory in &made {
            self.flush.note(directory);
        }
        self.durable(namespace, self.flush.flush())
    }

    fn make_namespace(&self, namespace: &str) -> io::Result<Vec<PathBuf>> {
        let mut made = Vec::new();
        let mut create = |directory: PathBuf| create_dir_all(&directory).map(|()| made.push(directory));
        for class in ["chunks", "blobs"] {
            let parent = self.root.join(class).join(namespace);
            if parent.join("ff").is_dir() {
                continue;
            }
            create(parent.clone())?;
            (0..=u8::MAX).try_for_each(|fan| create(parent.join(format!("{fan:02x}"))))?;
        }
        for algorithm in ALGORITHMS {
            let directory = self.root.join("aliases").join(namespace).join(algorithm);
            if !directory.is_dir() {
                create(directory)?;
            }
        }
        Ok(made)
    }
}

pub(super) fn parent_of<'a>(target: &'a Path, root: &'a Path) -> &'a Path {
    target.parent().unwrap_or(root)
}

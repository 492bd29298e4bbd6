//! Writing one object: stage, persist as asked, publish under its name.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::{LocalDirectory, durability, uncached};
use crate::objects::error::ObjectError;
use crate::objects::key::ObjectKey;
use crate::objects::store::Created;

/// What happens to an object that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::objects) enum Publish {
    Create,
    Replace,
}

/// What holds when the write returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::objects) enum Persistence {
    /// Bytes and name are on disk.
    Fsynced,
    /// The kernel was told to begin; the next barrier finishes.
    WriteBackStarted,
    /// Whenever the kernel likes.
    Cached,
}

impl LocalDirectory {
    /// Writes `bytes` under `key`; nobody ever sees a part of them.
    pub(in crate::objects) fn write(
        &self,
        key: &ObjectKey,
        bytes: &Bytes,
        publish: Publish,
        persistence: Persistence,
    ) -> Result<Created, ObjectError> {
        if key.is_content() && self.is_reserve_released() {
            return Err(ObjectError::from_io(key.as_str(), ErrorKind::StorageFull.into()));
        }
        self.prepare(key)?;
        let target = self.target(key);
        if publish == Publish::Create && fs::symlink_metadata(&target).is_ok() {
            return self.lost_to_another(key, &target, persistence);
        }
        self.flush.note(&target);
        let created = self.stage_and_publish(key, &target, bytes, publish, persistence);
        match created {
            Ok(Created::New) if persistence == Persistence::Fsynced => {
                self.durable(key.as_str(), durability::sync_parent(&target))?;
            }
            Ok(Created::New) => {}
            Ok(Created::AlreadyExisted) => return self.lost_to_another(key, &target, persistence),
            Err(_) => self.flush.forget(&target),
        }
        created
    }

    fn stage_and_publish(
        &self,
        key: &ObjectKey,
        target: &Path,
        bytes: &Bytes,
        publish: Publish,
        persistence: Persistence,
    ) -> Result<Created, ObjectError> {
        let failed = |error| ObjectError::from_io(key.as_str(), error);
        let mut staged = self.stage(target).map_err(failed)?;
        let uncached = uncached::write_all(&mut staged.file, bytes).map_err(failed)?;
        match persistence {
            Persistence::Fsynced => self.durable(key.as_str(), staged.file.sync_all())?,
            Persistence::WriteBackStarted if !uncached => {
                let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                durability::start_write_back(&staged.file, len);
            }
            Persistence::WriteBackStarted | Persistence::Cached => {}
        }
        staged.publish(target, publish).map_err(failed)
    }

    /// The other writer may have linked its file and not synced it yet: being there is not being durable.
    fn lost_to_another(
        &self,
        key: &ObjectKey,
        target: &Path,
        persistence: Persistence,
    ) -> Result<Created, ObjectError> {
        match persistence {
            Persistence::Fsynced => self.make_durable(key)?,
            Persistence::WriteBackStarted | Persistence::Cached => self.flush.note(target),
        }
        Ok(Created::AlreadyExisted)
    }

    fn stage(&self, target: &Path) -> io::Result<Staged> {
        loop {
            let n = self.staged.fetch_add(1, Ordering::Relaxed);
            let mut name = target.as_os_str().to_owned();
            name.push(format!("#{n}"));
            let path = PathBuf::from(name);
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Staged { file, path: Some(path) }),
                // A leftover of an earlier process: take the next number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == ErrorKind::NotFound => make_parent(&path, error)?,
                Err(error) => return Err(error),
            }
        }
    }
}

/// Only derived objects get here: the directories of all others exist before.
fn make_parent(path: &Path, missing: io::Error) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.exists() => fs::create_dir_all(parent),
        _ => Err(missing),
    }
}

/// A file under its staging name `…#<digits>`, removed unless it was published by renaming.
struct Staged {
    file: File,
    path: Option<PathBuf>,
}

impl Staged {
    fn publish(mut self, target: &Path, publish: Publish) -> io::Result<Created> {
        let Some(path) = self.path.as_deref() else {
            return Ok(Created::AlreadyExisted);
        };
        if publish == Publish::Replace {
            fs::rename(path, target)?;
            self.path = None;
            return Ok(Created::New);
        }
        match durability::publish_new(path, target) {
            Ok(renamed) => {
                if renamed {
                    self.path = None;
                }
                Ok(Created::New)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Created::AlreadyExisted),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let Some(path) = &self.path else { return };
        if let Err(error) = fs::remove_file(path) {
            tracing::warn!(error = %error, "a staging file was left behind; the next sweep of staging files removes it");
        }
    }
}

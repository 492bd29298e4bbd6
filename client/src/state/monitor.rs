//! What a monitor of this log knows, and that there is only one.

use std::fs::{OpenOptions, TryLockError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Lock, State};
use crate::error::{ClientError, FileAction};

const FILE: &str = "monitor.json";

impl State {
    /// Takes the one place of a monitor; held until it is dropped, or the process ends.
    pub(crate) fn lock_monitor(&self) -> Result<Lock, ClientError> {
        let path = self.folder.join("monitor.lock");
        let failed = |e| ClientError::file(FileAction::Lock, &path, e);
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ClientError::MonitorRuns),
            Err(TryLockError::Error(e)) => Err(failed(e)),
        }
    }

    /// What a monitor wrote down last.
    pub(crate) fn monitor<T: DeserializeOwned>(&self) -> Result<Option<T>, ClientError> {
        self.read(FILE)
    }

    /// Writes it down, whole.
    pub(crate) fn keep_monitor(&self, _: &Lock, memory: &impl Serialize) -> Result<(), ClientError> {
        self.write(FILE, memory)
    }
}

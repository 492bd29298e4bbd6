//! Somebody who is lied to: the client library with a folder of its own, opened on whatever address a test says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use holdfast_client::{ClientError, OpenOptions, Places, Registry};
use holdfast_formats::token::Token;
use tempfile::TempDir;

use crate::{TestClock, entries_of};

/// A client with its folder.
pub struct Victim {
    home: TempDir,
    clock: TestClock,
    token: Token,
}

impl Victim {
    /// One whose folder begins as a copy of another one.
    pub fn like(folder: &Path, clock: TestClock, token: Token) -> io::Result<Self> {
        let home = tempfile::tempdir()?;
        for (path, (_, bytes)) in entries_of(folder)? {
            let place = home.path().join(path);
            if let Some(parent) = place.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(place, bytes)?;
        }
        Ok(Self { home, clock, token })
    }

    /// Its folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where it would write what it is asked for.
    pub fn out(&self) -> PathBuf {
        self.home.path().join("out")
    }

    /// A new process that talks to an address and waits for nothing longer than this.
    pub fn open(&self, url: &str, deadline: Duration) -> Result<Registry, ClientError> {
        let options = OpenOptions {
            url: Some(url.to_owned()),
            token: Some(self.token.clone()),
            clock: Arc::new(self.clock.clone()),
            deadline: Some(deadline),
            ..OpenOptions::new()
        };
        Registry::open(&Places::under(self.home.path()), options)
    }

    /// What it remembers of the log.
    pub fn memory(&self) -> io::Result<BTreeMap<String, Vec<u8>>> {
        let mut files = self.files("state")?;
        // Evidence is kept for others; nothing here rests on it.
        files.retain(|path, _| !path.contains("/fork-"));
        Ok(files)
    }

    /// What it was handed out.
    pub fn handed_out(&self) -> io::Result<BTreeMap<String, Vec<u8>>> {
        self.files("out")
    }

    fn files(&self, folder: &str) -> io::Result<BTreeMap<String, Vec<u8>>> {
        let folder = self.home.path().join(folder);
        if !folder.exists() {
            return Ok(BTreeMap::new());
        }
        Ok(entries_of(&folder)?.into_iter().map(|(path, (_, bytes))| (path, bytes)).collect())
    }
}

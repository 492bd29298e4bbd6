//! Folders that are pushed and pulled.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder that goes away with the value.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// An empty folder.
    pub fn empty() -> io::Result<Self> {
        tempfile::tempdir().map(Self)
    }

    /// A folder with one file.
    pub fn with(path: &str, content: impl AsRef<[u8]>) -> io::Result<Self> {
        Self::empty()?.file(path, content)
    }

    /// The same folder with one more file; folders on its way are made.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> io::Result<Self> {
        let place = self.0.path().join(path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(place, content)?;
        Ok(self)
    }

    /// The same folder with one more file that may be run.
    pub fn program(self, path: &str, content: impl AsRef<[u8]>) -> io::Result<Self> {
        let folder = self.file(path, content)?;
        fs::set_permissions(folder.0.path().join(path), fs::Permissions::from_mode(0o755))?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A place in it.
    pub fn join(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }
}

/// Every file below a folder: its path, whether it may be run, and its bytes.
pub fn entries_of(root: &Path) -> io::Result<BTreeMap<String, (bool, Vec<u8>)>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        for item in fs::read_dir(folder)? {
            let item = item?;
            let path = format!("{prefix}{}", item.file_name().to_string_lossy());
            if item.file_type()?.is_dir() {
                waiting.push((item.path(), format!("{path}/")));
            } else {
                let may_run = item.metadata()?.permissions().mode() & 0o100 != 0;
                found.insert(path, (may_run, fs::read(item.path())?));
            }
        }
    }
    Ok(found)
}

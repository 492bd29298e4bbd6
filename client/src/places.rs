//! Where things are on this machine: what is trusted, what is secret, and what was seen.
//!
//! Owns paths only; each file's own module reads and writes it.

use std::env;
use std::path::{Path, PathBuf};

use holdfast_formats::trust::Trust;

use crate::atomic_file::{self, Secrecy};
use crate::error::ClientError;

const FOLDER: &str = ".holdfast";
const TRUST_FILE: &str = "trust.json";
const TRUST_BYTES_MAX: u64 = 1024 * 1024;

/// The files of one user and one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    trust_file: PathBuf,
    config: PathBuf,
    state: PathBuf,
}

impl Places {
    /// Looks where this process runs: below `HOLDFAST_HOME` when that is set. Else `trust.json` is in the nearest
    /// `.holdfast` at or above the working directory (a new one goes to the repository's root), and the rest in the
    /// user's own folders for settings and state.
    pub fn discover() -> Result<Self, ClientError> {
        if let Some(home) = variable("HOLDFAST_HOME") {
            return Ok(Self::under(&home));
        }
        let start = env::current_dir()
            .map_err(|e| ClientError::file(crate::error::FileAction::Read, Path::new("."), e))?;
        Ok(Self {
            trust_file: find_trust(&start)
                .unwrap_or_else(|| repository(&start).join(FOLDER).join(TRUST_FILE)),
            config: user_folder("XDG_CONFIG_HOME", ".config", "APPDATA")
                .unwrap_or_else(|| start.join(FOLDER)),
            state: user_folder("XDG_STATE_HOME", ".local/state", "LOCALAPPDATA")
                .unwrap_or_else(|| start.join(FOLDER).join("state")),
        })
    }

    /// Everything below one folder.
    pub fn under(home: &Path) -> Self {
        Self { trust_file: home.join(TRUST_FILE), config: home.to_owned(), state: home.join("state") }
    }

    /// What this repository trusts.
    pub fn trust_file(&self) -> &Path {
        &self.trust_file
    }

    /// The user's signing key, unless another is named: the record of where it lives when there is one, else `key.pem`.
    pub fn key_file(&self) -> PathBuf {
        let record = self.key_record_file();
        if record.exists() { record } else { self.config.join("key.pem") }
    }

    /// Where the user's signing key lives, when it is not in `key.pem`.
    pub fn key_record_file(&self) -> PathBuf {
        self.config.join("key.json")
    }

    /// The user's tokens, one a log.
    pub fn credentials_file(&self) -> PathBuf {
        self.config.join("credentials.json")
    }

    /// The user's folder for keys and tokens.
    pub fn config_dir(&self) -> &Path {
        &self.config
    }

    /// The user's folder for what was seen of each log.
    pub fn state_dir(&self) -> &Path {
        &self.state
    }

    /// Reads what is trusted.
    pub fn trust(&self) -> Result<Trust, ClientError> {
        let bytes =
            atomic_file::read(&self.trust_file, TRUST_BYTES_MAX)?.ok_or_else(|| ClientError::NoTrust {
                start: self.trust_file.parent().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned(),
            })?;
        Trust::parse(&bytes)
            .map_err(|e| ClientError::FileMalformed { path: self.trust_file.clone(), rule: e.to_string() })
    }

    /// Writes what is trusted from now on.
    pub(crate) fn write_trust(&self, trust: &Trust) -> Result<(), ClientError> {
        let bytes = trust.to_bytes().map_err(|source| ClientError::Encode { what: "trust.json", source })?;
        atomic_file::write(&self.trust_file, &bytes, Secrecy::Open)
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn user_folder(xdg: &str, below_home: &str, windows: &str) -> Option<PathBuf> {
    let windows = if cfg!(windows) { variable(windows) } else { None };
    let base = variable(xdg).or(windows).or_else(|| env::home_dir().map(|home| home.join(below_home)))?;
    Some(base.join("holdfast"))
}

fn find_trust(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(FOLDER).join(TRUST_FILE)).find(|file| file.is_file())
}

fn repository(start: &Path) -> &Path {
    start.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_found_upwards_and_else_goes_to_the_root_of_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir(root.path().join(".git")).unwrap();
        assert_eq!(find_trust(&deep).filter(|p| p.starts_with(root.path())), None);
        assert_eq!(repository(&deep), root.path());
        std::fs::create_dir(root.path().join("a").join(FOLDER)).unwrap();
        let file = root.path().join("a").join(FOLDER).join(TRUST_FILE);
        std::fs::write(&file, b"{}").unwrap();
        assert_eq!(find_trust(&deep), Some(file));
    }

    #[test]
    fn without_trust_the_error_says_to_log_in() {
        let root = tempfile::tempdir().unwrap();
        let error = Places::under(root.path()).trust().unwrap_err();
        assert!(error.to_string().contains("holdfast login"), "{error}");
    }
}

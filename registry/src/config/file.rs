//! `holdfast.toml`: the same settings by the same names as the flags.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::flags::LogFormat;
use super::limits::FileLimits;
use super::scrub::FileScrub;
use super::sweep::FileSweep;

const DEFAULT_FILE: &str = "holdfast.toml";

/// Why the settings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("the settings file {} cannot be read: check --config", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// It is not what it should be. Unknown keys are refused, so that a misspelt limit is no limit lost.
    #[error("the settings file {} has a mistake: correct it and start again", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        #[source]
        source: Box<toml::de::Error>,
    },
}

/// What the file says; `None` where it says nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FileSettings {
    pub(super) listen: Option<SocketAddr>,
    pub(super) external_url: Option<String>,
    pub(super) store: Option<String>,
    pub(super) data: Option<PathBuf>,
    pub(super) keys: Option<PathBuf>,
    pub(super) origin: Option<String>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) witness: Option<Vec<String>>,
    pub(super) limits: Option<FileLimits>,
    pub(super) sweep: Option<FileSweep>,
    pub(super) scrub: Option<FileScrub>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) log_level: Option<String>,
    /// The settings of the command line, which may run in the same folder.
    #[serde(rename = "client")]
    _client: Option<serde::de::IgnoredAny>,
}

impl FileSettings {
    /// Reads the file at `path`, or the default one, which need not exist.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, FileError> {
        let at = path.unwrap_or(Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(at) {
            Ok(text) => Self::parse(&text, at),
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => Self::parse("", at),
            Err(source) => Err(FileError::Unreadable { path: at.to_owned(), source }),
        }
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, FileError> {
        toml::from_str(text)
            .map_err(|source| FileError::Invalid { path: path.to_owned(), source: Box::new(source) })
    }
}

//! Where the settings of a run come from: flags over `HOLDFAST_*` over `holdfast.toml` over defaults.
//!
//! Owns the file and the order. The flags and the environment are read by clap, which knows their order already.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::failure::Failure;
use crate::toml_text::from_toml;

/// The file's name, looked for in the working directory and upward.
pub(crate) const FILE: &str = "holdfast.toml";

/// More than any such file needs; a larger one is a mistake.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Settings that a person may give in three places; what is missing here has a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The registry's address.
    pub(crate) url: Option<String>,
    /// The private key's file.
    pub(crate) key: Option<PathBuf>,
    /// The folder of `trust.json`.
    pub(crate) home: Option<PathBuf>,
}

/// The whole file, as far as it matters here. A registry that runs in the same folder has its settings in it too.
#[derive(Debug, Deserialize)]
struct Document {
    client: Option<Settings>,
    url: Option<IgnoredAny>,
    key: Option<IgnoredAny>,
    home: Option<IgnoredAny>,
}

impl Settings {
    const NONE: Self = Self { url: None, key: None, home: None };

    /// These settings, and where they say nothing the other ones.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { url: self.url.or(other.url), key: self.key.or(other.key), home: self.home.or(other.home) }
    }

    /// The settings of the nearest `holdfast.toml` at or above a folder; none when there is no such file.
    pub(crate) fn nearest(from: &Path) -> anyhow::Result<Self> {
        match from.ancestors().map(|folder| folder.join(FILE)).find(|file| file.is_file()) {
            Some(file) => Self::read(&file),
            None => Ok(Self::NONE),
        }
    }

    fn read(file: &Path) -> anyhow::Result<Self> {
        let shown = file.display();
        let size = std::fs::metadata(file).with_context(|| format!("cannot read {shown}"))?.len();
        if size > FILE_BYTES_MAX {
            return Err(Failure::usage(format!(
                "{shown} has {size} bytes; at most {FILE_BYTES_MAX} are read"
            ))
            .into());
        }
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
        let settings = Self::parse(&text).map_err(|e| {
            Failure::usage(format!("{shown}: {e}")).with_hint("below [client] it may set url, key and home")
        })?;
        Ok(settings.below(file.parent().unwrap_or(file)))
    }

    /// Only the table `client` is ours; the rest of the file is the registry's.
    fn parse(text: &str) -> Result<Self, String> {
        let document: Document = from_toml(text)?;
        match [("url", document.url), ("key", document.key), ("home", document.home)]
            .iter()
            .find(|(_, found)| found.is_some())
        {
            Some((name, _)) => Err(format!("'{name}' belongs below [client]")),
            None => Ok(document.client.unwrap_or(Self::NONE)),
        }
    }

    /// Relative paths of the file are meant from its folder.
    fn below(self, folder: &Path) -> Self {
        let join = |path: PathBuf| folder.join(path);
        Self { url: self.url, key: self.key.map(join), home: self.home.map(join) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::parse(text).unwrap()
    }

    #[test]
    fn what_is_given_nearer_wins_field_by_field() {
        let flags = settings("[client]\nurl = \"https://a.example\"");
        let file = settings("[client]\nurl = \"https://b.example\"\nkey = \"k.pem\"");
        let both = flags.or(file);
        assert_eq!(both.url.as_deref(), Some("https://a.example"));
        assert_eq!(both.key, Some("k.pem".into()));
        assert_eq!(both.home, None);
    }

    #[test]
    fn the_nearest_file_counts_and_its_paths_are_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(folder.path().join(FILE), "[client]\nhome = \"trust\"").unwrap();
        assert_eq!(Settings::nearest(&deep).unwrap().home, Some(folder.path().join("trust")));
    }

    #[test]
    fn an_unknown_or_misplaced_setting_is_refused() {
        assert!(Settings::parse("[client]\ntoken = \"hft_x\"").is_err());
        assert!(Settings::parse("url = \"https://a.example\"").unwrap_err().contains("[client]"));
    }

    #[test]
    fn the_settings_of_a_registry_in_the_same_file_are_left_to_it() {
        let both = settings(
            "listen = \"127.0.0.1:7420\"\n[limits]\nconnections = 5\n[client]\nurl = \"https://a.example\"",
        );
        assert_eq!(both.url.as_deref(), Some("https://a.example"));
        assert_eq!(settings("listen = \"127.0.0.1:7420\""), Settings::NONE);
    }
}

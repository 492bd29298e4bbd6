//! What an operator can change without a build: `config.toml` and `flags.json`. Unknown keys are refused.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// `config.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) currency: String,
    pub(crate) quantity_max: i64,
}

/// `flags.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flags {
    pub(crate) accept_orders: bool,
}

impl Config {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        toml::from_str(&text(path)?).with_context(|| format!("{} is not the shop's config", path.display()))
    }
}

impl Flags {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        serde_json::from_str(&text(path)?)
            .with_context(|| format!("{} are not the shop's flags", path.display()))
    }
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

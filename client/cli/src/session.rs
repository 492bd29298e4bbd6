//! What one run works with: its output, its settings, and the registry that these lead to.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use holdfast_client::{Clock as _, OpenOptions, Places, Registry, SystemClock};
use holdfast_formats::time::Timestamp;
use holdfast_formats::token::Token;

use crate::config::Settings;
use crate::output::Output;
use crate::progress;

/// One run of the command.
#[derive(Debug)]
pub(crate) struct Session {
    output: Output,
    settings: Settings,
    token: Option<Token>,
}

impl Session {
    /// Completes the settings of the command line from the nearest `holdfast.toml`.
    pub(crate) fn new(output: Output, given: Settings) -> anyhow::Result<Self> {
        let folder = std::env::current_dir().context("cannot tell the working directory")?;
        let settings = given.or(Settings::nearest(&folder)?);
        Ok(Self { output, settings, token: token()? })
    }

    /// Where answers and notes go.
    pub(crate) const fn output(&self) -> &Output {
        &self.output
    }

    /// Where trust, keys and memory are.
    pub(crate) fn places(&self) -> anyhow::Result<Places> {
        Ok(match &self.settings.home {
            Some(home) => Places::under(home),
            None => Places::discover()?,
        })
    }

    /// The file of the signing key.
    pub(crate) fn key_file(&self) -> anyhow::Result<PathBuf> {
        match &self.settings.key {
            Some(file) => Ok(file.clone()),
            None => Ok(self.places()?.key_file()),
        }
    }

    /// The key file that was named, when one was.
    pub(crate) fn named_key_file(&self) -> Option<PathBuf> {
        self.settings.key.clone()
    }

    /// The registry, opened without asking it anything.
    pub(crate) fn registry(&self) -> anyhow::Result<Registry> {
        Ok(Registry::open(&self.places()?, self.options())?)
    }

    /// What is set otherwise than the places say.
    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions {
            url: self.settings.url.clone(),
            token: self.token.clone(),
            key_file: self.settings.key.clone(),
            progress: progress::shown_on(&self.output),
            clock: Arc::new(SystemClock),
            ..OpenOptions::new()
        }
    }

    /// The time of this machine.
    pub(crate) fn now() -> Timestamp {
        SystemClock.now()
    }
}

/// The token of the environment. There is no flag for it: other users can read a command line.
fn token() -> anyhow::Result<Option<Token>> {
    match std::env::var("HOLDFAST_TOKEN") {
        Ok(text) if !text.is_empty() => {
            Ok(Some(text.trim().parse().context("HOLDFAST_TOKEN is not usable")?))
        }
        _ => Ok(None),
    }
}

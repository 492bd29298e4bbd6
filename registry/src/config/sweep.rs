//! How a node sweeps by itself.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::ConfigError;
use super::written::parse_duration;

const DAY: Duration = Duration::from_hours(24);

/// When, and what is old enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepConfig {
    /// How often; `None`: only when somebody asks for it.
    pub every: Option<Duration>,
    /// How old an object must be that nothing refers to.
    pub grace: Duration,
}

impl SweepConfig {
    /// Only when somebody asks for it.
    pub const NEVER: Self = Self { every: None, grace: DAY };
}

/// The same as flags.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sweeping")]
pub struct SweepFlags {
    /// How often what nothing keeps any longer is swept, such as 1d or 12h; 0 for never [default: 1d]
    #[arg(long, env = "HOLDFAST_SWEEP_EVERY", value_name = "DURATION")]
    pub sweep_every: Option<String>,
    /// How old stored content must be that nothing refers to: longer than uploads take [default: 1d]
    #[arg(long, env = "HOLDFAST_SWEEP_GRACE", value_name = "DURATION")]
    pub sweep_grace: Option<String>,
}

/// The same as the table `[sweep]` of the settings file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FileSweep {
    every: Option<String>,
    grace: Option<String>,
}

impl SweepConfig {
    pub(super) fn merge(flags: &SweepFlags, file: Option<&FileSweep>) -> Result<Self, ConfigError> {
        let every = flags.sweep_every.as_ref().or(file.and_then(|file| file.every.as_ref()));
        let grace = flags.sweep_grace.as_ref().or(file.and_then(|file| file.grace.as_ref()));
        let every = duration("sweep-every", every)?;
        Ok(Self { every: (!every.is_zero()).then_some(every), grace: duration("sweep-grace", grace)? })
    }
}

fn duration(name: &'static str, text: Option<&String>) -> Result<Duration, ConfigError> {
    let Some(text) = text else { return Ok(DAY) };
    parse_duration(text).ok_or_else(|| ConfigError::Duration { name, text: text.clone() })
}

//! How a node reads back by itself what is stored.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::ConfigError;
use super::written::{parse_bytes, parse_duration};

const DEFAULT_EVERY: Duration = Duration::from_hours(30 * 24);
const DEFAULT_RATE: u64 = 64 * 1024 * 1024;

/// When, and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrubConfig {
    /// How often every artifact is read back; `None`: only when somebody asks for it.
    pub every: Option<Duration>,
    /// How many bytes a second; `None`: as many as it can.
    pub bytes_per_s: Option<NonZeroU64>,
}

impl ScrubConfig {
    /// Only when somebody asks for it.
    pub const NEVER: Self = Self { every: None, bytes_per_s: None };
}

/// The same as flags.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Scrubbing")]
pub struct ScrubFlags {
    /// How often everything that is stored is read back, such as 30d or 12h; 0 for never [default: 30d]
    #[arg(long, env = "HOLDFAST_SCRUB_EVERY", value_name = "DURATION")]
    pub scrub_every: Option<String>,
    /// How many bytes a second that reads, such as 50M; 0 for as many as it can [default: 64M]
    #[arg(long, env = "HOLDFAST_SCRUB_RATE", value_name = "BYTES")]
    pub scrub_rate: Option<String>,
}

/// The same as the table `[scrub]` of the settings file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FileScrub {
    every: Option<String>,
    rate: Option<String>,
}

impl ScrubConfig {
    pub(super) fn merge(flags: &ScrubFlags, file: Option<&FileScrub>) -> Result<Self, ConfigError> {
        let every = flags.scrub_every.as_ref().or(file.and_then(|file| file.every.as_ref()));
        let rate = flags.scrub_rate.as_ref().or(file.and_then(|file| file.rate.as_ref()));
        let every = every.map_or(Ok(DEFAULT_EVERY), |text| {
            parse_duration(text)
                .ok_or_else(|| ConfigError::Duration { name: "scrub-every", text: text.clone() })
        })?;
        let rate = rate.map_or(Ok(DEFAULT_RATE), |text| {
            parse_bytes(text).ok_or_else(|| ConfigError::ScrubRate { text: text.clone() })
        })?;
        Ok(Self { every: (!every.is_zero()).then_some(every), bytes_per_s: NonZeroU64::new(rate) })
    }
}

//! How a node reads back by itself what is stored.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::ConfigError;

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

/// A length of time as a person writes it: `30d` or `12h`, or 0.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    if text.trim() == "0" { Some(Duration::ZERO) } else { humantime::parse_duration(text).ok() }
}

/// A number of bytes as a person writes it: `5000000`, `50M` or `50MiB`. The letters stand for powers of 1024.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let shift = match unit {
        "" | "B" => 0,
        "K" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_people_write_them() {
        let cases = [("0", Some(0)), ("17", Some(17)), ("50M", Some(50 << 20)), (" 1GiB ", Some(1 << 30))];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
        for text in ["", "M", "-1", "1.5M", "50 M", "50MB/s", "99999999999G"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }
}

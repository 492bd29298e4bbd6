//! How much a node may take. Memory and time are bounded here, not by what clients send.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::ConfigError;

const MIB: u64 = 1024 * 1024;

/// The limits of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of request bodies, chunks and records held at a time.
    pub memory_bytes: u64,
    /// Connections open at a time.
    pub connections_max: NonZeroUsize,
    /// Blocking jobs at a time: file system, hashing, SQLite.
    pub blocking_max: NonZeroUsize,
    /// For a request body of at most 1 MiB.
    pub body_deadline: Duration,
    /// For a request body beyond that.
    pub upload_deadline: Duration,
    /// From the signal to the end.
    pub drain_deadline: Duration,
    /// How often one caller may ask.
    pub rates: RequestRates,
}

/// How many requests a second one caller may make; `None`: as many as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRates {
    /// An address that shows no valid token.
    pub strangers: Option<NonZeroU32>,
    /// The bearer of one grant.
    pub grants: Option<NonZeroU32>,
}

impl RequestRates {
    /// No limits.
    pub const UNLIMITED: Self = Self { strangers: None, grants: None };
}

/// The limits as flags.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitFlags {
    /// Memory for bodies and chunks in MiB [default: 128]
    #[arg(long, env = "HOLDFAST_MEMORY_MIB", value_name = "MIB")]
    pub memory_mib: Option<u64>,
    /// Connections at a time; one more takes the place of a silent one [default: 10240]
    #[arg(long, env = "HOLDFAST_CONNECTIONS_MAX", value_name = "N")]
    pub connections_max: Option<usize>,
    /// Blocking jobs at a time [default: 64]
    #[arg(long, env = "HOLDFAST_BLOCKING_MAX", value_name = "N")]
    pub blocking_max: Option<usize>,
    /// Seconds for a request body of at most 1 MiB [default: 30]
    #[arg(long, env = "HOLDFAST_BODY_DEADLINE_S", value_name = "SECONDS")]
    pub body_deadline_s: Option<u64>,
    /// Seconds for a larger request body [default: 600]
    #[arg(long, env = "HOLDFAST_UPLOAD_DEADLINE_S", value_name = "SECONDS")]
    pub upload_deadline_s: Option<u64>,
    /// Seconds from SIGTERM to the end [default: 20]
    #[arg(long, env = "HOLDFAST_DRAIN_DEADLINE_S", value_name = "SECONDS")]
    pub drain_deadline_s: Option<u64>,
    /// Requests a second of one address without a valid token, five times as many at once; 0 for no limit [default: 200]
    #[arg(long, env = "HOLDFAST_STRANGER_REQUESTS_PER_S", value_name = "N")]
    pub stranger_requests_per_s: Option<u32>,
    /// Requests a second with one token, five times as many at once; 0 for no limit [default: 0]
    #[arg(long, env = "HOLDFAST_TOKEN_REQUESTS_PER_S", value_name = "N")]
    pub token_requests_per_s: Option<u32>,
}

/// The limits as the table `[limits]` of the settings file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FileLimits {
    memory_mib: Option<u64>,
    connections_max: Option<usize>,
    blocking_max: Option<usize>,
    body_deadline_s: Option<u64>,
    upload_deadline_s: Option<u64>,
    drain_deadline_s: Option<u64>,
    stranger_requests_per_s: Option<u32>,
    token_requests_per_s: Option<u32>,
}

impl Limits {
    pub(super) fn merge(flags: &LimitFlags, file: Option<&FileLimits>) -> Result<Self, ConfigError> {
        let memory_mib = flags.memory_mib.or(file.and_then(|file| file.memory_mib));
        let connections = flags.connections_max.or(file.and_then(|file| file.connections_max));
        let blocking = flags.blocking_max.or(file.and_then(|file| file.blocking_max));
        let body = flags.body_deadline_s.or(file.and_then(|file| file.body_deadline_s));
        let upload = flags.upload_deadline_s.or(file.and_then(|file| file.upload_deadline_s));
        let strangers = flags.stranger_requests_per_s.or(file.and_then(|file| file.stranger_requests_per_s));
        let tokens = flags.token_requests_per_s.or(file.and_then(|file| file.token_requests_per_s));
        let drain = flags.drain_deadline_s.or(file.and_then(|file| file.drain_deadline_s));
        Ok(Self {
            memory_bytes: at_least_one("memory-mib", memory_mib.unwrap_or(128))?.saturating_mul(MIB),
            connections_max: count("connections-max", connections.unwrap_or(10_240))?,
            blocking_max: count("blocking-max", blocking.unwrap_or(64))?,
            body_deadline: seconds("body-deadline-s", body.unwrap_or(30))?,
            upload_deadline: seconds("upload-deadline-s", upload.unwrap_or(600))?,
            drain_deadline: seconds("drain-deadline-s", drain.unwrap_or(20))?,
            rates: RequestRates {
                strangers: NonZeroU32::new(strangers.unwrap_or(200)),
                grants: NonZeroU32::new(tokens.unwrap_or(0)),
            },
        })
    }
}

fn at_least_one(name: &'static str, value: u64) -> Result<u64, ConfigError> {
    if value == 0 { Err(ConfigError::ZeroLimit { name }) } else { Ok(value) }
}

fn seconds(name: &'static str, value: u64) -> Result<Duration, ConfigError> {
    at_least_one(name, value).map(Duration::from_secs)
}

fn count(name: &'static str, value: usize) -> Result<NonZeroUsize, ConfigError> {
    NonZeroUsize::new(value).ok_or(ConfigError::ZeroLimit { name })
}

//! The flags of `serve`, each with its environment variable.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Deserialize;

use super::limits::LimitFlags;
use super::scrub::ScrubFlags;
use super::sweep::SweepFlags;

/// What the command line and the environment say; `None` where they say nothing.
#[derive(Args, Clone, Debug)]
pub struct ServeFlags {
    /// Settings file [default: ./holdfast.toml when it exists]
    #[arg(long, env = "HOLDFAST_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:7420]
    #[arg(long, env = "HOLDFAST_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// URL under which clients reach this node [default: the address it listens on]
    #[arg(long, env = "HOLDFAST_EXTERNAL_URL", value_name = "URL")]
    pub external_url: Option<String>,
    /// Where objects live: a directory, or a bucket as `s3://BUCKET/PREFIX`, `gs://…`, `az://…` [default: DATA/objects]
    ///
    /// Credentials and endpoints of buckets come from the environment, for S3 from AWS_*.
    #[arg(long, env = "HOLDFAST_STORE", value_name = "STORE")]
    pub store: Option<String>,
    /// Directory for what this node keeps for itself [default: ./holdfast-data]
    #[arg(long, env = "HOLDFAST_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Directory of the registry's keys; a bucket store needs it, `holdfast-registry keys` makes them [default: DATA/keys]
    #[arg(long, env = "HOLDFAST_KEYS", value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Origin of a log that is to be started; an existing log has its own
    #[arg(long, env = "HOLDFAST_ORIGIN", value_name = "NAME")]
    pub origin: Option<String>,
    /// Certificate chain in PEM; with --tls-key it turns TLS on
    #[arg(long, env = "HOLDFAST_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key in PEM
    #[arg(long, env = "HOLDFAST_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Witness to ask for cosignatures, as 'URL VKEY' (C2SP tlog-witness); may be given several times
    ///
    /// In `HOLDFAST_WITNESS` several are separated by commas; in the settings file it is a list.
    #[arg(long, env = "HOLDFAST_WITNESS", value_name = "URL VKEY", value_delimiter = ',')]
    pub witness: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become the heading of the flags above")]
    pub limits: LimitFlags,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become the heading of the flags above")]
    pub sweep: SweepFlags,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become the heading of the flags above")]
    pub scrub: ScrubFlags,
    /// How log lines look [default: text]
    #[arg(long, env = "HOLDFAST_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Which log lines there are: error, warn, info, debug, trace, or a filter by module [default: info]
    #[arg(long, env = "HOLDFAST_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One line for people to read.
    Text,
    /// One JSON object a line.
    Json,
}

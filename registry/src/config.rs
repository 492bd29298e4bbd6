//! What a node is told: flags over `HOLDFAST_*` over `holdfast.toml` over defaults.
//!
//! It decides what the settings are, never what follows from them. A [`ServeConfig`] is complete: nobody further up knows
//! a default. Imports nothing of the registry.

mod file;
mod flags;
mod limits;
mod location;
mod scrub;
mod sweep;
mod witness;
mod written;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

pub use file::FileError;
pub use flags::{LogFormat, ServeFlags};
pub use limits::{LimitFlags, Limits, RequestRates};
pub use location::{Cloud, InvalidLocation, StoreLocation};
pub use scrub::{ScrubConfig, ScrubFlags};
pub use sweep::{SweepConfig, SweepFlags};
pub use witness::{InvalidWitness, WitnessConfig};
pub use written::parse_bytes;

use file::FileSettings;
use witness::WITNESSES_MAX;

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7420);
const DEFAULT_DATA: &str = "./holdfast-data";
const DEFAULT_LOG_LEVEL: &str = "info";

/// Everything that `serve` is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The URL under which clients reach this node, without a slash at its end; `None`: the address it listens on.
    pub external_url: Option<String>,
    /// Where objects live.
    pub store: StoreLocation,
    /// The directory of what this node keeps for itself; `index.sqlite` lies in it.
    pub data: PathBuf,
    /// The directory of the registry's keys, outside the store.
    pub keys: PathBuf,
    /// The origin of a log that is to be started; an existing log has its own.
    pub origin: Option<String>,
    /// Certificate and key; `None`: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// The witnesses that are asked to cosign checkpoints.
    pub witnesses: Vec<WitnessConfig>,
    /// How it sweeps by itself.
    pub sweep: SweepConfig,
    /// How much this node may take.
    pub limits: Limits,
    /// When it reads back by itself what is stored.
    pub scrub: ScrubConfig,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines there are: a level, or a filter by module.
    pub log_level: String,
}

/// Where certificate chain and key lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain in PEM, the server's certificate first.
    pub certificates: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
}

/// Why the settings make no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store cannot be understood.
    #[error(transparent)]
    Store(#[from] InvalidLocation),
    /// One of two that belong together.
    #[error("--tls-cert and --tls-key belong together: give both, or neither for plain HTTP")]
    HalfOfTls,
    /// Keys are made on a local store only.
    #[error("a shared store needs --keys DIR: make the keys once, and give every node the same")]
    NoKeys,
    /// Whoever reads the store would read the keys.
    #[error("--keys {} lies inside the store: choose a directory outside it", keys.display())]
    KeysInStore {
        /// The directory as configured.
        keys: PathBuf,
    },
    /// The URL is none.
    #[error("--external-url {url:?} is no base URL: write for example https://holdfast.example")]
    ExternalUrl {
        /// The URL as configured.
        url: String,
    },
    /// A witness cannot be understood.
    #[error(transparent)]
    Witness(#[from] InvalidWitness),
    /// One key for two witnesses.
    #[error("two --witness settings have the key of {name}: name each witness once")]
    WitnessTwice {
        /// The name of the key.
        name: String,
    },
    /// More than anybody needs.
    #[error("at most {WITNESSES_MAX} witnesses can be asked")]
    WitnessesMany,
    /// A duration cannot be understood.
    #[error("--{name} {text:?} is no duration: write for example 12h or 1d")]
    Duration {
        /// The setting.
        name: &'static str,
        /// As configured.
        text: String,
    },
    /// A rate that is none.
    #[error("--scrub-rate {text:?} is no number of bytes: write for example 50M, or 0 for no limit")]
    ScrubRate {
        /// As configured.
        text: String,
    },
    /// A limit of zero.
    #[error("{name} must be at least 1")]
    ZeroLimit {
        /// The setting.
        name: &'static str,
    },
}

impl ServeConfig {
    /// Merges `flags` (and the environment, which they have taken in) with the file that they name.
    pub fn load(flags: ServeFlags) -> Result<Self, ConfigError> {
        let file = FileSettings::read(flags.config.as_deref())?;
        Self::merge(flags, file)
    }

    /// Only a node that serves asks witnesses and works by itself.
    pub fn serves_nobody(&mut self) {
        self.witnesses.clear();
        self.scrub = ScrubConfig::NEVER;
        self.sweep.every = None;
    }

    fn merge(flags: ServeFlags, file: FileSettings) -> Result<Self, ConfigError> {
        let data = flags.data.or(file.data).unwrap_or_else(|| PathBuf::from(DEFAULT_DATA));
        let store = match flags.store.or(file.store) {
            Some(text) => text.parse()?,
            None => StoreLocation::Directory(data.join("objects")),
        };
        let keys = keys_directory(flags.keys.or(file.keys), &data, &store)?;
        Ok(Self {
            listen: flags.listen.or(file.listen).unwrap_or(DEFAULT_LISTEN),
            external_url: flags.external_url.or(file.external_url).map(base_url).transpose()?,
            origin: flags.origin.or(file.origin),
            tls: tls(flags.tls_cert.or(file.tls_cert), flags.tls_key.or(file.tls_key))?,
            witnesses: witnesses(flags.witness, file.witness)?,
            sweep: SweepConfig::merge(&flags.sweep, file.sweep.as_ref())?,
            limits: Limits::merge(&flags.limits, file.limits.as_ref())?,
            scrub: ScrubConfig::merge(&flags.scrub, file.scrub.as_ref())?,
            log_format: flags.log_format.or(file.log_format).unwrap_or(LogFormat::Text),
            log_level: flags.log_level.or(file.log_level).unwrap_or_else(|| DEFAULT_LOG_LEVEL.to_owned()),
            store,
            data,
            keys,
        })
    }
}

fn keys_directory(
    given: Option<PathBuf>,
    data: &Path,
    store: &StoreLocation,
) -> Result<PathBuf, ConfigError> {
    let keys = match (given, store) {
        (Some(keys), _) => keys,
        (None, StoreLocation::Bucket { .. }) => return Err(ConfigError::NoKeys),
        (None, StoreLocation::Directory(_) | StoreLocation::Memory) => data.join("keys"),
    };
    match store {
        StoreLocation::Directory(directory) if keys.starts_with(directory) => {
            Err(ConfigError::KeysInStore { keys })
        }
        StoreLocation::Directory(_) | StoreLocation::Bucket { .. } | StoreLocation::Memory => Ok(keys),
    }
}

fn tls(certificates: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<TlsFiles>, ConfigError> {
    match (certificates, key) {
        (Some(certificates), Some(key)) => Ok(Some(TlsFiles { certificates, key })),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(ConfigError::HalfOfTls),
    }
}

fn witnesses(flags: Vec<String>, file: Option<Vec<String>>) -> Result<Vec<WitnessConfig>, ConfigError> {
    let texts = if flags.is_empty() { file.unwrap_or_default() } else { flags };
    let parsed: Vec<WitnessConfig> = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    if parsed.len() > WITNESSES_MAX {
        return Err(ConfigError::WitnessesMany);
    }
    for (at, witness) in parsed.iter().enumerate() {
        if parsed.iter().skip(at + 1).any(|other| other.key.key() == witness.key.key()) {
            return Err(ConfigError::WitnessTwice { name: witness.key.name().to_string() });
        }
    }
    Ok(parsed)
}

fn base_url(url: String) -> Result<String, ConfigError> {
    if is_base_url(&url) {
        Ok(url.trim_end_matches('/').to_owned())
    } else {
        Err(ConfigError::ExternalUrl { url })
    }
}

/// A scheme, a host, perhaps a path; no query, which a base of other URLs cannot have.
fn is_base_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_plain = |rest: &str| {
        !rest.starts_with(['/', ':'])
            && !rest.contains(['?', '#', '@', '"'])
            && rest.bytes().all(|b| b.is_ascii_graphic())
    };
    rest.is_some_and(|rest| !rest.is_empty() && is_plain(rest))
}

#[cfg(test)]
mod tests;

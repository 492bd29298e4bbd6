//! The handle on one registry: what is trusted, how it is reached, and what was seen of its log.
//!
//! Owns opening and the pieces that every operation shares. The operations themselves stand in their own modules and
//! extend [`Registry`]; none of them returns anything state-bearing that was not checked against what is trusted here.

mod follow;
mod fork;
mod policies;
mod submit;
mod witness;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use holdfast_formats::origin::Origin;
use holdfast_formats::time::Timestamp;
use holdfast_formats::token::Token;
use holdfast_formats::tree::{TreeHash, TreeSize};
use holdfast_formats::trust::Trust;
use holdfast_formats::wire::v1::{RegistryInfo, Status};
use holdfast_verify::policy_chain::PolicyChain;
use holdfast_verify::witness::{Quorum, QuorumError, Witnessed};

use crate::clock::{SharedClock, SystemClock};
use crate::credentials;
use crate::error::ClientError;
use crate::keys::Signer;
use crate::places::Places;
use crate::progress::{Progress, Quiet, SharedProgress};
use crate::state::State;
use crate::transport::{Address, Transport};
pub use follow::LogView;
use follow::Shown;
pub use submit::Submitted;

/// The most bytes of a small answer.
pub(crate) const SMALL_ANSWER_MAX: u64 = 16 * 1024 * 1024;
/// The most bytes of an answer that carries manifests: each at most an attachment, in base64.
pub(crate) const LARGE_ANSWER_MAX: u64 = 256 * 1024 * 1024;

/// A registry shows its witnesses a new state within a second, and they answer in about one.
const WITNESS_WAIT: Duration = Duration::from_secs(10);

/// What a caller sets itself instead of taking it from [`Places`].
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Another address than trust.json has. What answers there is checked all the same.
    pub url: Option<String>,
    /// Another token than the one kept.
    pub token: Option<Token>,
    /// Another signing key, or another record of where it lives.
    pub key_file: Option<PathBuf>,
    /// Who hears about long work.
    pub progress: Arc<dyn Progress>,
    /// What time it is.
    pub clock: SharedClock,
    /// No wait for the registry is longer than this. Left out, each has a deadline that fits what is waited for: half a
    /// minute for most answers, minutes for an upload, half an hour for a pin whose bytes are read back first.
    pub deadline: Option<Duration>,
    /// How long to wait for witnesses to see what was just logged, where trust.json asks for a quorum of them.
    pub witness_wait: Duration,
}

#[expect(clippy::new_without_default, reason = "what reaches a network has no silent default")]
impl OpenOptions {
    /// Nothing set, no progress, the system's clock, the usual deadlines.
    pub fn new() -> Self {
        Self {
            url: None,
            token: None,
            key_file: None,
            progress: Arc::new(Quiet),
            clock: SystemClock::shared(),
            deadline: None,
            witness_wait: WITNESS_WAIT,
        }
    }
}

/// A registry that is trusted as far as trust.json says, and no further. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    trust: Trust,
    transport: Transport,
    state: State,
    key_file: PathBuf,
    signer: OnceLock<Signer>,
    progress: Arc<dyn Progress>,
    clock: SharedClock,
    witnesses: Option<Quorum>,
    witness_wait: Duration,
    seen: Mutex<Seen>,
    /// Held by whoever compares a tree head with what was seen and writes it down.
    following: tokio::sync::Mutex<()>,
}

/// What this process has verified so far.
#[derive(Debug)]
struct Seen {
    policies: Option<Arc<PolicyChain>>,
    /// Tree heads that are known to lie on one growing log with the newest one seen.
    heads: Vec<(TreeSize, TreeHash)>,
    /// Tree heads that somebody waits to have compared.
    waiting: Vec<Shown>,
    /// The most that a quorum of witnesses vouched for.
    witnessed: Option<Witnessed>,
}

impl Registry {
    /// Opens what trust.json names. No network.
    pub fn open(places: &Places, options: OpenOptions) -> Result<Self, ClientError> {
        let trust = places.trust()?;
        let address = Address::parse(options.url.as_deref().unwrap_or(trust.url.as_str()))?;
        let token = match &options.token {
            Some(token) => Some(token.clone()),
            None => credentials::load(&places.credentials_file(), &address, &trust.origin)?,
        };
        let transport = Transport::new(address, token)?.no_longer_than(options.deadline);
        Self::with(places, options, trust, transport)
    }

    /// Opens what is trusted, over this connection.
    pub(crate) fn with(
        places: &Places,
        options: OpenOptions,
        trust: Trust,
        transport: Transport,
    ) -> Result<Self, ClientError> {
        let witnesses = quorum(&trust, places.trust_file())?;
        Ok(Self(Arc::new(Inner {
            state: State::of(places.state_dir(), &trust.origin),
            transport,
            key_file: options.key_file.unwrap_or_else(|| places.key_file()),
            signer: OnceLock::new(),
            progress: options.progress,
            clock: options.clock,
            witnesses,
            witness_wait: options.witness_wait,
            seen: Mutex::new(Seen {
                policies: None,
                heads: Vec::new(),
                waiting: Vec::new(),
                witnessed: None,
            }),
            following: tokio::sync::Mutex::new(()),
            trust,
        })))
    }

    /// The log's name.
    pub fn origin(&self) -> &Origin {
        &self.0.trust.origin
    }

    /// Where the registry is.
    pub fn url(&self) -> String {
        self.0.transport.address().to_string()
    }

    /// What trust.json says.
    pub fn trust(&self) -> &Trust {
        &self.0.trust
    }

    /// What signs for the user, as it was when this handle first needed it.
    pub fn signer(&self) -> Result<&Signer, ClientError> {
        if let Some(signer) = self.0.signer.get() {
            return Ok(signer);
        }
        let signer = Signer::open(&self.0.key_file)?;
        Ok(self.0.signer.get_or_init(|| signer))
    }

    /// The moment it is.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// How the registry says it does. Unverified: for people to look at.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.0.transport.get("/v1/status", "status", SMALL_ANSWER_MAX).await
    }

    /// Who the registry says it is. Unverified.
    pub async fn info(&self) -> Result<RegistryInfo, ClientError> {
        self.0.transport.get("/v1/registry", "description", SMALL_ANSWER_MAX).await
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    pub(crate) fn state(&self) -> &State {
        &self.0.state
    }

    pub(crate) fn progress(&self) -> &dyn Progress {
        self.0.progress.as_ref()
    }

    /// For work on other threads.
    pub(crate) fn shared_progress(&self) -> SharedProgress {
        Arc::clone(&self.0.progress)
    }

    /// For work on other threads.
    pub(crate) fn shared_clock(&self) -> SharedClock {
        Arc::clone(&self.0.clock)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        // What is inside is replaced whole, so it is right even after a panic elsewhere.
        self.0.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The quorum of witnesses that a trust.json asks for, when it asks for one.
pub(crate) fn quorum(trust: &Trust, file: &Path) -> Result<Option<Quorum>, ClientError> {
    let malformed = |error: QuorumError| ClientError::FileMalformed {
        path: file.to_owned(),
        rule: format!("{error}; `holdfast witness list` shows the witnesses"),
    };
    trust.witnesses.as_ref().map(|witnesses| Quorum::new(witnesses).map_err(malformed)).transpose()
}

#[cfg(test)]
mod tests;

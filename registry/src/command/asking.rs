//! Asking the registry that runs on a store: commands do so when the store is in use.
//!
//! Whoever can read the node's own keys may ask it to work. The request is signed with the registry key, for this log, this
//! path, this body and this minute; no secret travels, and none has to be kept beside the keys.

use std::time::Duration;

use anyhow::Context as _;
use holdfast_formats::operator::{OPERATOR_HEADER, OperatorRequest};
use holdfast_formats::time::Timestamp;
use holdfast_formats::wire::v1::{ExitCode as Exit, Problem};
use holdfast_registry::clock::{Clock as _, SystemClock};
use holdfast_registry::config::ServeConfig;
use holdfast_registry::log::{KeyKind, KeysError, NodeKeys};
use holdfast_registry::objects::install_tls_provider;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long an answer may take; what takes longer goes on in the registry, and is asked about again.
const ANSWER_MAX: Duration = Duration::from_mins(1);

/// Why a running registry did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// Nobody answers there.
    #[error("the store is in use, but no registry answers on {url}; give its --listen or --external-url")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// It refuses.
    #[error("the running registry refuses: {}", .0.detail)]
    Refused(Problem),
}

impl AskError {
    /// What the process exits with.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. } => Exit::Unreachable,
            Self::Refused(problem) => problem.code.exit(),
        }
    }
}

/// Where the running registry is.
pub(super) fn url(config: &ServeConfig) -> String {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    config.external_url.clone().unwrap_or_else(|| format!("{scheme}://{}", config.listen))
}

/// A client that waits for an answer, and not for ever.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    install_tls_provider();
    reqwest::Client::builder().timeout(ANSWER_MAX).build()
}

/// Asks the running registry to do something, or how that goes: `POST /v1/operations/<task>`.
pub(super) async fn ask<Q: Serialize + Sync, A: DeserializeOwned>(
    config: &ServeConfig,
    task: &str,
    question: &Q,
) -> anyhow::Result<A> {
    let keys =
        NodeKeys::load(&config.keys)?.ok_or_else(|| KeysError::Missing { folder: config.keys.clone() })?;
    let [.., key] = keys.keys(KeyKind::Registry) else {
        return Err(KeysError::Missing { folder: config.keys.clone() }.into());
    };
    let (path, body) = (format!("/v1/operations/{task}"), serde_json::to_vec(question)?);
    let issued_at = Timestamp::from_ms(SystemClock.now_ms());
    let request = OperatorRequest { origin: &keys.origin, path: &path, issued_at, body: &body };
    let proof = request.sign(key).to_string();
    let url = url(config);
    let unreachable = |source| AskError::Unreachable { url: url.clone(), source };
    let sent = client()?.post(format!("{url}{path}")).header(OPERATOR_HEADER, proof);
    let sent = sent.header(CONTENT_TYPE, "application/json").body(body).send().await;
    let answer = sent.map_err(unreachable)?;
    let is_done = answer.status().is_success();
    let body = answer.bytes().await.map_err(unreachable)?;
    let strange = || format!("what answers on {url} is no registry of this version");
    if is_done {
        return serde_json::from_slice(&body).with_context(strange);
    }
    Err(AskError::Refused(serde_json::from_slice(&body).with_context(strange)?).into())
}

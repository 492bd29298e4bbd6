//! Sending alerts to an address that somebody configured, without becoming their way into this network.
//!
//! A name is resolved once a connection, every address is checked, and the connection goes to exactly what was checked: a
//! second answer of a name server comes too late. Redirects are not followed, proxies not asked, answers not read. What is
//! sent is signed as Standard Webhooks says when there is a secret.

mod public;
mod signature;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use super::Alert;
use crate::clock::SharedClock;
use crate::transport::install_crypto;
use public::is_public;
use signature::Secret;

const DEADLINE: Duration = Duration::from_secs(10);

/// Why an alert cannot be sent. No message repeats the address beyond its host: the rest of it is often a secret.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The address is not one.
    #[error("the webhook's address must be https://host/… (http:// only for a host that is allowed by name)")]
    Address,
    /// The secret is not one.
    #[error("the webhook's secret must be whsec_ and 24 to 64 bytes in base64")]
    Secret,
    /// The client could not be made.
    #[error("webhooks cannot be sent from here")]
    Setup(#[source] reqwest::Error),
    /// It leads into a private network.
    #[error(
        "the webhook's host {host} is {address}, which is not a public address; nothing was sent. Allow the host by name if you mean it"
    )]
    Private {
        /// The host.
        host: String,
        /// What it is.
        address: IpAddr,
    },
    /// Nobody took it.
    #[error("the webhook at {host} does not answer: {}", innermost(.source))]
    Unreachable {
        /// The host.
        host: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// It was not accepted.
    #[error("the webhook at {host} answers with status {status}")]
    Refused {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
}

impl WebhookError {
    /// Whether the same may succeed a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => blocked(source).is_none(),
            Self::Refused { status, .. } => *status >= 500 || *status == 429 || *status == 408,
            Self::Address | Self::Secret | Self::Setup(_) | Self::Private { .. } => false,
        }
    }
}

/// Where alerts are sent.
#[derive(Debug, Clone)]
pub struct Webhook {
    url: Url,
    host: String,
    secret: Option<Secret>,
    http: reqwest::Client,
    clock: SharedClock,
}

impl Webhook {
    /// A webhook at an address; `allowed` are hosts that may be anywhere, each exactly as the address writes it.
    pub fn new(
        url: &str,
        allowed: &[String],
        secret: Option<&str>,
        clock: SharedClock,
    ) -> Result<Self, WebhookError> {
        let url = Url::parse(url).map_err(|_| WebhookError::Address)?;
        let host = url.host_str().ok_or(WebhookError::Address)?.to_owned();
        let is_allowed = allowed.contains(&host);
        if !(url.scheme() == "https" || (url.scheme() == "http" && is_allowed)) {
            return Err(WebhookError::Address);
        }
        // A literal address is never resolved, so it is checked here. Every way to write one was made the usual one.
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>()
            && !is_allowed
            && !is_public(address)
        {
            return Err(WebhookError::Private { host, address });
        }
        let secret = secret.map(Secret::parse).transpose()?;
        let resolver = Arc::new(Checked { is_allowed });
        install_crypto();
        let http = reqwest::Client::builder()
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(resolver)
            // Each alert is checked anew.
            .pool_max_idle_per_host(0)
            .timeout(DEADLINE)
            .build()
            .map_err(WebhookError::Setup)?;
        Ok(Self { url, host, secret, http, clock })
    }

    /// Sends one alert; any status of success means that it was taken.
    pub(super) async fn send(&self, alert: &Alert) -> Result<(), WebhookError> {
        let now = self.clock.now();
        let body = body(alert);
        let mut request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        if let Some(secret) = &self.secret {
            for (name, value) in secret.headers(&alert.id, now, &body) {
                request = request.header(name, value);
            }
        }
        let answered = request.body(body).send().await.map_err(|source| self.failed(source))?;
        match answered.status() {
            status if status.is_success() => Ok(()),
            status => Err(WebhookError::Refused { host: self.host.clone(), status: status.as_u16() }),
        }
    }

    fn failed(&self, source: reqwest::Error) -> WebhookError {
        let host = self.host.clone();
        match blocked(&source) {
            Some(address) => WebhookError::Private { host, address },
            None => WebhookError::Unreachable { host, source: source.without_url() },
        }
    }
}

/// One JSON document in ASCII alone, so that nothing in it commands the terminal or log that it ends up in.
fn body(alert: &Alert) -> String {
    let document = json!({
        "type": format!("holdfast.{}", alert.kind.as_str()), "timestamp": alert.time, "data": alert,
    });
    let mut out = String::new();
    for c in document.to_string().chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            out.push(c);
        } else {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

/// Resolves names for one webhook, and gives out none that leads into a private network.
#[derive(Debug, Clone, Copy)]
struct Checked {
    is_allowed: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let is_allowed = self.is_allowed;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let checked = check(found, is_allowed)?;
            Ok(Box::new(checked.into_iter()) as Addrs)
        })
    }
}

/// All addresses of a name, or none: one private one among them is reason enough.
fn check(found: Vec<SocketAddr>, is_allowed: bool) -> Result<Vec<SocketAddr>, Blocked> {
    match found.iter().find(|address| !is_allowed && !is_public(address.ip())) {
        Some(address) => Err(Blocked(address.ip())),
        None => Ok(found),
    }
}

/// A name that is a private address.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not a public address")]
struct Blocked(IpAddr);

/// The private address that a failure is because of.
fn blocked(error: &reqwest::Error) -> Option<IpAddr> {
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        if let Some(Blocked(address)) = source.downcast_ref() {
            return Some(*address);
        }
        cause = source.source();
    }
    None
}

fn innermost(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests;

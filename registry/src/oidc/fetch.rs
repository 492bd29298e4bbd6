//! Asking an issuer for its keys: over TLS or on this machine, without redirects, within a deadline and a few kilobytes.

use std::sync::OnceLock;
use std::time::Duration;

use holdfast_formats::text::Uri;
use jsonwebtoken::jwk::JwkSet;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::objects::install_tls_provider;

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(10);
/// An issuer publishes a handful of keys.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why an issuer's keys could not be had. For the log of the registry, never for whoever sent a token.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{0} is no https URL, nor an http URL of this machine")]
    Address(String),
    #[error("the description of {0} names another issuer")]
    OtherIssuer(Uri),
    #[error("the keys of {0} are said to be on another host")]
    OtherHost(Uri),
    #[error("{url} answered {status}, and only 200 counts: redirects are not followed")]
    Status { url: Url, status: StatusCode },
    #[error("{0} answered with more than {ANSWER_BYTES_MAX} bytes")]
    TooLarge(Url),
    #[error("{0} did not answer with the JSON that is expected")]
    Malformed(Url),
    #[error("the issuer cannot be reached")]
    Unreachable(#[from] reqwest::Error),
}

/// What an issuer says about itself, as far as it matters here (`OpenID` Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

/// The client, made when the first issuer is asked.
#[derive(Debug)]
pub(super) struct Fetcher(OnceLock<Client>);

/// The keys that an issuer publishes.
pub(super) async fn keys_of(issuer: &Uri, fetcher: &Fetcher) -> Result<JwkSet, FetchError> {
    let base = address(issuer.as_str())?;
    let place = format!("{}/.well-known/openid-configuration", issuer.as_str().trim_end_matches('/'));
    let description: Description = fetcher.read(address(&place)?).await?;
    if description.issuer != issuer.as_str() {
        return Err(FetchError::OtherIssuer(issuer.clone()));
    }
    let keys = address(&description.jwks_uri)?;
    if keys.origin() != base.origin() {
        return Err(FetchError::OtherHost(issuer.clone()));
    }
    fetcher.read(keys).await
}

fn address(text: &str) -> Result<Url, FetchError> {
    let bad = || FetchError::Address(text.to_owned());
    let url = Url::parse(text).map_err(|_| bad())?;
    let is_clean = url.username().is_empty() && url.password().is_none() && url.host_str().is_some();
    let is_private = url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(&url));
    if is_clean && is_private { Ok(url) } else { Err(bad()) }
}

/// Only a literal address is sure to stay on this machine.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Fetcher {
    pub(super) const fn new() -> Self {
        Self(OnceLock::new())
    }

    async fn read<T: DeserializeOwned>(&self, url: Url) -> Result<T, FetchError> {
        let mut response = self.client()?.get(url.clone()).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status { url, status: response.status() });
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await? {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(FetchError::TooLarge(url));
            }
            body.extend_from_slice(&piece);
        }
        serde_json::from_slice(&body).map_err(|_| FetchError::Malformed(url))
    }

    fn client(&self) -> Result<Client, FetchError> {
        if let Some(client) = self.0.get() {
            return Ok(client.clone());
        }
        install_tls_provider();
        let client = Client::builder()
            .user_agent(concat!("holdfast-registry/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(DEADLINE)
            .build()?;
        Ok(self.0.get_or_init(|| client).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t38_issuers_are_asked_over_tls_or_on_this_machine_only() {
        for good in ["https://issuer.example/a", "http://127.0.0.1:1/a", "http://[::1]:1"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://issuer.example",
            "http://169.254.169.254/latest",
            "http://127.0.0.1.issuer.example",
            "http://localhost:1",
            "https://user:secret@issuer.example",
            "file:///etc/passwd",
            "issuer.example",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}

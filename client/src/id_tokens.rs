//! Asking the runner of GitHub Actions for the ID token of its job. Nothing of it is kept, logged or quoted in an error.

use std::time::Duration;

use holdfast_formats::id_token::IdToken;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Client, Url};
use serde::Deserialize;

use crate::transport::{install_crypto, is_this_machine};

const DEADLINE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why there is no ID token.
#[derive(Debug, thiserror::Error)]
pub enum IdTokenError {
    /// The address is no place for a secret.
    #[error(
        "the runner's address for ID tokens is not an https URL; is ACTIONS_ID_TOKEN_REQUEST_URL set by the runner?"
    )]
    Address,
    /// No answer came.
    #[error(
        "the runner gives no ID token: {0}; give the job the permission `id-token: write`, and try again"
    )]
    Refused(String),
    /// The answer is something else.
    #[error("the runner answered, but with no ID token; try again, or give one by --oidc-token-file")]
    Malformed,
}

#[derive(Deserialize)]
struct Answer {
    value: String,
}

/// The ID token of this job for an audience. Address and bearer are what the runner says in `ACTIONS_ID_TOKEN_REQUEST_URL`
/// and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
pub async fn github_id_token(address: &str, bearer: &str, audience: &str) -> Result<IdToken, IdTokenError> {
    let mut url = Url::parse(address).map_err(|_| IdTokenError::Address)?;
    if url.scheme() != "https" && !(url.scheme() == "http" && is_this_machine(&url)) {
        return Err(IdTokenError::Address);
    }
    url.query_pairs_mut().append_pair("audience", audience);
    install_crypto();
    let refused = |error: reqwest::Error| IdTokenError::Refused(error.without_url().to_string());
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(DEADLINE);
    let mut bearer =
        HeaderValue::from_str(&format!("Bearer {bearer}")).map_err(|_| IdTokenError::Malformed)?;
    bearer.set_sensitive(true);
    let request = client.build().map_err(refused)?.get(url).header(AUTHORIZATION, bearer);
    let mut response = request.header(ACCEPT, "application/json").send().await.map_err(refused)?;
    if !response.status().is_success() {
        return Err(IdTokenError::Refused(format!("it answered {}", response.status())));
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(refused)? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(IdTokenError::Malformed);
        }
    }
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| IdTokenError::Malformed)?;
    answer.value.parse().map_err(|_| IdTokenError::Malformed)
}

//! HTTP to one registry: deadlines, size caps, no redirects, and secrets that go to this registry only.
//!
//! Owns how a request is sent and how an answer becomes a typed record or a typed error. It decides nothing about the
//! content: what comes back is unverified.

mod address;
mod request;

use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use holdfast_formats::from_json;
use holdfast_formats::token::Token;
use holdfast_formats::wire::v1::{Problem, ProblemCode};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RANGE};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

pub(crate) use address::{Address, is_this_machine, query_string};
pub(crate) use request::{Body, Request};

use crate::error::ClientError;

const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// How long a transfer may stand still.
const IDLE_DEADLINE: Duration = Duration::from_mins(1);
/// How long an answer takes at most from its first byte to its last: whoever drips it has nothing to say.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// A problem document lists at most some thousand missing chunks.
const PROBLEM_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A problem says what to do in a sentence, which may quote some names.
const DETAIL_BYTES_MAX: usize = 16 * 1024;
const ATTEMPTS_MAX: u32 = 4;
const LOGIN_HEADER: HeaderName = HeaderName::from_static("holdfast-login");

/// A connection to one registry.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    http: Arc<OnceLock<reqwest::Client>>,
    address: Arc<Address>,
    token: Option<Token>,
    /// No wait is longer than this, whatever it is for.
    longest: Duration,
}

/// An answer that says that it worked.
struct Answer {
    /// What it says that it is.
    media_type: Option<String>,
    bytes: Vec<u8>,
}

impl Transport {
    /// Talks to the registry at an address. A token travels only over TLS or to this machine.
    pub(crate) fn new(address: Address, token: Option<Token>) -> Result<Self, ClientError> {
        if token.is_some() {
            address.require_private()?;
        }
        Ok(Self {
            http: Arc::new(OnceLock::new()),
            address: Arc::new(address),
            token,
            longest: Duration::MAX,
        })
    }

    /// The HTTP client, made when something is asked for the first time: it needs the system's certificates, and a rescue
    /// system on which somebody only opens a bundle may have none.
    fn http(&self) -> Result<&reqwest::Client, ClientError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        install_crypto();
        let http = reqwest::Client::builder()
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_DEADLINE)
            .build()
            .map_err(|e| self.unreachable(e))?;
        Ok(self.http.get_or_init(|| http))
    }

    /// The same, but it never waits longer than this for anything.
    pub(crate) fn no_longer_than(self, longest: Option<Duration>) -> Self {
        Self { longest: longest.unwrap_or(self.longest), ..self }
    }

    /// How long a transfer may stand still.
    pub(crate) fn idle(&self) -> Duration {
        IDLE_DEADLINE.min(self.longest)
    }

    /// Where the registry is.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Reads a record.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &'static str,
        max: u64,
    ) -> Result<T, ClientError> {
        self.call(Request::get(path, what, max)).await
    }

    /// Sends a request and reads the record that answers it.
    pub(crate) async fn call<T: DeserializeOwned>(&self, request: Request<'_>) -> Result<T, ClientError> {
        let Answer { media_type, bytes } = self.ask(&request).await?;
        if let Some(other) = media_type.filter(|media_type| !is_json(media_type)) {
            return Err(ClientError::malformed(request.what, format!("it is {other:?} and not JSON")));
        }
        from_json(&bytes, bytes.len()).map_err(|e| ClientError::malformed(request.what, e))
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn call_bytes(&self, request: &Request<'_>) -> Result<Vec<u8>, ClientError> {
        self.ask(request).await.map(|answer| answer.bytes)
    }

    async fn ask(&self, request: &Request<'_>) -> Result<Answer, ClientError> {
        let deadline = request.deadline.min(self.longest);
        let mut attempt = 1;
        loop {
            let outcome = tokio::time::timeout(deadline, self.once(request)).await;
            let outcome = outcome.unwrap_or_else(|late| Err(self.unreachable(late)));
            match outcome {
                // Every request of ours may be repeated: reads change nothing, uploads are by digest, and a statement
                // whose payload is logged already is answered with its first receipt.
                Err(error) if attempt < ATTEMPTS_MAX && is_passing(&error) => {
                    tracing::debug!(attempt, what = request.what, "trying again");
                    tokio::time::sleep(Duration::from_millis(150) * 3_u32.pow(attempt - 1)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Begins to read a body from an offset on. The caller reads it with [`read_piece`].
    pub(crate) async fn open(&self, path: &str, from: u64) -> Result<Response, ClientError> {
        let request = Request::get(path, "file", u64::MAX).starting_at(from);
        let outcome = tokio::time::timeout(self.idle(), self.send(&request)).await;
        let response = outcome.unwrap_or_else(|late| Err(self.unreachable(late)))?;
        let wanted = if from == 0 { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
        if response.status() == wanted {
            return Ok(response);
        }
        Err(self.refusal(path, response).await)
    }

    async fn once(&self, request: &Request<'_>) -> Result<Answer, ClientError> {
        let response = self.send(request).await?;
        if !response.status().is_success() {
            return Err(self.refusal(request.path, response).await);
        }
        let media_type = response.headers().get(CONTENT_TYPE);
        let media_type = media_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let bytes = self.read_all(request.path, response, request.max).await?;
        Ok(Answer { media_type, bytes })
    }

    async fn send(&self, request: &Request<'_>) -> Result<Response, ClientError> {
        let url = self.address.join(request.path);
        let mut builder = self.http()?.request(request.method.clone(), url);
        if let Some(token) = &self.token {
            builder = builder.header(AUTHORIZATION, secret(&format!("Bearer {}", token.expose())));
        }
        if let Some(login) = request.login {
            self.address.require_private()?;
            builder = builder.header(LOGIN_HEADER, secret(&login.expose()));
        }
        if request.from > 0 {
            builder = builder.header(RANGE, format!("bytes={}-", request.from));
        }
        if let Some(body) = &request.body {
            builder = body.attach(builder);
        }
        builder.send().await.map_err(|e| self.unreachable(e))
    }

    async fn read_all(&self, path: &str, response: Response, max: u64) -> Result<Vec<u8>, ClientError> {
        let deadline = BODY_DEADLINE.min(self.longest);
        let whole = tokio::time::timeout(deadline, self.read_pieces(path, response, max)).await;
        whole.unwrap_or_else(|late| Err(self.unreachable(late)))
    }

    async fn read_pieces(
        &self,
        path: &str,
        mut response: Response,
        max: u64,
    ) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|e| self.unreachable(e))? {
            if (bytes.len() + piece.len()) as u64 > max {
                return Err(ClientError::AnswerTooLarge { url: self.address.join(path), max });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// What an answer that is no success says.
    async fn refusal(&self, path: &str, response: Response) -> ClientError {
        let status = response.status().as_u16();
        let not_ours = ClientError::NotARegistry { url: self.address.join(path), status };
        match self.read_all(path, response, PROBLEM_BYTES_MAX).await {
            Err(error) => error,
            Ok(bytes) => match from_json::<Problem>(&bytes, bytes.len()) {
                Ok(problem) if is_ours(&problem, status) => ClientError::Problem(Box::new(problem)),
                Ok(_) | Err(_) => not_ours,
            },
        }
    }

    pub(crate) fn unreachable(&self, source: impl std::error::Error + Send + Sync + 'static) -> ClientError {
        ClientError::Unreachable { url: self.address.to_string(), source: Box::new(source) }
    }
}

/// The next piece of a body; `None` at its end. One that does not come in time is given up.
pub(crate) async fn read_piece(
    transport: &Transport,
    response: &mut Response,
    until: Instant,
) -> Result<Option<Bytes>, ClientError> {
    match tokio::time::timeout_at(until, response.chunk()).await {
        Ok(piece) => piece.map_err(|e| transport.unreachable(e)),
        Err(late) => Err(transport.unreachable(late)),
    }
}

/// Writes a record as the body of a request.
pub(crate) fn json_body<T: Serialize>(what: &'static str, record: &T) -> Result<Body, ClientError> {
    let bytes = serde_json::to_vec(record).map_err(|source| ClientError::Encode { what, source })?;
    Ok(Body::whole("application/json", bytes))
}

/// Whether the same request may well succeed a moment later. A refused connection is not: waiting would only hide it.
pub(crate) fn is_passing(error: &ClientError) -> bool {
    match error {
        ClientError::Problem(problem) => {
            matches!(problem.code, ProblemCode::TooManyRequests | ProblemCode::Unavailable)
        }
        ClientError::Unreachable { source, .. } => {
            source.downcast_ref::<reqwest::Error>().is_some_and(|e| !e.is_connect() && !e.is_builder())
        }
        _ => false,
    }
}

/// Whether a media type is that of records, whatever parameters it has.
fn is_json(media_type: &str) -> bool {
    media_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Whether a problem says what its status says, and no more than fits into an error message.
fn is_ours(problem: &Problem, status: u16) -> bool {
    problem.status == status
        && problem.code.status() == status
        && (1..=DETAIL_BYTES_MAX).contains(&problem.detail.trim().len())
}

/// A header that is neither logged nor compressed.
fn secret(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// Installs the process's TLS provider, unless whoever embeds this library has done so.
pub(crate) fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Kept here because only uploads and submissions use another method than GET.
pub(crate) const POST: Method = Method::POST;

#[cfg(test)]
mod tests;

//! An OIDC issuer on this machine: it describes itself, publishes its keys, and signs whatever a test wants.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// A key of 2048 bits that signs nothing outside tests.
const RSA_KEY: &str = include_str!("issuer/rsa.pk8.base64");

/// How an issuer misbehaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manners {
    /// Not at all.
    Good,
    /// Its keys are answered with a redirect to this place.
    Redirect(String),
    /// Its description says that the keys are at this place.
    Elsewhere(String),
    /// Its description is of another issuer.
    OtherName,
    /// Its keys never end.
    Endless,
    /// It answers with errors.
    Broken,
}

/// Which of its keys signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA.
    Rs256,
    /// ECDSA.
    Es256,
    /// Ed25519.
    EdDsa,
}

struct Keys {
    rsa: RsaKeyPair,
    ecdsa: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    random: SystemRandom,
}

struct Shared {
    url: String,
    keys: Keys,
    manners: Mutex<Manners>,
    /// The secret of a runner's job, and what is said of it.
    job: Mutex<Option<(String, Value)>>,
    asked: AtomicU64,
}

/// A running issuer; it stops when the test drops it.
pub struct Issuer {
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Issuer {
    /// Starts one with keys of its own, but for the RSA key, which all of them share.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Shared {
            url,
            keys: Keys::new()?,
            manners: Mutex::new(Manners::Good),
            job: Mutex::default(),
            asked: AtomicU64::new(0),
        };
        let shared = Arc::new(shared);
        let router = Router::new()
            .route("/.well-known/{document}", get(answer))
            .route("/runner", get(answer_job))
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { shared, serving })
    }

    /// Its name.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// From now on it behaves like this.
    pub fn behave(&self, manners: Manners) {
        *self.shared.manners.lock().unwrap_or_else(PoisonError::into_inner) = manners;
    }

    /// From now on it is the runner of GitHub Actions for one job, too, which shows this secret. Gives the address to ask.
    pub fn be_runner(&self, secret: &str, claims: Value) -> String {
        *self.shared.job.lock().unwrap_or_else(PoisonError::into_inner) = Some((secret.to_owned(), claims));
        format!("{}/runner?api-version=2.0", self.shared.url)
    }

    /// How often its keys were asked for since the last call.
    pub fn take_asked(&self) -> u64 {
        self.shared.asked.swap(0, Ordering::SeqCst)
    }

    /// Signs claims with one of its keys.
    pub fn sign(&self, algorithm: Algorithm, claims: &Value) -> anyhow::Result<String> {
        let header = json!({ "typ": "JWT", "alg": algorithm.name(), "kid": algorithm.kid() });
        self.sign_as(algorithm, &header, claims)
    }

    /// Signs claims under a header that may say anything.
    pub fn sign_as(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> anyhow::Result<String> {
        self.shared.keys.sign(algorithm, header, claims)
    }

    /// The key that it publishes for an algorithm.
    pub fn jwk(&self, algorithm: Algorithm) -> Value {
        self.shared.keys.jwk(algorithm)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// Its name in a header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The id of its key.
    pub const fn kid(self) -> &'static str {
        match self {
            Self::Rs256 => "rsa-1",
            Self::Es256 => "ec-1",
            Self::EdDsa => "ed-1",
        }
    }
}

impl Keys {
    fn new() -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let pkcs8 =
            data_encoding::BASE64.decode(RSA_KEY.split_whitespace().collect::<String>().as_bytes())?;
        let rsa = RsaKeyPair::from_pkcs8(&pkcs8).ok().context("the RSA key of the tests is one")?;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let pkcs8 = pkcs8.ok().context("an ECDSA key is made")?;
        let ecdsa = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
        let ecdsa = ecdsa.ok().context("it is one")?;
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).ok().context("an Ed25519 key is made")?;
        let ed25519 = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).ok().context("it is one")?;
        Ok(Self { rsa, ecdsa, ed25519, random })
    }

    fn sign(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> anyhow::Result<String> {
        let message = unsigned(header, claims);
        let signature = match algorithm {
            Algorithm::Rs256 => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                let signed =
                    self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, message.as_bytes(), &mut signature);
                signed.ok().context("RSA signs")?;
                signature
            }
            Algorithm::Es256 => {
                let signed = self.ecdsa.sign(&self.random, message.as_bytes());
                signed.ok().context("ECDSA signs")?.as_ref().to_vec()
            }
            Algorithm::EdDsa => self.ed25519.sign(message.as_bytes()).as_ref().to_vec(),
        };
        Ok(format!("{message}.{}", BASE64URL_NOPAD.encode(&signature)))
    }

    fn jwk(&self, algorithm: Algorithm) -> Value {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let mut jwk = match algorithm {
            Algorithm::Rs256 => {
                let public: ring::rsa::PublicKeyComponents<Vec<u8>> = self.rsa.public().into();
                json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e) })
            }
            Algorithm::Es256 => {
                // 0x04, then two coordinates of 32 bytes.
                let point = self.ecdsa.public_key().as_ref();
                let half = |range| text(point.get(range).unwrap_or_default());
                json!({ "kty": "EC", "crv": "P-256", "x": half(1..33), "y": half(33..65) })
            }
            Algorithm::EdDsa => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(self.ed25519.public_key().as_ref()) })
            }
        };
        jwk["kid"] = algorithm.kid().into();
        jwk["alg"] = algorithm.name().into();
        jwk["use"] = "sig".into();
        jwk
    }
}

/// What the runner gives a job that shows its secret: an ID token for the audience that it asks for.
async fn answer_job(State(shared): State<Arc<Shared>>, request: axum::extract::Request) -> Response {
    let job = shared.job.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some((secret, mut claims)) = job else { return StatusCode::NOT_FOUND.into_response() };
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if shown != Some(format!("Bearer {secret}").as_str()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    let audience = query.split('&').find_map(|pair| pair.strip_prefix("audience="));
    claims["aud"] = audience.unwrap_or_default().replace("%2F", "/").into();
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": Algorithm::Rs256.kid() });
    match shared.keys.sign(Algorithm::Rs256, &header, &claims) {
        Ok(id_token) => written(&json!({ "count": 1, "value": id_token })),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Header and claims as they are signed.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let text = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}", text(header), text(claims))
}

async fn answer(State(shared): State<Arc<Shared>>, Path(document): Path<String>) -> Response {
    let manners = shared.manners.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let own = format!("{}/.well-known/jwks", shared.url);
    if manners == Manners::Broken {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    if document == "openid-configuration" {
        let issuer = if manners == Manners::OtherName { "https://other.example" } else { &shared.url };
        let keys = if let Manners::Elsewhere(place) = manners { place } else { own };
        return written(&json!({ "issuer": issuer, "jwks_uri": keys, "unknown": true }));
    }
    shared.asked.fetch_add(1, Ordering::SeqCst);
    match manners {
        Manners::Redirect(place) => (StatusCode::FOUND, [(header::LOCATION, place)]).into_response(),
        Manners::Endless => " ".repeat(64 * 1024 * 1024).into_response(),
        _ => {
            let keys = Algorithm::ALL.map(|algorithm| shared.keys.jwk(algorithm));
            written(&json!({ "keys": keys }))
        }
    }
}

fn written(document: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

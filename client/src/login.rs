//! The first login: from a one-time secret to a key, a policy, a token and a trust.json.
//!
//! Owns the order, which is what makes a login that was cut off repeatable: key, policy and token are on disk before
//! anything is sent, and the very same bytes are sent again. Nothing is signed before the registry's keys were checked
//! against the fingerprint in the secret.

use std::path::{Path, PathBuf};
use std::time::Duration;

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::key::PublicKey;
use holdfast_formats::limits::STATEMENT_LIFE_MS_MAX;
use holdfast_formats::login::{KeysFingerprint, LoginSecret};
use holdfast_formats::name::PrincipalId;
use holdfast_formats::number::{PolicyNumber, Seconds};
use holdfast_formats::origin::Origin;
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{Action, Grant, Predicate};
use holdfast_formats::token::Token;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::trust::{Trust, TrustedPolicy};
use holdfast_formats::wire::v1::{Receipt, RegistryInfo};
use holdfast_verify::policy_template::{RegistryKeys, solo_policy};
use holdfast_verify::receipt::verify_policies;

use crate::atomic_file::{self, Secrecy};
use crate::clock::{Clock as _, SystemClock};
use crate::credentials;
use crate::error::ClientError;
use crate::keys::{self, Signer};
use crate::places::Places;
use crate::randomness::random_array;
use crate::session::{OpenOptions, Registry, SMALL_ANSWER_MAX};
use crate::statement::{Draft, Prepared};
use crate::transport::{Address, POST, Request, Transport, json_body};

const DEADLINE: Duration = Duration::from_mins(1);
const PREPARED_BYTES_MAX: u64 = 1024 * 1024;

/// What to log in with.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// The address and secret that the registry printed at its first start: `http://host:port#SECRET`.
    pub url: String,
    /// Another key file than the usual one.
    pub key_file: Option<PathBuf>,
    /// The name that policy 1 gives the user; `owner` when left out.
    pub principal: Option<PrincipalId>,
}

/// What a login came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// The log.
    pub origin: Origin,
    /// Where the registry is.
    pub url: String,
    /// The user's key.
    pub key: PublicKey,
    /// Where it is.
    pub key_file: PathBuf,
    /// What is trusted from now on.
    pub trust_file: PathBuf,
    /// Policy 1.
    pub policy_index: LeafIndex,
    /// The user's own token, which is kept with the credentials.
    pub grant_index: LeafIndex,
}

/// Logs in: checks the registry's keys, makes policy 1 with the user's key, and a token for the user.
pub async fn login(places: &Places, request: &LoginRequest) -> Result<LoggedIn, ClientError> {
    let (address, secret) = parse_url(&request.url)?;
    address.require_private()?;
    if places.trust_file().exists() {
        return Err(ClientError::TrustExists { path: places.trust_file().to_owned() });
    }
    let transport = Transport::new(address, None)?;
    let info: RegistryInfo = transport.get("/v1/registry", "description", SMALL_ANSWER_MAX).await?;
    check_fingerprint(&info, &secret, &transport)?;

    let key_file = request.key_file.clone().unwrap_or_else(|| places.key_file());
    let signer = keys::open_or_generate(&key_file)?;
    let pending = Pending::new(places, &secret);
    let policy = pending.policy(&info, &signer, request.principal.clone()).await?;
    let receipt = submit(&transport, &policy, &secret).await?;
    let trust = make_trust(&transport, &policy, &receipt)?;

    let (token, grant) = pending.grant(&info.origin, &signer).await?;
    // The registry does not know the token before its grant is logged, and answers no other question without it.
    let granted = submit(&transport, &grant, &secret).await?;
    credentials::store(&places.credentials_file(), transport.address(), &info.origin, &token)?;
    let transport = Transport::new(transport.address().clone(), Some(token))?;
    let registry = Registry::with(places, OpenOptions::new(), trust.clone(), transport)?;
    registry.begin_with(receipt.clone()).await?;
    registry.check_receipt("receipt", &granted).await?;
    places.write_trust(&trust)?;
    pending.forget();
    Ok(LoggedIn {
        origin: info.origin,
        url: registry.url(),
        key: signer.public(),
        key_file,
        trust_file: places.trust_file().to_owned(),
        policy_index: receipt.index,
        grant_index: granted.index,
    })
}

fn parse_url(url: &str) -> Result<(Address, LoginSecret), ClientError> {
    // The secret is never part of an error.
    let bare = url.split('#').next().unwrap_or_default();
    let bad = || ClientError::BadUrl { url: bare.to_owned() };
    let (_, secret) = url.trim().split_once('#').ok_or_else(bad)?;
    Ok((Address::parse(bare)?, secret.parse().map_err(|_| ClientError::BadSecret)?))
}

fn check_fingerprint(
    info: &RegistryInfo,
    secret: &LoginSecret,
    transport: &Transport,
) -> Result<(), ClientError> {
    let found = KeysFingerprint::of(&info.origin, &info.log_keys, &info.head_keys, &info.registry_keys);
    if found == secret.fingerprint() {
        return Ok(());
    }
    Err(ClientError::Fingerprint { url: transport.address().to_string() })
}

async fn submit(
    transport: &Transport,
    prepared: &Prepared,
    secret: &LoginSecret,
) -> Result<Receipt, ClientError> {
    let body = json_body("submission", prepared.submission())?;
    let request = Request::send(POST, "/v1/submissions", "receipt", SMALL_ANSWER_MAX, body);
    transport.call(request.within(DEADLINE).with_login(Some(secret))).await
}

/// Trusts exactly the policy that was signed here, and only when the registry proves that it is in the log.
fn make_trust(transport: &Transport, policy: &Prepared, receipt: &Receipt) -> Result<Trust, ClientError> {
    let Predicate::Policy(rules) = policy.statement()?.predicate else { return Err(ClientError::Unsigned) };
    let Policy { origin, log_keys, head_keys, root, .. } = *rules;
    let url = transport.address().to_string();
    let trust = Trust {
        origin,
        url: url.parse().map_err(|_| ClientError::BadUrl { url })?,
        log_keys,
        head_keys,
        root,
        policy: TrustedPolicy { number: PolicyNumber::FIRST, sha256: Sha256Digest::of(policy.payload()) },
        witnesses: None,
        head_max_age_s: Seconds::new(Trust::HEAD_MAX_AGE_S).expect("five minutes are a small number"),
    };
    verify_policies(&trust, std::slice::from_ref(receipt))
        .map_err(|e| ClientError::untrue("receipt of the policy", e))?;
    Ok(trust)
}

/// What was signed for a login that has not ended yet, by secret, so that a repetition sends the same bytes.
struct Pending {
    folder: PathBuf,
}

impl Pending {
    fn new(places: &Places, secret: &LoginSecret) -> Self {
        let name = secret.sha256().to_string();
        Self { folder: places.config_dir().join(format!("login-{}", name.get(..16).unwrap_or(&name))) }
    }

    async fn policy(
        &self,
        info: &RegistryInfo,
        signer: &Signer,
        principal: Option<PrincipalId>,
    ) -> Result<Prepared, ClientError> {
        let first = async {
            if info.policy.is_some() {
                return Err(ClientError::AlreadySetUp { origin: info.origin.clone() });
            }
            let keys = registry_keys(info)?;
            let id = principal.unwrap_or_else(|| "owner".parse().expect("a lower-case word is a principal"));
            let policy = solo_policy(info.origin.clone(), keys, signer.public(), id);
            prepare(policy, &info.origin, signer).await
        };
        self.prepared("policy.json", first).await
    }

    async fn grant(&self, origin: &Origin, signer: &Signer) -> Result<(Token, Prepared), ClientError> {
        let path = self.folder.join("token");
        let token = if let Some(token) = read_token(&path)? {
            token
        } else {
            let token = Token::from_bytes(random_array());
            atomic_file::write(&path, token.expose().as_bytes(), Secrecy::Secret)?;
            token
        };
        let grant = self.prepared("grant.json", prepare(own_grant(&token), origin, signer)).await?;
        Ok((token, grant))
    }

    async fn prepared(
        &self,
        name: &str,
        make: impl Future<Output = Result<Prepared, ClientError>>,
    ) -> Result<Prepared, ClientError> {
        let path = self.folder.join(name);
        if let Some(json) = atomic_file::read(&path, PREPARED_BYTES_MAX)? {
            return Prepared::parse(&json);
        }
        let prepared = make.await?;
        atomic_file::write(&path, &prepared.to_json()?, Secrecy::Secret)?;
        Ok(prepared)
    }

    /// The login is complete. What is left would only be a second copy of the token.
    fn forget(&self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "could not remove what the login left behind");
        }
    }
}

fn registry_keys(info: &RegistryInfo) -> Result<RegistryKeys, ClientError> {
    let ([log], [head], [registry]) =
        (info.log_keys.as_slice(), info.head_keys.as_slice(), info.registry_keys.as_slice())
    else {
        return Err(ClientError::malformed(
            "description",
            "a fresh registry has one key of each kind".to_owned(),
        ));
    };
    Ok(RegistryKeys { log: log.clone(), head: head.clone(), registry: registry.clone() })
}

/// A login that is repeated within a week still fits.
async fn prepare(
    predicate: impl Into<Predicate>,
    origin: &Origin,
    signer: &Signer,
) -> Result<Prepared, ClientError> {
    let draft = Draft { valid_for: Duration::from_millis(STATEMENT_LIFE_MS_MAX), ..Draft::new(predicate) };
    draft.prepare(origin, SystemClock.now())?.signed_by(signer).await
}

/// Every action everywhere: the user is the only one there is.
fn own_grant(token: &Token) -> Grant {
    let everything = "*".parse().expect("a star is a pattern");
    Grant {
        token_sha256: token.sha256(),
        subject: "owner".parse().expect("a word is a label"),
        actions: Action::ALL.to_vec(),
        names: vec![everything],
        channels: vec!["*".parse().expect("a star is a pattern")],
        quotas: None,
        expires: None,
        key: None,
        oidc: None,
    }
}

fn read_token(path: &Path) -> Result<Option<Token>, ClientError> {
    let Some(bytes) = atomic_file::read(path, 1024)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let malformed =
        |_| ClientError::FileMalformed { path: path.to_owned(), rule: "it is not a token".to_owned() };
    text.trim().parse().map(Some).map_err(malformed)
}

#[cfg(test)]
mod tests;

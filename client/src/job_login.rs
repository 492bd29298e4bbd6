//! The login of a job that has no secret: what its CI says of it becomes a token and a key for this job alone.
//!
//! Owns the order: a fresh key and a fresh token are made here and only their public halves are sent; the token is kept once
//! the registry has proven that the grant is in the log. The key lies where the user's key lies otherwise, and never in its
//! place: a key that no job made is left alone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use holdfast_formats::id_token::IdToken;
use holdfast_formats::key::SigningKey;
use holdfast_formats::origin::Origin;
use holdfast_formats::pattern::NamePattern;
use holdfast_formats::statement::{Action, Grant, Predicate};
use holdfast_formats::token::Token;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{OidcExchange, Receipt};

use crate::atomic_file::{self, Secrecy};
use crate::credentials;
use crate::error::{ClientError, FileAction};
use crate::keys;
use crate::places::Places;
use crate::randomness::random_array;
use crate::session::{OpenOptions, Registry, SMALL_ANSWER_MAX};
use crate::transport::{Address, POST, Request, Transport, json_body};

const MARKER_BYTES_MAX: u64 = 1024;

/// What a job logs in with.
#[derive(Debug, Clone)]
pub struct JobLogin {
    /// What its CI's issuer signed.
    pub id_token: IdToken,
    /// What it wants to do; all that the policy allows when left out.
    pub actions: Option<Vec<Action>>,
    /// On which artifact names.
    pub names: Option<Vec<NamePattern>>,
    /// On which channels.
    pub channels: Option<Vec<NamePattern>>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLoggedIn {
    /// The log.
    pub origin: Origin,
    /// Where the registry is.
    pub url: String,
    /// Where the job's key is.
    pub key_file: PathBuf,
    /// What was granted.
    pub grant: Grant,
    /// Its place in the log.
    pub grant_index: LeafIndex,
}

/// Exchanges an ID token for a grant, and keeps its token and key for the commands that follow. Starts from the trust.json
/// that the repository brings along.
pub async fn login_job(
    places: &Places,
    options: OpenOptions,
    request: JobLogin,
) -> Result<JobLoggedIn, ClientError> {
    let trust = places.trust()?;
    let address = Address::parse(options.url.as_deref().unwrap_or(trust.url.as_str()))?;
    address.require_private()?;
    let key_file = options.key_file.clone().unwrap_or_else(|| places.key_file());
    let key = fresh_key(&key_file)?;
    let token = Token::from_bytes(random_array());
    let wanted = OidcExchange {
        id_token: request.id_token,
        token_sha256: token.sha256(),
        key: Some(key.public()),
        actions: request.actions,
        names: request.names,
        channels: request.channels,
    };
    let body = json_body("exchange", &wanted)?;
    let exchange = Request::send(POST, "/v1/grants/oidc", "receipt", SMALL_ANSWER_MAX, body);
    let receipt: Receipt = Transport::new(address.clone(), None)?.call(exchange).await?;
    let transport = Transport::new(address, Some(token.clone()))?;
    let registry = Registry::with(places, options, trust, transport)?;
    let logged = registry.check_receipt("receipt", &receipt).await?;
    let grant = match &logged.get().statement().predicate {
        Predicate::Grant(grant) if grant.token_sha256 == token.sha256() && grant.key == wanted.key => {
            grant.as_ref().clone()
        }
        _ => {
            return Err(ClientError::untrue(
                "receipt",
                "it is not for the grant that was asked for".to_owned(),
            ));
        }
    };
    let (origin, address) = (registry.origin().clone(), registry.transport().address());
    credentials::store(&places.credentials_file(), address, &origin, &token)?;
    Ok(JobLoggedIn { origin, url: registry.url(), key_file, grant, grant_index: receipt.index })
}

/// Makes a key for this job. One of an earlier job goes; any other is left alone.
fn fresh_key(path: &Path) -> Result<SigningKey, ClientError> {
    let marker = marker(path);
    if path.exists() {
        let of_a_job = atomic_file::read(&marker, MARKER_BYTES_MAX)?;
        if of_a_job != Some(keys::load(path)?.public().to_string().into_bytes()) {
            return Err(ClientError::FileExists { path: path.to_owned() });
        }
        std::fs::remove_file(path).map_err(|error| ClientError::file(FileAction::Write, path, error))?;
    }
    let key = keys::generate(path)?;
    atomic_file::write(&marker, key.public().to_string().as_bytes(), Secrecy::Open)?;
    Ok(key)
}

/// The file beside a job's key that says so.
fn marker(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, ToOwned::to_owned);
    name.push(".job");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_earlier_job_goes_and_any_other_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let first = fresh_key(&path).unwrap();
        let second = fresh_key(&path).unwrap();
        assert_ne!(first.public(), second.public());
        assert_eq!(keys::load(&path).unwrap().public(), second.public());
        std::fs::remove_file(&path).unwrap();
        let own = keys::generate(&path).unwrap();
        assert!(matches!(fresh_key(&path), Err(ClientError::FileExists { .. })));
        assert_eq!(keys::load(&path).unwrap().public(), own.public());
    }
}

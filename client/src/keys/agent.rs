//! Keys in an ssh-agent: the two messages of its protocol (draft-ietf-sshm-ssh-agent) that list keys and sign with one.
//!
//! An `ssh-ed25519` signature of the agent is the plain Ed25519 signature over exactly the bytes that were sent. What it
//! answers is not believed here: whoever asks verifies it.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use holdfast_formats::key::PublicKey;
use sha2::{Digest as _, Sha256};

use super::error::SignerError;
use super::wire::{ED25519, Reader, read_public, string, write_public};

/// A person may have to confirm, or to touch something.
const DEADLINE: Duration = Duration::from_mins(2);
/// What OpenSSH's agent takes and gives at most.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// The agent of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    socket: PathBuf,
}

/// A key that an agent holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The key.
    pub key: PublicKey,
    /// What its owner calls it.
    pub comment: String,
}

impl Identity {
    /// The fingerprint as `ssh-add -l` shows it.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(write_public(&self.key))))
    }
}

impl Agent {
    /// The agent that the environment names.
    pub fn of_environment() -> Result<Self, SignerError> {
        let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty());
        socket.map(|path| Self { socket: path.into() }).ok_or(SignerError::AgentMissing)
    }

    /// The `ssh-ed25519` keys that it holds.
    pub async fn identities(&self) -> Result<Vec<Identity>, SignerError> {
        let body = self.ask(&[REQUEST_IDENTITIES]).await?;
        let malformed = SignerError::AgentAnswer;
        let mut fields = Reader(expect(IDENTITIES_ANSWER, &body).map_err(malformed)?);
        let mut held = Vec::new();
        for _ in 0..fields.number().map_err(malformed)? {
            let blob = fields.string().map_err(malformed)?;
            let comment = String::from_utf8_lossy(fields.string().map_err(malformed)?).into_owned();
            held.extend(read_public(blob).map(|key| Identity { key, comment }));
        }
        Ok(held)
    }

    /// The one key with this fingerprint or comment; without any, the only one.
    pub async fn choose(&self, wanted: Option<&str>) -> Result<Identity, SignerError> {
        let held = self.identities().await?;
        let fits = |identity: &&Identity| {
            wanted.is_none_or(|wanted| identity.comment == wanted || identity.fingerprint() == wanted)
        };
        let mut fitting = held.iter().filter(fits);
        match (fitting.next(), fitting.count()) {
            (Some(only), 0) => Ok(only.clone()),
            (first, more) => Err(SignerError::AgentChoice {
                fit: usize::from(first.is_some()) + more,
                held: held.iter().map(|i| format!("{} ({})", i.fingerprint(), i.comment)).collect(),
            }),
        }
    }

    /// The agent's signature over these bytes. Not verified.
    pub(super) async fn sign(&self, key: &PublicKey, message: &[u8]) -> Result<[u8; 64], SignerError> {
        let too_large = || SignerError::TooLarge(message.len());
        let mut request = vec![SIGN_REQUEST];
        request.extend(string(&write_public(key)).ok_or_else(too_large)?);
        request.extend(string(message).ok_or_else(too_large)?);
        request.extend([0; 4]);
        if request.len() > MESSAGE_BYTES_MAX {
            return Err(too_large());
        }
        let body = self.ask(&request).await?;
        if body.first() == Some(&FAILURE) {
            let is_held = self.identities().await?.iter().any(|identity| identity.key == *key);
            let key = Box::new(key.clone());
            return Err(if is_held {
                SignerError::AgentRefused(key)
            } else {
                SignerError::AgentWithoutKey(key)
            });
        }
        read_signature(&body).map_err(SignerError::AgentAnswer)
    }

    async fn ask(&self, request: &[u8]) -> Result<Vec<u8>, SignerError> {
        match tokio::time::timeout(DEADLINE, exchange(&self.socket, request)).await {
            Ok(answer) => answer,
            Err(_) => {
                Err(SignerError::Deadline { who: "the ssh-agent".to_owned(), seconds: DEADLINE.as_secs() })
            }
        }
    }
}

fn expect(kind: u8, body: &[u8]) -> Result<&[u8], &'static str> {
    match body.split_first() {
        Some((found, rest)) if *found == kind => Ok(rest),
        _ => Err("it is not what was asked for"),
    }
}

fn read_signature(body: &[u8]) -> Result<[u8; 64], &'static str> {
    let mut fields = Reader(expect(SIGN_RESPONSE, body)?);
    let mut signature = Reader(fields.string()?);
    if signature.string()? != ED25519 {
        return Err("the signature is of another kind");
    }
    let bytes = signature.string()?.try_into().map_err(|_| "the signature does not have 64 bytes")?;
    if fields.is_at_end() && signature.is_at_end() { Ok(bytes) } else { Err("it is too long") }
}

/// Sends one message over a connection of its own, and reads one.
#[cfg(unix)]
async fn exchange(socket: &std::path::Path, request: &[u8]) -> Result<Vec<u8>, SignerError> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let failed = |source| SignerError::AgentUnreachable { path: socket.to_owned(), source };
    let mut stream = tokio::net::UnixStream::connect(socket).await.map_err(failed)?;
    let message = string(request).ok_or(SignerError::TooLarge(request.len()))?;
    stream.write_all(&message).await.map_err(failed)?;
    let length = usize::try_from(stream.read_u32().await.map_err(failed)?).unwrap_or(usize::MAX);
    if length > MESSAGE_BYTES_MAX {
        return Err(SignerError::AgentAnswer("it is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.map_err(failed)?;
    Ok(body)
}

#[cfg(not(unix))]
#[expect(clippy::unused_async, reason = "it has the form of what other systems do")]
async fn exchange(_: &std::path::Path, _: &[u8]) -> Result<Vec<u8>, SignerError> {
    Err(SignerError::AgentUnsupported)
}

#[cfg(test)]
#[cfg(unix)]
mod tests;

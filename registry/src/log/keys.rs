//! The node's keys: log, head and registry, each of its own, outside the object store. Of each kind there is one, and
//! beside it those that took or will take its place.

mod files;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::key::{KeyError, PublicKey, SigningKey};
use holdfast_formats::login::{KeysFingerprint, LoginSecret};
use holdfast_formats::number::PolicyNumber;
use holdfast_formats::origin::Origin;
use holdfast_formats::policy::Policy;
use subtle::ConstantTimeEq as _;

use super::keyring::ActingKeys;
use crate::randomness::{random_array, random_hex};
use files::{add_key, first_file, make_private_folder, read_keys, write_key, write_private};

const ORIGIN_FILE: &str = "origin";
const LOGIN_FILE: &str = "login.sha256";

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// It signs checkpoints.
    Log,
    /// It signs channel heads.
    Head,
    /// It signs commits and the registry's own statements.
    Registry,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Log, Self::Head, Self::Registry];

    /// Its name, as files and messages have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Head => "head",
            Self::Registry => "registry",
        }
    }

    /// The keys of this kind that a policy names.
    fn named_by(self, policy: &Policy) -> &[PublicKey] {
        match self {
            Self::Log => &policy.log_keys,
            Self::Head => &policy.head_keys,
            Self::Registry => &policy.registry_keys,
        }
    }
}

/// What a node signs with, and the log it signs for.
#[derive(Debug, Clone)]
pub struct NodeKeys {
    /// The log's name.
    pub origin: Origin,
    /// Oldest first; never empty.
    log: Vec<SigningKey>,
    head: Vec<SigningKey>,
    registry: Vec<SigningKey>,
}

/// Why keys could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error("the key file {} cannot be used: check that it exists, belongs to this user and is on a writable disk", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file does not hold a key.
    #[error("the key file {} does not hold an unencrypted PKCS#8 PEM Ed25519 key", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// The origin is malformed.
    #[error("the origin in {} is malformed", path.display())]
    Origin {
        /// Which file.
        path: PathBuf,
    },
    /// A shared store whose keys nobody gave.
    #[error("there are no keys in {}; a store that several nodes share needs the same keys on each: give --keys DIR (`holdfast-registry keys --to DIR` makes them)", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// Keys that must not be overwritten.
    #[error("{} is there already, and keys are never overwritten; name another folder, or use these keys", path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// A policy names keys that are not here.
    #[error(
        "policy {policy} names no {} key that this node holds; nothing is signed with another. Put its private key into the folder of keys (`holdfast-registry keys --to DIR --add {}` makes one)", kind.as_str(), kind.as_str()
    )]
    NotHeld {
        /// The policy.
        policy: PolicyNumber,
        /// Which of its keys.
        kind: KeyKind,
    },
    /// Another origin than the one asked for.
    #[error("the keys in {} are for the origin {found}, but {wanted} was asked for", folder.display())]
    OtherOrigin {
        /// The folder.
        folder: PathBuf,
        /// What the folder says.
        found: Origin,
        /// What was asked for.
        wanted: Origin,
    },
}

impl NodeKeys {
    /// Reads the keys in `folder`; `None` when there are none yet.
    pub fn load(folder: &Path) -> Result<Option<Self>, KeysError> {
        let path = folder.join(ORIGIN_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KeysError::File { path, source }),
        };
        let origin = text.trim_end().parse().map_err(|_| KeysError::Origin { path })?;
        let keys = |kind| read_keys(folder, kind);
        let (log, head) = (keys(KeyKind::Log)?, keys(KeyKind::Head)?);
        Ok(Some(Self { origin, log, head, registry: keys(KeyKind::Registry)? }))
    }

    /// Makes new keys in a folder where there are none, not even half a set.
    pub fn make(folder: &Path, origin: Option<Origin>) -> Result<Self, KeysError> {
        let files = KeyKind::ALL.map(first_file).into_iter().chain([ORIGIN_FILE.to_owned()]);
        match files.map(|name| folder.join(name)).find(|path| path.exists()) {
            Some(path) => Err(KeysError::Exists { path }),
            None => Self::generate(folder, origin),
        }
    }

    /// Makes new keys in `folder`. The origin is written last, so that half a set is made again.
    pub fn generate(folder: &Path, origin: Option<Origin>) -> Result<Self, KeysError> {
        let file = |path: PathBuf| move |source| KeysError::File { path, source };
        make_private_folder(folder).map_err(file(folder.to_owned()))?;
        let origin = match origin {
            Some(origin) => origin,
            None => format!("holdfast.local/{}", random_hex())
                .parse()
                .map_err(|_| KeysError::Origin { path: folder.into() })?,
        };
        let key = |kind| write_key(&folder.join(first_file(kind))).map(|key| vec![key]);
        let (log, head) = (key(KeyKind::Log)?, key(KeyKind::Head)?);
        let keys = Self { origin, log, head, registry: key(KeyKind::Registry)? };
        let path = folder.join(ORIGIN_FILE);
        write_private(&path, &format!("{}\n", keys.origin)).map_err(file(path.clone()))?;
        Ok(keys)
    }

    /// Makes the next key of a kind beside those that are in `folder`. It signs nothing before a policy names it.
    pub fn add(folder: &Path, kind: KeyKind) -> Result<(PathBuf, PublicKey), KeysError> {
        if !folder.join(ORIGIN_FILE).exists() {
            return Err(KeysError::Missing { folder: folder.to_owned() });
        }
        let (path, key) = add_key(folder, kind)?;
        Ok((path, key.public()))
    }

    /// The keys of a kind, oldest first.
    pub fn keys(&self, kind: KeyKind) -> &[SigningKey] {
        match kind {
            KeyKind::Log => &self.log,
            KeyKind::Head => &self.head,
            KeyKind::Registry => &self.registry,
        }
    }

    /// The public halves of the first keys: log, head, registry.
    pub fn public(&self) -> [PublicKey; 3] {
        KeyKind::ALL.map(|kind| self.keys(kind).first().expect("no kind is empty").public())
    }

    /// The keys that sign while a policy is in force; the first ones before any is.
    pub fn acting(&self, policy: Option<&Policy>) -> Result<ActingKeys, KeysError> {
        let newest = |kind| {
            let mut acting = self.acting_of(kind, policy)?;
            acting.pop().ok_or_else(|| not_held(kind, policy))
        };
        let log = self.acting_of(KeyKind::Log, policy)?;
        Ok(ActingKeys { log, head: newest(KeyKind::Head)?, registry: newest(KeyKind::Registry)? })
    }

    /// Whether every key is held that a policy names.
    pub(super) fn has_all_of(&self, policy: &Policy) -> bool {
        KeyKind::ALL.into_iter().all(|kind| {
            let held: Vec<PublicKey> = self.keys(kind).iter().map(SigningKey::public).collect();
            kind.named_by(policy).iter().all(|key| held.contains(key))
        })
    }

    fn acting_of(&self, kind: KeyKind, policy: Option<&Policy>) -> Result<Vec<SigningKey>, KeysError> {
        let held = self.keys(kind);
        let Some(in_force) = policy else { return Ok(held.first().cloned().into_iter().collect()) };
        let is_named = |key: &&SigningKey| kind.named_by(in_force).contains(&key.public());
        let acting: Vec<SigningKey> = held.iter().filter(is_named).cloned().collect();
        if acting.is_empty() { Err(not_held(kind, policy)) } else { Ok(acting) }
    }

    /// Makes a new one-time login secret and keeps its hash in `folder`.
    pub fn new_login(&self, folder: &Path) -> Result<LoginSecret, KeysError> {
        let [log, head, registry] = self.public();
        let fingerprint = KeysFingerprint::of(&self.origin, &[log], &[head], &[registry]);
        let secret = LoginSecret::new(random_array(), fingerprint);
        let path = folder.join(LOGIN_FILE);
        write_private(&path, &secret.sha256().to_string())
            .map_err(|source| KeysError::File { path, source })?;
        Ok(secret)
    }

    /// Whether this is the secret whose hash is kept in `folder`; compared in constant time.
    pub fn is_login(folder: &Path, secret: &LoginSecret) -> bool {
        let Ok(text) = fs::read_to_string(folder.join(LOGIN_FILE)) else { return false };
        let Ok(kept) = text.trim_end().parse::<Sha256Digest>() else { return false };
        kept.as_bytes().ct_eq(secret.sha256().as_bytes()).into()
    }

    /// Forgets the login secret: policy 1 is logged.
    pub fn forget_login(folder: &Path) {
        if let Err(error) = fs::remove_file(folder.join(LOGIN_FILE))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the used login secret's hash could not be removed; it opens nothing any more");
        }
    }
}

fn not_held(kind: KeyKind, policy: Option<&Policy>) -> KeysError {
    KeysError::NotHeld { policy: policy.map_or(PolicyNumber::FIRST, |policy| policy.number), kind }
}

//! The node's keys: log, head and registry, each of its own, outside the object store.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::key::{KeyError, PublicKey, SigningKey};
use holdfast_formats::login::{KeysFingerprint, LoginSecret};
use holdfast_formats::origin::Origin;
use subtle::ConstantTimeEq as _;

use crate::randomness::{random_array, random_hex};

const ORIGIN_FILE: &str = "origin";
const LOG_FILE: &str = "log.pem";
const HEAD_FILE: &str = "head.pem";
const REGISTRY_FILE: &str = "registry.pem";
const LOGIN_FILE: &str = "login.sha256";

/// What a node signs with, and the log it signs for.
#[derive(Debug, Clone)]
pub struct NodeKeys {
    /// The log's name.
    pub origin: Origin,
    /// Signs checkpoints.
    pub log: SigningKey,
    /// Signs channel heads.
    pub head: SigningKey,
    /// Signs commits and the registry's own statements.
    pub registry: SigningKey,
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
        let key = |name: &str| read_key(&folder.join(name));
        Ok(Some(Self { origin, log: key(LOG_FILE)?, head: key(HEAD_FILE)?, registry: key(REGISTRY_FILE)? }))
    }

    /// Makes new keys in a folder where there are none, not even half a set.
    pub fn make(folder: &Path, origin: Option<Origin>) -> Result<Self, KeysError> {
        let files = [ORIGIN_FILE, LOG_FILE, HEAD_FILE, REGISTRY_FILE];
        match files.map(|name| folder.join(name)).into_iter().find(|path| path.exists()) {
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
        let key = |name: &str| write_key(&folder.join(name));
        let keys = Self { origin, log: key(LOG_FILE)?, head: key(HEAD_FILE)?, registry: key(REGISTRY_FILE)? };
        let path = folder.join(ORIGIN_FILE);
        write_private(&path, &format!("{}\n", keys.origin)).map_err(file(path.clone()))?;
        Ok(keys)
    }

    /// The public halves: log, head, registry.
    pub fn public(&self) -> [PublicKey; 3] {
        [self.log.public(), self.head.public(), self.registry.public()]
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

fn read_key(path: &Path) -> Result<SigningKey, KeysError> {
    let pem = fs::read_to_string(path).map_err(|source| KeysError::File { path: path.to_owned(), source })?;
    SigningKey::from_pkcs8_pem(&pem).map_err(|source| KeysError::Key { path: path.to_owned(), source })
}

fn write_key(path: &Path) -> Result<SigningKey, KeysError> {
    let key = SigningKey::from_seed(random_array());
    let pem = key.to_pkcs8_pem().map_err(|source| KeysError::Key { path: path.to_owned(), source })?;
    write_private(path, &pem).map_err(|source| KeysError::File { path: path.to_owned(), source })?;
    Ok(key)
}

/// Makes a folder that only this user may enter; one that is there stays as it is.
fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Writes a file that only this user may read, durably.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

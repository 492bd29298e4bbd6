//! The user's signing key on disk: PKCS#8 PEM (or OpenSSH, when it was made there), readable by its owner only, never
//! overwritten.

mod openssh;

use std::path::Path;

use holdfast_formats::key::SigningKey;

use crate::atomic_file::{self, Secrecy};
use crate::error::ClientError;
use crate::randomness::random_array;

const PEM_BYTES_MAX: u64 = 16 * 1024;

/// Reads a key: PKCS#8 PEM as OpenSSL writes it, or an OpenSSH `ssh-ed25519` key without passphrase.
pub fn load(path: &Path) -> Result<SigningKey, ClientError> {
    let bytes = atomic_file::read(path, PEM_BYTES_MAX)?
        .ok_or_else(|| ClientError::NoKey { path: path.to_owned() })?;
    let pem = String::from_utf8(bytes).map_err(|_| ClientError::FileMalformed {
        path: path.to_owned(),
        rule: "it is not a PEM file".to_owned(),
    })?;
    if openssh::is_openssh(&pem) {
        let refused =
            |rule: &str| ClientError::FileMalformed { path: path.to_owned(), rule: rule.to_owned() };
        return openssh::parse(&pem).map_err(refused);
    }
    SigningKey::from_pkcs8_pem(&pem).map_err(|source| ClientError::Key { path: path.to_owned(), source })
}

/// Makes a new key. A key that is there is left alone.
pub fn generate(path: &Path) -> Result<SigningKey, ClientError> {
    if path.exists() {
        return Err(ClientError::FileExists { path: path.to_owned() });
    }
    let key = SigningKey::from_seed(random_array());
    let pem = key.to_pkcs8_pem().map_err(|source| ClientError::Key { path: path.to_owned(), source })?;
    atomic_file::write(path, pem.as_bytes(), Secrecy::Secret)?;
    Ok(key)
}

/// Reads the key that is there, or makes one.
pub fn load_or_generate(path: &Path) -> Result<SigningKey, ClientError> {
    if path.exists() { load(path) } else { generate(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_is_read_again_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let key = load_or_generate(&path).unwrap();
        assert_eq!(load(&path).unwrap().public(), key.public());
        assert!(matches!(generate(&path), Err(ClientError::FileExists { .. })));
        assert_eq!(load_or_generate(&path).unwrap().public(), key.public());
    }

    #[test]
    fn a_missing_key_and_a_file_that_is_no_key_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        assert!(matches!(load(&path), Err(ClientError::NoKey { .. })));
        std::fs::write(&path, "-----BEGIN RSA PRIVATE KEY-----\n").unwrap();
        assert!(matches!(load(&path), Err(ClientError::Key { .. })));
    }
}

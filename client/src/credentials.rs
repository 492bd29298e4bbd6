//! The user's tokens on disk, by address and log, readable by their owner only. A token is never printed from here.
//!
//! A token belongs to the address that it was made at: a trust.json that names a known log at somebody else's address
//! must not get it.

use std::path::Path;

use holdfast_formats::origin::Origin;
use holdfast_formats::token::Token;
use holdfast_formats::{StrictMap, from_json};

use crate::atomic_file::{self, Secrecy};
use crate::error::ClientError;
use crate::transport::Address;

const BYTES_MAX: usize = 1024 * 1024;

/// Tokens by address, then by log.
type Tokens = StrictMap<String, StrictMap<Origin, String>>;

/// The token for a log at an address, when there is one.
pub(crate) fn load(path: &Path, address: &Address, origin: &Origin) -> Result<Option<Token>, ClientError> {
    let tokens = read(path)?;
    let Some(text) = tokens.get(&address.to_string()).and_then(|own| own.get(origin)) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| malformed(path, format!("the token of {origin} is not one")))
}

/// Keeps a token, in place of an older one.
pub(crate) fn store(
    path: &Path,
    address: &Address,
    origin: &Origin,
    token: &Token,
) -> Result<(), ClientError> {
    let mut tokens = read(path)?;
    let mut own = tokens.get(&address.to_string()).cloned().unwrap_or_else(StrictMap::empty);
    own.insert(origin.clone(), token.expose());
    tokens.insert(address.to_string(), own);
    let mut bytes = serde_json::to_vec_pretty(&tokens)
        .map_err(|source| ClientError::Encode { what: "credentials", source })?;
    bytes.push(b'\n');
    atomic_file::write(path, &bytes, Secrecy::Secret)
}

fn read(path: &Path) -> Result<Tokens, ClientError> {
    let Some(bytes) = atomic_file::read(path, BYTES_MAX as u64)? else { return Ok(StrictMap::empty()) };
    // The parser's message might quote a token, so it is left out.
    from_json(&bytes, BYTES_MAX)
        .map_err(|_| malformed(path, "it is not an object of addresses, log names and tokens".to_owned()))
}

fn malformed(path: &Path, rule: String) -> ClientError {
    ClientError::FileMalformed { path: path.to_owned(), rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn t39_a_broken_file_is_reported_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        std::fs::write(&path, r#"{"http://a":{"log":"hft_secretsecret","log":7}}"#).unwrap();
        let error = load(&path, &address("http://a"), &"log".parse().unwrap()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secretsecret"), "{error:?}");
    }

    #[test]
    fn t35_a_known_log_at_another_address_gets_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        let (a, b): (Origin, Origin) = ("a".parse().unwrap(), "b".parse().unwrap());
        let (here, elsewhere) = (address("https://registry.example"), address("https://evil.example"));
        store(&path, &here, &a, &Token::from_bytes([1; 32])).unwrap();
        store(&path, &here, &b, &Token::from_bytes([2; 32])).unwrap();
        store(&path, &here, &a, &Token::from_bytes([3; 32])).unwrap();
        assert_eq!(load(&path, &here, &a).unwrap(), Some(Token::from_bytes([3; 32])));
        assert_eq!(load(&path, &here, &b).unwrap(), Some(Token::from_bytes([2; 32])));
        assert_eq!(load(&path, &elsewhere, &a).unwrap(), None);
    }
}

//! The user's tokens on disk, one a log, readable by their owner only. A token is never printed from here.

use std::path::Path;

use holdfast_formats::origin::Origin;
use holdfast_formats::token::Token;
use holdfast_formats::{StrictMap, from_json};

use crate::atomic_file::{self, Secrecy};
use crate::error::ClientError;

const BYTES_MAX: usize = 1024 * 1024;

/// The token for a log, when there is one.
pub(crate) fn load(path: &Path, origin: &Origin) -> Result<Option<Token>, ClientError> {
    let Some(text) = read(path)?.get(origin).cloned() else { return Ok(None) };
    text.parse().map(Some).map_err(|_| malformed(path, format!("the token of {origin} is not one")))
}

/// Keeps a token for a log, in place of an older one.
pub(crate) fn store(path: &Path, origin: &Origin, token: &Token) -> Result<(), ClientError> {
    let mut tokens = read(path)?;
    tokens.insert(origin.clone(), token.expose());
    let mut bytes =
        serde_json::to_vec_pretty(&tokens).map_err(|source| ClientError::Encode { what: "credentials", source })?;
    bytes.push(b'\n');
    atomic_file::write(path, &bytes, Secrecy::Secret)
}

fn read(path: &Path) -> Result<StrictMap<Origin, String>, ClientError> {
    let Some(bytes) = atomic_file::read(path, BYTES_MAX as u64)? else { return Ok(StrictMap::empty()) };
    // The parser's message might quote a token, so it is left out.
    from_json(&bytes, BYTES_MAX).map_err(|_| malformed(path, "it is not an object of log names and tokens".to_owned()))
}

fn malformed(path: &Path, rule: String) -> ClientError {
    ClientError::FileMalformed { path: path.to_owned(), rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t39_a_broken_file_is_reported_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        std::fs::write(&path, r#"{"log":"hft_secretsecret","log":7}"#).unwrap();
        let origin: Origin = "log".parse().unwrap();
        let error = load(&path, &origin).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secretsecret"), "{error:?}");
    }

    #[test]
    fn each_log_has_its_own_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        let (a, b): (Origin, Origin) = ("a".parse().unwrap(), "b".parse().unwrap());
        store(&path, &a, &Token::from_bytes([1; 32])).unwrap();
        store(&path, &b, &Token::from_bytes([2; 32])).unwrap();
        store(&path, &a, &Token::from_bytes([3; 32])).unwrap();
        assert_eq!(load(&path, &a).unwrap(), Some(Token::from_bytes([3; 32])));
        assert_eq!(load(&path, &b).unwrap(), Some(Token::from_bytes([2; 32])));
        assert_eq!(load(&path, &"c".parse().unwrap()).unwrap(), None);
    }
}

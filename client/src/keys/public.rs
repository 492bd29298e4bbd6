//! Public keys in the forms that other programs write them: our own text, a line of OpenSSH, a PEM of OpenSSL.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use holdfast_formats::key::PublicKey;

use super::error::SignerError;
use super::wire::read_public;
use crate::atomic_file;
use crate::error::ClientError;

const FILE_BYTES_MAX: u64 = 16 * 1024;
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";
/// What stands before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410 section 4).
const PEM_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Reads a public key: `ed25519:…`, an `ssh-ed25519 …` line or a PEM public key.
pub fn parse_public(text: &str) -> Option<PublicKey> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix(PEM_BEGIN) {
        return from_pem(rest.strip_suffix(PEM_END)?);
    }
    if let Some(rest) = text.strip_prefix("ssh-ed25519 ") {
        return read_public(&BASE64.decode(rest.split_whitespace().next()?).ok()?);
    }
    text.parse().ok()
}

/// The public key that is given, or that the named file holds: as a public key, or as a private one.
pub fn public_of(text: &str) -> Result<PublicKey, ClientError> {
    if let Some(key) = parse_public(text) {
        return Ok(key);
    }
    let refused = || ClientError::from(SignerError::NoPublicKey(text.to_owned()));
    let path = Path::new(text);
    let bytes = atomic_file::read(path, FILE_BYTES_MAX)?.ok_or_else(refused)?;
    match std::str::from_utf8(&bytes).ok().and_then(parse_public) {
        Some(key) => Ok(key),
        None => Ok(super::Signer::open(path).map_err(|_| refused())?.public()),
    }
}

fn from_pem(body: &str) -> Option<PublicKey> {
    let base64: String = body.split_whitespace().collect();
    let der = BASE64.decode(base64).ok()?;
    let key = der.strip_prefix(PEM_HEAD.as_slice())?.try_into().ok()?;
    PublicKey::from_bytes(key).ok()
}

#[cfg(test)]
mod tests {
    use holdfast_formats::key::SigningKey;

    use super::super::wire::write_public;
    use super::*;

    #[test]
    fn three_forms_of_a_public_key_are_the_same_key() {
        let key = SigningKey::from_seed([5; 32]).public();
        let pem = [PEM_HEAD.as_slice(), key.as_bytes()].concat();
        for text in [
            format!("{key}\n"),
            format!("ssh-ed25519 {} me@here\n", BASE64.encode(write_public(&key))),
            format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", BASE64.encode(pem)),
        ] {
            assert_eq!(parse_public(&text), Some(key.clone()), "{text}");
        }
    }

    #[test]
    fn other_kinds_of_keys_and_longer_ones_are_refused() {
        let key = SigningKey::from_seed([5; 32]).public();
        let longer = [write_public(&key), vec![0]].concat();
        let rsa = [PEM_HEAD.as_slice(), key.as_bytes(), &[0]].concat();
        for text in [
            String::new(),
            format!("ssh-rsa {}", BASE64.encode(write_public(&key))),
            format!("ssh-ed25519 {}", BASE64.encode(longer)),
            format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", BASE64.encode(rsa)),
        ] {
            assert_eq!(parse_public(&text), None, "{text}");
        }
    }
}

//! Unencrypted OpenSSH private keys of type `ssh-ed25519`: what `ssh-keygen -t ed25519 -N ''` writes.
//!
//! Reads only this one shape of the format (openssh PROTOCOL.key); whatever else is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use holdfast_formats::key::SigningKey;

use super::wire::{ED25519, Reader};

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// Whether a file begins like such a key.
pub(super) fn is_openssh(text: &str) -> bool {
    text.trim_start().starts_with(BEGIN)
}

/// Reads the key; the error says why not.
pub(super) fn parse(text: &str) -> Result<SigningKey, &'static str> {
    let body = text.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).ok_or("it is cut")?;
    let base64: String = body.split_whitespace().collect();
    let bytes = BASE64.decode(base64.as_bytes()).map_err(|_| "it is not base64")?;
    let mut outer = Reader(bytes.strip_prefix(MAGIC).ok_or("it is not an openssh-key-v1 file")?);
    let plain = outer.string()? == b"none" && outer.string()? == b"none" && outer.string()?.is_empty();
    if !plain {
        return Err(
            "it is encrypted; load it into the ssh-agent with `ssh-add`, then run `holdfast key from ssh-agent`",
        );
    }
    if outer.number()? != 1 {
        return Err("it must hold exactly one key");
    }
    outer.string()?;
    let mut private = Reader(outer.string()?);
    if private.number()? != private.number()? {
        return Err("it is damaged");
    }
    if private.string()? != ED25519 {
        return Err("it is not an ssh-ed25519 key");
    }
    let public = private.string()?;
    let pair = private.string()?;
    let (seed, tail) = pair.split_first_chunk::<32>().ok_or("it is damaged")?;
    let key = SigningKey::from_seed(*seed);
    if tail != public || key.public().as_bytes().as_slice() != public {
        return Err("its public half does not belong to its private half");
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key file of the same shape, put together by hand.
    fn file(cipher: &[u8], kind: &[u8], seed: [u8; 32], public: &[u8]) -> String {
        let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
        let blob = [string(kind), string(public)].concat();
        let pair = [seed.as_slice(), public].concat();
        let check = 7_u32.to_be_bytes();
        let private = [
            &check,
            &check,
            string(kind).as_slice(),
            &string(public),
            &string(&pair),
            &string(b"me@here"),
            &[1, 2, 3],
        ]
        .concat();
        let bytes = [
            MAGIC,
            &string(cipher),
            &string(b"none"),
            &string(b""),
            &1_u32.to_be_bytes(),
            &string(&blob),
            &string(&private),
        ]
        .concat();
        let base64 = BASE64.encode(&bytes);
        let lines: Vec<&str> =
            base64.as_bytes().chunks(70).map(|l| std::str::from_utf8(l).unwrap()).collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    }

    #[test]
    fn a_plain_ed25519_key_is_read() {
        let key = SigningKey::from_seed([5; 32]);
        let text = file(b"none", ED25519, [5; 32], key.public().as_bytes());
        assert!(is_openssh(&text));
        assert_eq!(parse(&text).unwrap().public(), key.public());
    }

    #[test]
    fn encrypted_foreign_mismatched_and_cut_keys_are_refused() {
        let public = *SigningKey::from_seed([5; 32]).public().as_bytes();
        assert!(parse(&file(b"aes256-ctr", ED25519, [5; 32], &public)).unwrap_err().contains("encrypted"));
        assert!(parse(&file(b"none", b"ssh-rsa", [5; 32], &public)).unwrap_err().contains("ssh-ed25519"));
        assert!(parse(&file(b"none", ED25519, [6; 32], &public)).is_err());
        let text = file(b"none", ED25519, [5; 32], &public);
        let middle = text.len() / 2 / 4 * 4;
        for cut in [60, middle] {
            assert!(parse(&format!("{}{END}\n", &text[..cut])).is_err(), "{cut}");
        }
    }
}

//! A commit: the batch of entries that one create-only object makes durable at once.
//!
//! A text header, one value a line, then the entries framed like a C2SP entry bundle:
//!
//! ```text
//! holdfast/commit/v1
//! <origin>
//! <number>
//! <hash of the commit before, 64 hex digits; zeros for commit 0>
//! <tree size before>
//! <number of entries>
//! <root afterwards, base64>
//! <writer's key id>
//! <nonce, 32 hex digits>
//! <writer's signature over everything above, base64>
//! (empty line)
//! ```
//!
//! The hash of a commit is the SHA-256 of its header: it binds the entries through size and root.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::digest::Sha256Digest;
use crate::id::RandomId;
use crate::key::{KeyError, KeyId, PublicKey, SigningKey};
use crate::origin::Origin;
use crate::text::TextError;
use crate::tree::{TreeHash, TreeSize};

const FIRST_LINE: &str = "holdfast/commit/v1";
const HEADER_BYTES_MAX: usize = 1024;

/// What a writer decides before it signs a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitHeader {
    /// The log.
    pub origin: Origin,
    /// The slot, from 0.
    pub number: u64,
    /// The hash of the commit before; zeros for commit 0.
    pub previous: Sha256Digest,
    /// The tree size before.
    pub previous_size: TreeSize,
    /// How many entries follow.
    pub count: u64,
    /// The root with these entries.
    pub root: TreeHash,
    /// The key that signs.
    pub writer: KeyId,
    /// Tells this writer's bytes from another's.
    pub nonce: RandomId,
}

/// A commit whose form is sound. Whether its signature, chain and root are right is checked by whoever replays it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The header.
    pub header: CommitHeader,
    /// The writer's signature.
    pub signature: [u8; 64],
    /// SHA-256 of the whole header text: what the next commit names as `previous`.
    pub hash: Sha256Digest,
    /// The leaves in order.
    pub entries: Vec<Vec<u8>>,
}

/// Why bytes are no commit.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The header or the framing is malformed.
    #[error("the commit is malformed: {0}")]
    Malformed(&'static str),
    /// One of its values is malformed.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The signature does not verify.
    #[error("the commit's signature: {0}")]
    Key(#[from] KeyError),
}

impl CommitHeader {
    fn signed_text(&self) -> String {
        format!(
            "{FIRST_LINE}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n",
            self.origin,
            self.number,
            self.previous,
            self.previous_size,
            self.count,
            self.root,
            self.writer,
            self.nonce
        )
    }

    /// Signs and writes the whole object, and gives its hash.
    pub fn encode(
        &self,
        key: &SigningKey,
        entries: &[Vec<u8>],
    ) -> Result<(Vec<u8>, Sha256Digest), CommitError> {
        let mut text = self.signed_text();
        let signature = key.sign(text.as_bytes());
        writeln!(text, "{}", BASE64.encode(signature))
            .map_err(|_| CommitError::Malformed("it cannot be written"))?;
        let hash = Sha256Digest::of(text.as_bytes());
        text.push('\n');
        let mut out = text.into_bytes();
        out.reserve(entries.iter().map(|e| e.len() + 2).sum());
        for entry in entries {
            let length = u16::try_from(entry.len())
                .map_err(|_| CommitError::Malformed("an entry is over 65,535 bytes"))?;
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(entry);
        }
        Ok((out, hash))
    }
}

impl Commit {
    /// Reads an object and checks its form.
    pub fn parse(bytes: &[u8]) -> Result<Self, CommitError> {
        let wrong = CommitError::Malformed;
        let head = bytes.get(..bytes.len().min(HEADER_BYTES_MAX)).unwrap_or(bytes);
        let end = head.windows(2).position(|w| w == b"\n\n").ok_or(wrong("its header does not end"))? + 1;
        let (text, body) = bytes.split_at_checked(end).ok_or(wrong("its header does not end"))?;
        let body = body.get(1..).ok_or(wrong("its header does not end"))?;
        let hash = Sha256Digest::of(text);
        let text = std::str::from_utf8(text).map_err(|_| wrong("its header is not UTF-8"))?;
        let (header, signature) = parse_header(text)?;
        let entries = parse_entries(body)?;
        if entries.len() as u64 != header.count || entries.is_empty() {
            return Err(wrong("it does not have the number of entries that it says"));
        }
        Ok(Self { header, signature, hash, entries })
    }

    /// Checks the writer's signature under one key.
    pub fn verify(&self, key: &PublicKey) -> Result<(), KeyError> {
        if key.id() != self.header.writer {
            return Err(KeyError::BadSignature);
        }
        key.verify(self.header.signed_text().as_bytes(), &self.signature)
    }
}

fn parse_header(text: &str) -> Result<(CommitHeader, [u8; 64]), CommitError> {
    let wrong = CommitError::Malformed;
    let mut lines = text.lines();
    let mut next = || lines.next().ok_or(wrong("its header is cut short"));
    if next()? != FIRST_LINE {
        return Err(wrong("it does not begin with holdfast/commit/v1"));
    }
    let header = CommitHeader {
        origin: next()?.parse()?,
        number: decimal(next()?)?,
        previous: next()?.parse()?,
        previous_size: TreeSize::new(decimal(next()?)?).map_err(|_| wrong("its tree size is too large"))?,
        count: decimal(next()?)?,
        root: next()?.parse().map_err(|_| wrong("its root is not a tree hash"))?,
        writer: next()?.parse()?,
        nonce: next()?.parse()?,
    };
    let signature = BASE64.decode(next()?.as_bytes()).map_err(|_| wrong("its signature is not base64"))?;
    let signature = signature.try_into().map_err(|_| wrong("its signature does not have 64 bytes"))?;
    if lines.next().is_some() {
        return Err(wrong("its header has too many lines"));
    }
    Ok((header, signature))
}

fn decimal(text: &str) -> Result<u64, CommitError> {
    let number: u64 = text.parse().map_err(|_| CommitError::Malformed("a number is not decimal"))?;
    if number.to_string() == text {
        Ok(number)
    } else {
        Err(CommitError::Malformed("a number is not in its shortest form"))
    }
}

fn parse_entries(mut body: &[u8]) -> Result<Vec<Vec<u8>>, CommitError> {
    let mut entries = Vec::new();
    while !body.is_empty() {
        let cut = CommitError::Malformed("an entry is cut short");
        let Some((length, rest)) = body.split_first_chunk::<2>() else { return Err(cut) };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((entry, rest)) = rest.split_at_checked(length) else { return Err(cut) };
        entries.push(entry.to_vec());
        body = rest;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit() -> (SigningKey, Vec<u8>) {
        let key = SigningKey::from_seed([3; 32]);
        let header = CommitHeader {
            origin: "example/log".parse().unwrap(),
            number: 0,
            previous: Sha256Digest::from_bytes([0; 32]),
            previous_size: TreeSize::new(0).unwrap(),
            count: 2,
            root: TreeHash::empty(),
            writer: key.public().id(),
            nonce: RandomId::from_bytes([4; 16]),
        };
        let (bytes, _) = header.encode(&key, &[b"one".to_vec(), b"two".to_vec()]).unwrap();
        (key, bytes)
    }

    #[test]
    fn a_commit_survives_its_bytes() {
        let (key, bytes) = commit();
        let commit = Commit::parse(&bytes).unwrap();
        assert_eq!(commit.entries, [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(commit.verify(&key.public()), Ok(()));
    }

    #[test]
    fn t7_a_torn_or_altered_commit_is_refused() {
        let (key, bytes) = commit();
        for end in 0..bytes.len() {
            assert!(Commit::parse(&bytes[..end]).is_err(), "cut at {end}");
        }
        let header_end = bytes.len() - 10;
        for at in 0..header_end {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            let refused = Commit::parse(&wrong).map_or(true, |c| c.verify(&key.public()).is_err());
            assert!(refused, "bit flipped in byte {at}");
        }
    }
}

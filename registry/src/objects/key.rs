//! Where each object lives. The layout of the store is written here and nowhere else.

use std::fmt;

use holdfast_formats::blob::BLOB_RECORD_BYTES_MAX;
use holdfast_formats::limits::{ATTACHMENT_BYTES_MAX, CHUNK_BYTES_MAX};
use holdfast_formats::note::NOTE_BYTES_MAX;
use object_store::path::Path;

const COMMITS_PER_DIRECTORY: u64 = 10_000;
/// `log/commits/…` needs the 20 digits of `u64::MAX` for keys to sort like numbers.
const COMMIT_DIGITS: usize = 20;
const SEGMENT_BYTES_MAX: usize = 200;

/// What small objects (the checkpoint, aliases, probes) never exceed.
const SMALL_OBJECT_BYTES_MAX: u64 = NOTE_BYTES_MAX as u64;
/// 256 entries of the largest size, framed, behind their header: a commit, and a tile of entries.
const ENTRIES_OBJECT_BYTES_MAX: u64 = 17 * 1024 * 1024;
/// A chunk or record with what is written around it.
const SEAL_BYTES: u64 = 64 * 1024;
const CHUNK_OBJECT_BYTES_MAX: u64 = CHUNK_BYTES_MAX as u64 + SEAL_BYTES;
const BLOB_OBJECT_BYTES_MAX: u64 = BLOB_RECORD_BYTES_MAX as u64 + SEAL_BYTES;

/// A key part that cannot be part of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{part:?} cannot be part of an object key: use 1 to 200 of a-z A-Z 0-9 . _ - and no leading dot, digests in full"
)]
pub struct InvalidKey {
    part: String,
}

impl InvalidKey {
    pub(super) const fn of(part: String) -> Self {
        Self { part }
    }
}

/// The address of one object, relative to the root of the store.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    path: Path,
    family: Family,
    bytes_max: u64,
}

/// Which directories must exist, and be durable, before the first object of a kind is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Family {
    /// Its parent directory is synced before it is first used.
    Durable,
    /// Every fan-out directory of the namespace is made at once.
    Namespace(String),
    /// Derived or short-lived: directories are made when missing.
    Derived,
}

impl ObjectKey {
    /// `log/commits/<n div 10000>/<20 digits>`
    pub fn commit(n: u64) -> Self {
        let directory = n / COMMITS_PER_DIRECTORY;
        let path = format!("log/commits/{directory}/{n:0COMMIT_DIGITS$}");
        Self::new(path, Family::Durable, ENTRIES_OBJECT_BYTES_MAX)
    }

    /// `log/attachments/<sha256>`
    pub fn attachment(sha256_hex: &str) -> Result<Self, InvalidKey> {
        hex(sha256_hex, 64)?;
        let path = format!("log/attachments/{sha256_hex}");
        Ok(Self::new(path, Family::Durable, ATTACHMENT_BYTES_MAX as u64))
    }

    /// `log/<path>`, where `path` is a path of the C2SP tlog-tiles specification such as `tile/0/x001/067.p/8`.
    pub fn tile(path: &str) -> Result<Self, InvalidKey> {
        let mut segments = path.split('/');
        if segments.next() != Some("tile") {
            return Err(InvalidKey { part: path.to_owned() });
        }
        segments.try_for_each(segment)?;
        Ok(Self::new(format!("log/{path}"), Family::Derived, ENTRIES_OBJECT_BYTES_MAX))
    }

    /// `log/checkpoint`
    pub fn checkpoint() -> Self {
        Self::new("log/checkpoint".to_owned(), Family::Derived, SMALL_OBJECT_BYTES_MAX)
    }

    /// `chunks/<namespace>/<2 hex>/<blake3>.<g>`
    pub fn chunk(namespace: &str, blake3_hex: &str, g: u64) -> Result<Self, InvalidKey> {
        Self::fanned_out("chunks", namespace, blake3_hex, g, CHUNK_OBJECT_BYTES_MAX)
    }

    /// `blobs/<namespace>/<2 hex>/<blake3>.<g>`
    pub fn blob(namespace: &str, blake3_hex: &str, g: u64) -> Result<Self, InvalidKey> {
        Self::fanned_out("blobs", namespace, blake3_hex, g, BLOB_OBJECT_BYTES_MAX)
    }

    /// `aliases/<namespace>/<alg>/<hex>.<g>`, where `algorithm` is `sha256` or `sha512`.
    pub fn alias(namespace: &str, algorithm: &str, digest_hex: &str, g: u64) -> Result<Self, InvalidKey> {
        segment(namespace)?;
        let digits = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return Err(InvalidKey { part: algorithm.to_owned() }),
        };
        hex(digest_hex, digits)?;
        let path = format!("aliases/{namespace}/{algorithm}/{digest_hex}.{g}");
        Ok(Self::new(path, Family::Namespace(namespace.to_owned()), SMALL_OBJECT_BYTES_MAX))
    }

    pub(super) fn probe(random_hex: &str) -> Self {
        Self::new(format!("probe/{random_hex}"), Family::Derived, SMALL_OBJECT_BYTES_MAX)
    }

    /// The whole key, segments separated by `/`.
    pub fn as_str(&self) -> &str {
        self.path.as_ref()
    }

    /// Whether it is that of a chunk.
    pub fn is_chunk(&self) -> bool {
        self.as_str().starts_with("chunks/")
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is of what artifacts are made of, and no part of the log.
    pub(super) const fn is_content(&self) -> bool {
        matches!(self.family, Family::Namespace(_))
    }

    pub(super) fn family(&self) -> &Family {
        &self.family
    }

    /// More than an object of this kind ever has: whoever reads one whole need not read further.
    pub(super) const fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    fn new(path: String, family: Family, bytes_max: u64) -> Self {
        Self { path: Path::from(path), family, bytes_max }
    }

    fn fanned_out(
        class: &str,
        namespace: &str,
        blake3_hex: &str,
        g: u64,
        bytes_max: u64,
    ) -> Result<Self, InvalidKey> {
        segment(namespace)?;
        hex(blake3_hex, 64)?;
        let fan = blake3_hex.get(..2).unwrap_or_default();
        let path = format!("{class}/{namespace}/{fan}/{blake3_hex}.{g}");
        Ok(Self::new(path, Family::Namespace(namespace.to_owned()), bytes_max))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectKey({})", self.as_str())
    }
}

/// A part of the store that can be listed: whole path segments, never the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPrefix {
    path: Path,
}

impl KeyPrefix {
    /// Every commit, oldest first (within one directory of 10,000; directories sort as text).
    pub fn commits() -> Self {
        Self::new("log/commits".to_owned())
    }

    /// The commits that share a directory with commit `n`, oldest first.
    pub fn commits_beside(n: u64) -> Self {
        Self::new(format!("log/commits/{}", n / COMMITS_PER_DIRECTORY))
    }

    /// Every attachment.
    pub fn attachments() -> Self {
        Self::new("log/attachments".to_owned())
    }

    /// Every tile and entry bundle.
    pub fn tiles() -> Self {
        Self::new("log/tile".to_owned())
    }

    /// Every chunk of a namespace.
    pub fn chunks(namespace: &str) -> Result<Self, InvalidKey> {
        Self::of_namespace("chunks", namespace)
    }

    /// Every blob record of a namespace.
    pub fn blobs(namespace: &str) -> Result<Self, InvalidKey> {
        Self::of_namespace("blobs", namespace)
    }

    /// Every alias of a namespace that finds a blob by its SHA-256.
    pub fn aliases_by_sha256(namespace: &str) -> Result<Self, InvalidKey> {
        segment(namespace)?;
        Ok(Self::new(format!("aliases/{namespace}/sha256")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn new(path: String) -> Self {
        Self { path: Path::from(path) }
    }

    fn of_namespace(class: &str, namespace: &str) -> Result<Self, InvalidKey> {
        segment(namespace)?;
        Ok(Self::new(format!("{class}/{namespace}")))
    }
}

/// Refuses whatever a file system or a URL could read as something else than a plain name.
fn segment(part: &str) -> Result<(), InvalidKey> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fits = (1..=SEGMENT_BYTES_MAX).contains(&part.len());
    if fits && part.bytes().all(plain) && !part.starts_with('.') {
        return Ok(());
    }
    Err(InvalidKey { part: part.to_owned() })
}

fn hex(part: &str, digits: usize) -> Result<(), InvalidKey> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if part.len() == digits && part.bytes().all(is_hex) {
        return Ok(());
    }
    Err(InvalidKey { part: part.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

    #[test]
    fn keys_follow_the_layout() -> Result<(), InvalidKey> {
        assert_eq!(ObjectKey::commit(123_456).as_str(), "log/commits/12/00000000000000123456");
        assert_eq!(ObjectKey::attachment(DIGEST)?.as_str(), format!("log/attachments/{DIGEST}"));
        assert_eq!(ObjectKey::tile("tile/0/x001/067.p/8")?.as_str(), "log/tile/0/x001/067.p/8");
        assert_eq!(ObjectKey::checkpoint().as_str(), "log/checkpoint");
        assert_eq!(ObjectKey::chunk("shop", DIGEST, 0)?.as_str(), format!("chunks/shop/af/{DIGEST}.0"));
        assert_eq!(ObjectKey::blob("shop", DIGEST, 9)?.as_str(), format!("blobs/shop/af/{DIGEST}.9"));
        assert_eq!(
            ObjectKey::alias("shop", "sha256", DIGEST, 3)?.as_str(),
            format!("aliases/shop/sha256/{DIGEST}.3")
        );
        Ok(())
    }

    #[test]
    fn names_that_leave_their_directory_are_refused() {
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a#1", "%2e%2e", "ü", "a\0b", &"x".repeat(201)]
        {
            assert!(ObjectKey::chunk(bad, DIGEST, 0).is_err(), "{bad:?}");
            assert!(KeyPrefix::chunks(bad).is_err(), "{bad:?}");
        }
        for bad in ["../tile/0", "tile/../../x", "tile//0", "entries/0", "/tile/0"] {
            assert!(ObjectKey::tile(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn digests_that_are_not_canonical_are_refused() {
        assert!(ObjectKey::attachment(&DIGEST.to_uppercase()).is_err());
        assert!(ObjectKey::attachment("af").is_err());
        assert!(ObjectKey::alias("shop", "sha512", DIGEST, 0).is_err());
        assert!(ObjectKey::alias("shop", "md5", DIGEST, 0).is_err());
    }
}

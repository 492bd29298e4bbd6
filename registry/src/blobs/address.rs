//! Where content is stored, and how it is named in memory.

use holdfast_formats::digest::{Blake3Digest, NamedDigest, Sha256Digest};
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;

use crate::objects::{InvalidKey, ObjectKey};

/// The index of the newest sweep that named an object, 0 when none did.
///
/// No sweep is committed yet; when they are, every key that this module makes follows from here.
pub(super) const fn generation(_: &Namespace, _: ObjectClass, _: NamedDigest) -> u64 {
    0
}

/// The key of a chunk.
pub(super) fn chunk_key(namespace: &Namespace, digest: &Blake3Digest) -> Result<ObjectKey, InvalidKey> {
    let g = generation(namespace, ObjectClass::Chunk, NamedDigest::Blake3(*digest));
    ObjectKey::chunk(namespace.as_str(), &digest.to_string(), g)
}

/// The key of a blob record.
pub(super) fn record_key(namespace: &Namespace, digest: &Blake3Digest) -> Result<ObjectKey, InvalidKey> {
    let g = generation(namespace, ObjectClass::Blob, NamedDigest::Blake3(*digest));
    ObjectKey::blob(namespace.as_str(), &digest.to_string(), g)
}

/// The key of the alias that finds a blob by its SHA-256.
pub(super) fn alias_key(namespace: &Namespace, digest: &Sha256Digest) -> Result<ObjectKey, InvalidKey> {
    let g = generation(namespace, ObjectClass::Alias, NamedDigest::Sha256(*digest));
    ObjectKey::alias(namespace.as_str(), "sha256", &digest.to_string(), g)
}

/// One object of one namespace, in 32 bytes: a digest of all three parts, so that namespaces never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address([u8; 32]);

impl Address {
    pub(super) fn of(namespace: &Namespace, class: ObjectClass, digest: &Blake3Digest) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [class.as_str().as_bytes(), b"/", namespace.as_str().as_bytes(), b"/", digest.as_bytes()]
        {
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// One of 256 equal parts of all addresses.
    pub(super) fn shard(&self) -> u8 {
        let [first, ..] = self.0;
        first
    }
}

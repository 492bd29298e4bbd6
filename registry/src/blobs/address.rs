//! How content is named in memory: by one digest of whose it is, what it is and which.

use holdfast_formats::digest::{Blake3Digest, NamedDigest};
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;

/// One object of one namespace, in 32 bytes: a digest of all three parts, so that namespaces never meet. Generations do:
/// what is remembered under an address says of which one it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address([u8; 32]);

impl Address {
    pub(super) fn of(namespace: &Namespace, class: ObjectClass, digest: &Blake3Digest) -> Self {
        Self::of_parts(namespace, class, digest.as_bytes())
    }

    /// A class has one algorithm only, so what it is says which digest it is.
    pub(super) fn of_named(namespace: &Namespace, class: ObjectClass, digest: &NamedDigest) -> Self {
        match digest {
            NamedDigest::Blake3(digest) => Self::of_parts(namespace, class, digest.as_bytes()),
            NamedDigest::Sha256(digest) => Self::of_parts(namespace, class, digest.as_bytes()),
        }
    }

    fn of_parts(namespace: &Namespace, class: ObjectClass, digest: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [class.as_str().as_bytes(), b"/", namespace.as_str().as_bytes(), b"/", digest] {
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// What was made of something that is no object by itself.
    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// One of 256 equal parts of all addresses.
    pub(super) fn shard(&self) -> u8 {
        let [first, ..] = self.0;
        first
    }
}

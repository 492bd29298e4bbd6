//! Aliases: finding a blob by its SHA-256. An alias is believed only when the record that it names agrees.

use bytes::Bytes;
use holdfast_formats::digest::{Blake3Digest, Digests, NamedDigest, Sha256Digest};
use holdfast_formats::name::Namespace;

use super::Blobs;
use super::error::{BlobError, Unreadable, Unsound};
use crate::objects::Created;

impl Blobs {
    /// The blob with this SHA-256, `None` when the namespace has none.
    pub async fn find_by_sha256(
        &self,
        namespace: &Namespace,
        sha256: &Sha256Digest,
    ) -> Result<Option<Blake3Digest>, BlobError> {
        let blob = match self.load_alias(namespace, sha256).await {
            Ok(blob) => blob,
            Err(Unreadable::Absent(_)) => return Ok(None),
            Err(unreadable) => return Err(unreadable.into()),
        };
        match self.load_record(namespace, &blob, &self.inner.budget.served_records).await {
            Ok(loaded) if loaded.record.digests.sha256 == *sha256 => Ok(Some(blob)),
            Ok(_) => {
                let key = self.alias_at(namespace, sha256).await?.key()?;
                Err(Unreadable::Bad(key, Unsound::Mismatch).into())
            }
            Err(unreadable) => Err(unreadable.into()),
        }
    }

    /// What an alias names, unchecked.
    pub(super) async fn load_alias(
        &self,
        namespace: &Namespace,
        sha256: &Sha256Digest,
    ) -> Result<Blake3Digest, Unreadable> {
        let key = self.alias_at(namespace, sha256).await?.key()?;
        let object = self.inner.store.get(&key).await.map_err(|error| Unreadable::from_get(&key, error))?;
        parse(&object).ok_or_else(|| Unreadable::Bad(key, Unsound::Malformed("the alias is malformed")))
    }

    /// Writes the alias of a blob whose bytes hashed to both digests; one that says otherwise is bad and is replaced.
    pub(super) async fn store_alias(
        &self,
        namespace: &Namespace,
        digests: &Digests,
    ) -> Result<(), BlobError> {
        let key = self.alias_at(namespace, &digests.sha256).await?.key()?;
        let object = object(digests);
        if self.inner.store.create(&key, object.clone()).await? == Created::New {
            return Ok(());
        }
        if self.inner.store.get(&key).await? == object {
            return Ok(self.inner.store.make_durable(&key).await?);
        }
        self.replace_bad(&key, object).await
    }
}

/// What an alias of a blob holds.
pub(super) fn object(digests: &Digests) -> Bytes {
    Bytes::from(format!("blake3:{}\n", digests.blake3))
}

fn parse(object: &[u8]) -> Option<Blake3Digest> {
    let line = std::str::from_utf8(object).ok()?.strip_suffix('\n')?;
    match line.parse().ok()? {
        NamedDigest::Blake3(digest) => Some(digest),
        NamedDigest::Sha256(_) => None,
    }
}

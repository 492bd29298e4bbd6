//! Attachments: content that entries name by SHA-256. Created once, durable before the entry, never deleted.

use bytes::Bytes;
use holdfast_formats::digest::Sha256Digest;

use crate::objects::{Created, ObjectError, ObjectKey, Store};

/// Why an attachment could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum AttachmentError {
    /// The store failed.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// What is stored does not hash to its name.
    #[error("attachment {0} is corrupt in the store: its bytes do not have that SHA-256")]
    Corrupt(Sha256Digest),
}

/// Attachments of one store.
#[derive(Debug, Clone)]
pub struct Attachments {
    store: Store,
}

impl Attachments {
    pub(super) const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Stores content durably, without waiting for what others write. A leftover of a crash under its name is replaced
    /// when it is bad.
    pub async fn put(&self, bytes: Bytes) -> Result<(), AttachmentError> {
        let key = key(&Sha256Digest::of(&bytes))?;
        let created = self.store.create_durable(&key, bytes.clone()).await?;
        if self.replaced_bad(created, &key, bytes).await? {
            self.store.make_durable(&key).await?;
        }
        Ok(())
    }

    /// Stores content that becomes durable with the store's next barrier: for those who wait for one anyway.
    pub async fn put_before_barrier(&self, bytes: Bytes) -> Result<(), AttachmentError> {
        let key = key(&Sha256Digest::of(&bytes))?;
        let created = self.store.create(&key, bytes.clone()).await?;
        self.replaced_bad(created, &key, bytes).await?;
        Ok(())
    }

    async fn replaced_bad(
        &self,
        created: Created,
        key: &ObjectKey,
        bytes: Bytes,
    ) -> Result<bool, ObjectError> {
        let is_bad = created == Created::AlreadyExisted && self.store.get(key).await? != bytes;
        if is_bad {
            self.store.replace(key, bytes).await?;
        }
        Ok(is_bad)
    }

    /// Reads content and checks it.
    pub async fn get(&self, digest: &Sha256Digest) -> Result<Bytes, AttachmentError> {
        checked(digest, self.store.get(&key(digest)?).await?)
    }

    /// Reads several contents; whoever takes them has each [`checked`], where that may take its time.
    pub(super) async fn get_unchecked(
        &self,
        digests: &[Sha256Digest],
    ) -> Result<Vec<Bytes>, AttachmentError> {
        let keys = digests.iter().map(key).collect::<Result<_, _>>()?;
        Ok(self.store.get_many(keys).await?)
    }
}

/// Content that hashes to its name.
pub(super) fn checked(digest: &Sha256Digest, bytes: Bytes) -> Result<Bytes, AttachmentError> {
    if Sha256Digest::of(&bytes) == *digest { Ok(bytes) } else { Err(AttachmentError::Corrupt(*digest)) }
}

fn key(digest: &Sha256Digest) -> Result<ObjectKey, ObjectError> {
    Ok(ObjectKey::attachment(&digest.to_string())?)
}

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

    /// Stores content durably. A leftover of a crash under its name is replaced when it is bad.
    pub async fn put(&self, bytes: Bytes) -> Result<Sha256Digest, AttachmentError> {
        let digest = Sha256Digest::of(&bytes);
        let key = key(&digest)?;
        if self.store.create_durable(&key, bytes.clone()).await? == Created::AlreadyExisted
            && self.store.get(&key).await? != bytes
        {
            self.store.replace(&key, bytes).await?;
            self.store.make_durable(&key).await?;
        }
        Ok(digest)
    }

    /// Reads content and checks it.
    pub async fn get(&self, digest: &Sha256Digest) -> Result<Bytes, AttachmentError> {
        let bytes = self.store.get(&key(digest)?).await?;
        if Sha256Digest::of(&bytes) == *digest { Ok(bytes) } else { Err(AttachmentError::Corrupt(*digest)) }
    }
}

fn key(digest: &Sha256Digest) -> Result<ObjectKey, ObjectError> {
    Ok(ObjectKey::attachment(&digest.to_string())?)
}

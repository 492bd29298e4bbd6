//! What is stored below a prefix, in key order, read page by page.

use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStore};

use super::error::ObjectError;
use super::key::{KeyPrefix, ObjectKey};
use super::local::{self, LocalDirectory};
use crate::blocking::Blocking;

/// Objects read per pass over a local directory; bounds the memory of a listing to a few MB.
const LOCAL_PAGE: usize = 32_768;

/// The objects of a listing as they arrive.
pub type Listing = BoxStream<'static, Result<Listed, ObjectError>>;

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    key: String,
    size_bytes: u64,
    modified_ms: u64,
}

impl Listed {
    pub(super) fn new(key: String, size_bytes: u64, modified_ms: u64) -> Self {
        Self { key, size_bytes, modified_ms }
    }

    /// The whole key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What follows the last `/` of the key.
    pub fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }

    /// Bytes stored.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// When it was written, by the store's clock, in ms since 1970.
    pub fn modified_ms(&self) -> u64 {
        self.modified_ms
    }
}

pub(super) fn local(
    directory: &Arc<LocalDirectory>,
    blocking: &Blocking,
    prefix: &KeyPrefix,
    after: Option<&ObjectKey>,
) -> Listing {
    let walk = LocalWalk {
        directory: Arc::clone(directory),
        blocking: blocking.clone(),
        prefix: prefix.path().to_string(),
        after: after.map_or_else(String::new, |key| key.as_str().to_owned()),
    };
    stream::try_unfold(Some(walk), LocalWalk::next_page)
        .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

struct LocalWalk {
    directory: Arc<LocalDirectory>,
    blocking: Blocking,
    prefix: String,
    after: String,
}

impl LocalWalk {
    async fn next_page(walk: Option<Self>) -> Result<Option<(Vec<Listed>, Option<Self>)>, ObjectError> {
        let Some(mut walk) = walk else { return Ok(None) };
        let (directory, prefix, after) =
            (Arc::clone(&walk.directory), walk.prefix.clone(), walk.after.clone());
        let page =
            walk.blocking.run(move || local::page(directory.root(), &prefix, &after, LOCAL_PAGE)).await;
        let page = page.map_err(|error| ObjectError::from_io(&walk.prefix, error))?;
        // A page that is not full was the last.
        let Some(last) = page.last().filter(|_| page.len() == LOCAL_PAGE) else {
            return Ok(Some((page, None)));
        };
        last.key().clone_into(&mut walk.after);
        Ok(Some((page, Some(walk))))
    }
}

pub(super) fn remote(objects: &dyn ObjectStore, prefix: &KeyPrefix, after: Option<&ObjectKey>) -> Listing {
    let name = prefix.path().to_string();
    let listing = match after {
        Some(after) => objects.list_with_offset(Some(prefix.path()), after.path()),
        None => objects.list(Some(prefix.path())),
    };
    listing
        .map(move |found| {
            let meta = found.map_err(|error| ObjectError::from_store(&name, error))?;
            let modified_ms = modified_ms(&meta);
            Ok(Listed::new(meta.location.to_string(), meta.size, modified_ms))
        })
        .boxed()
}

/// When the store says it was written, in ms since 1970.
pub(super) fn modified_ms(meta: &ObjectMeta) -> u64 {
    u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0)
}

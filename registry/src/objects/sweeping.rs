//! What only sweeps do with a store: list all content, delete what they named, clear away staging files, and use the room
//! that is kept for them on a full disk.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _, future};
use holdfast_formats::name::Namespace;
use holdfast_formats::statement::ObjectClass;
use object_store::path::Path;

use super::content::{StoredContent, Superseded, content_of};
use super::error::ObjectError;
use super::key::KeyPrefix;
use super::listing::Listed;
use super::store::Store;

/// Where content is.
const TOPS: [&str; 3] = ["chunks", "blobs", "aliases"];

impl Store {
    /// Every object of one class of a namespace, by digest and then by the text of its generation. What no key of this
    /// version names is passed over.
    pub fn list_content(
        &self,
        class: ObjectClass,
        namespace: &Namespace,
    ) -> Result<BoxStream<'static, Result<StoredContent, ObjectError>>, ObjectError> {
        let listing = self.list(&KeyPrefix::of_class(class, namespace)?);
        Ok(listing.try_filter_map(|listed| future::ready(Ok(stored(&listed)))).boxed())
    }

    /// The namespaces that have content, sorted.
    pub async fn namespaces(&self) -> Result<Vec<Namespace>, ObjectError> {
        let mut found = Vec::new();
        for top in TOPS {
            let below = Path::from(top);
            let listed = self.inner.objects.list_with_delimiter(Some(&below)).await;
            let listed = listed.map_err(|error| ObjectError::from_store(top, error))?;
            found.extend(listed.common_prefixes.iter().filter_map(|prefix| prefix.filename()?.parse().ok()));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Deletes what newer sweeps named; that something is not there is fine. What a power cut brings back is a leftover.
    pub async fn delete(&self, objects: Vec<Superseded>) -> Result<(), ObjectError> {
        if let Some(local) = &self.inner.local {
            let directory = Arc::clone(&local.directory);
            let delete_all = move || objects.iter().try_for_each(|object| directory.delete(object.key()));
            return self.inner.host.blocking.run(delete_all).await;
        }
        let Some(first) = objects.first().map(|object| object.key().clone()) else { return Ok(()) };
        let paths: Vec<_> = objects.iter().map(|object| Ok(object.key().path().clone())).collect();
        let mut deleted = self.inner.objects.delete_stream(stream::iter(paths).boxed());
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(ObjectError::from_store(first.as_str(), error)),
            }
        }
        Ok(())
    }

    /// Removes staging files that a crash left behind longer than `older_than` ago; returns how many.
    pub async fn sweep_staging(&self, older_than: Duration) -> Result<u64, ObjectError> {
        let Some(local) = &self.inner.local else { return Ok(0) };
        let age_ms = u64::try_from(older_than.as_millis()).unwrap_or(u64::MAX);
        let before_ms = self.clock().now_ms().saturating_sub(age_ms);
        let directory = Arc::clone(&local.directory);
        let swept = self.inner.host.blocking.run(move || directory.sweep_staging(before_ms)).await;
        swept.map_err(|error| ObjectError::from_io("staging files", error))
    }

    /// Gives the room that is kept for sweeps free, and until [`keep_reserve`](Self::keep_reserve) takes no new content, so
    /// that nobody else fills it. Whether there was any is returned.
    pub async fn release_reserve(&self) -> Result<bool, ObjectError> {
        let Some(local) = &self.inner.local else { return Ok(false) };
        let directory = Arc::clone(&local.directory);
        let released = self.inner.host.blocking.run(move || directory.release_reserve()).await;
        released.map_err(|error| ObjectError::from_io("the reserve", error))
    }

    /// Keeps room for sweeps again, as far as there is any, and takes new content.
    pub async fn keep_reserve(&self) -> Result<(), ObjectError> {
        let Some(local) = &self.inner.local else { return Ok(()) };
        let directory = Arc::clone(&local.directory);
        let kept = self.inner.host.blocking.run(move || directory.keep_reserve()).await;
        kept.map_err(|error| ObjectError::from_io("the reserve", error))
    }
}

fn stored(listed: &Listed) -> Option<StoredContent> {
    let object = content_of(listed.key());
    if object.is_none() {
        tracing::warn!(object.key = listed.key(), "this is no object of this registry, and stays as it is");
    }
    Some(StoredContent {
        object: object?,
        size_bytes: listed.size_bytes(),
        modified_ms: listed.modified_ms(),
    })
}

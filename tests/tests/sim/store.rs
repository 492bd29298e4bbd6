//! A wire as the registry sees it: an object store.

use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _, future};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, Extensions, GetOptions, GetRange, GetResult, GetResultPayload,
    ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result,
};

use super::bucket::{Applied, Deed, Stored};
use super::wire::{Fate, Wire};

const NAME: &str = "simulated";

#[async_trait]
impl ObjectStore for Wire {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let (key, bytes) = (location.to_string(), Bytes::from(payload));
        let deed = match options.mode {
            PutMode::Create => Deed::Create(key, bytes),
            PutMode::Overwrite => Deed::Replace(key, bytes),
            PutMode::Update(_) => return Err(not_there("update")),
        };
        let fate = self.ask("put", location.as_ref()).await;
        match self.suffer(fate, deed)? {
            Applied::Done => Ok(PutResult { e_tag: None, version: None, extensions: Extensions::default() }),
            Applied::Taken => Err(taken(location)),
        }
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(not_there("put_multipart"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if self.ask(if options.head { "head" } else { "get" }, location.as_ref()).await == Fate::Lost {
            return Err(unanswered());
        }
        let stored = self.bucket().get(location.as_ref()).ok_or_else(|| absent(location))?;
        let size = stored.bytes.len() as u64;
        let range = match options.range {
            None => 0..size,
            Some(GetRange::Bounded(range)) => range.start.min(size)..range.end.min(size),
            Some(GetRange::Offset(start)) => start.min(size)..size,
            Some(GetRange::Suffix(length)) => size.saturating_sub(length)..size,
        };
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        let bytes = stored.bytes.slice(at(range.start)..at(range.end).max(at(range.start)));
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(future::ready(Ok(bytes))).boxed()),
            meta: meta(location.clone(), &stored),
            range,
            attributes: Attributes::default(),
            extensions: Extensions::default(),
        })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let wire = self.clone();
        let delete = move |location: Result<Path>| {
            let wire = wire.clone();
            async move {
                let location = location?;
                let fate = wire.ask("delete", location.as_ref()).await;
                wire.suffer(fate, Deed::Delete(location.to_string()))?;
                Ok(location)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (wire, prefix) = (self.clone(), prefix.cloned());
        let listed = async move { Ok::<_, Error>(stream::iter(wire.listed(prefix.as_ref()).await?).map(Ok)) };
        stream::once(listed).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (mut objects, mut common_prefixes) = (Vec::new(), Vec::new());
        let depth = prefix.map_or(0, |prefix| prefix.parts().count());
        for meta in self.listed(prefix).await? {
            if meta.location.parts().count() == depth + 1 {
                objects.push(meta);
                continue;
            }
            let folder: Path = meta.location.parts().take(depth + 1).collect();
            if common_prefixes.last() != Some(&folder) {
                common_prefixes.push(folder);
            }
        }
        Ok(ListResult { common_prefixes, objects, extensions: Extensions::default() })
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(not_there("copy"))
    }
}

impl Wire {
    /// Does a deed as its fate wants it.
    fn suffer(&self, fate: Fate, deed: Deed) -> Result<Applied> {
        let bucket = self.bucket();
        match fate {
            Fate::Good => Ok(bucket.apply(deed)),
            Fate::Lost => Err(unanswered()),
            Fate::AnswerLost => {
                bucket.apply(deed);
                Err(unanswered())
            }
            Fate::ServerError => {
                bucket.apply(deed);
                Err(error("Server returned non-2xx status code: 500 Internal Server Error"))
            }
            Fate::OwnSuccess => {
                bucket.apply(deed.clone());
                Ok(bucket.apply(deed))
            }
            Fate::Late(later_ms) => {
                self.later(deed, later_ms);
                Err(unanswered())
            }
            Fate::Twice(later_ms) => {
                self.later(deed.clone(), later_ms);
                Ok(bucket.apply(deed))
            }
        }
    }

    async fn listed(&self, prefix: Option<&Path>) -> Result<Vec<ObjectMeta>> {
        let beginning = prefix.map_or_else(String::new, |prefix| format!("{prefix}/"));
        if self.ask("list", &beginning).await == Fate::Lost {
            return Err(unanswered());
        }
        let found = self.bucket().list(&beginning);
        Ok(found.into_iter().map(|(key, stored)| meta(Path::from(key), &stored)).collect())
    }
}

fn meta(location: Path, stored: &Stored) -> ObjectMeta {
    let modified = UNIX_EPOCH + Duration::from_millis(stored.modified_ms);
    let size = stored.bytes.len() as u64;
    ObjectMeta { location, last_modified: modified.into(), size, e_tag: None, version: None }
}

fn error(what: &'static str) -> Error {
    Error::Generic { store: "S3", source: what.into() }
}

fn unanswered() -> Error {
    error("operation timed out")
}

fn absent(location: &Path) -> Error {
    Error::NotFound { path: location.to_string(), source: "404 Not Found".into() }
}

fn taken(location: &Path) -> Error {
    let path = location.to_string();
    let inner = Error::Precondition { path: path.clone(), source: "412 Precondition Failed".into() };
    Error::AlreadyExists { path, source: Box::new(inner) }
}

fn not_there(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: NAME.to_owned() }
}

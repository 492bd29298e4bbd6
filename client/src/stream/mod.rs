//! Streams: content whose size nobody knows before it ends becomes the one file of an artifact.
//!
//! Chunks go up while the stream is read; there is no copy of it, in memory or on disk. A stream that fails, or whose
//! [`Producer`] does, leaves nothing but chunks that nothing refers to: no record, no manifest, no statement.

mod connection;
mod error;
mod facts;
mod postgres;
mod producer;
mod psql;
mod sqlite;

use std::io::Read;

use holdfast_formats::manifest::{Body, File};
use holdfast_formats::name::Namespace;
use holdfast_formats::path::FilePath;
use holdfast_formats::reference::ArtifactRef;

use crate::error::ClientError;
use crate::push::{About, Staged, stage_manifest};
use crate::session::Registry;
use crate::upload::{Content, upload_stream};

pub use connection::PostgresUrl;
pub use error::StreamError;
pub use facts::SourceFacts;
pub(crate) use facts::fact;
pub use postgres::{PostgresDump, PostgresForm};
pub use producer::Producer;
pub use sqlite::SqliteCopy;

/// A stream that is stored to its end. Nothing names it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStream {
    file: File,
    content: Content,
}

impl Registry {
    /// Stores a stream to its end, as a file of this name. One that is empty is refused.
    pub async fn store_stream(
        &self,
        namespace: &Namespace,
        name: &FilePath,
        stream: impl Read + Send + 'static,
    ) -> Result<StoredStream, ClientError> {
        let stored = upload_stream(self.transport(), namespace, Box::new(stream), self.progress()).await;
        let (digests, size, content) = stored.map_err(StreamError::reveal)?;
        if content.bytes == 0 {
            return Err(StreamError::Empty.into());
        }
        let file = File { path: name.clone(), size, digests, mode: None, media_type: None, stored: None };
        Ok(StoredStream { file, content })
    }

    /// Says what to sign to make a stored stream an artifact.
    pub fn stage_stream(
        &self,
        artifact: &ArtifactRef,
        stored: &StoredStream,
        body: Body,
        about: &About,
    ) -> Result<Staged, ClientError> {
        let manifest = about.manifest(vec![stored.file.clone()], body);
        stage_manifest(artifact, &manifest, about, None, stored.content)
    }
}

#[cfg(test)]
mod tests;

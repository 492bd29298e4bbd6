//! Fetching the files of an artifact: whole, hashed, and never anywhere but below the target.
//!
//! Owns the order of a restore: a file is written beside its place, checked against the manifest, then moved over it. A
//! cut download goes on where it stopped, also in a later run. What is there already and right is kept. It decides
//! nothing about the manifest, which its caller verified.

mod sink;
mod target;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest::{File, Manifest};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::wire::v1::ExitCode;
use reqwest::Response;
use tokio::time::Instant;

use crate::blocking;
use crate::error::ClientError;
use crate::progress::{Activity, Progress, Running};
use crate::transport::{Transport, read_piece};
pub(crate) use sink::Sink;
pub(crate) use target::{Target, collide};

/// Files fetched at once.
const IN_FLIGHT: usize = 4;
/// Attempts in a row that bring nothing.
const ATTEMPTS_MAX: u32 = 4;
/// How much is hashed and written in one go.
const BLOCK_BYTES: usize = 1024 * 1024;
/// How much must come within each idle deadline, and by each attempt that is to count: less brings nothing, else a server
/// that drips would never let go.
const PROGRESS_BYTES: usize = 64 * 1024;

/// What a download was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulled {
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them were there already and right.
    pub kept: u64,
}

/// Fetches the files of one verified artifact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Download<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) artifact: &'a ArtifactRef,
}

impl Download<'_> {
    /// Fetches every file into a folder.
    pub(crate) async fn pull(
        &self,
        manifest: &Manifest,
        target: &Arc<Target>,
    ) -> Result<Pulled, ClientError> {
        collide(&manifest.files)?;
        let _running = Running::begin(self.progress, Activity::Download, manifest.size_bytes());
        let files = manifest.files.iter().enumerate().map(|(at, file)| self.pull_file(at, file, target));
        // Boxed, because the compiler cannot see else that a future with such a closure inside is `Send`.
        let kept = stream::iter(files)
            .buffer_unordered(IN_FLIGHT)
            .boxed()
            .try_fold(0, |sum, kept| async move { Ok(sum + u64::from(kept)) });
        Ok(pulled(manifest, kept.await?))
    }

    /// Fetches and hashes every file, and keeps none.
    pub(crate) async fn verify(&self, manifest: &Manifest) -> Result<Pulled, ClientError> {
        let _running = Running::begin(self.progress, Activity::Download, manifest.size_bytes());
        let files = manifest
            .files
            .iter()
            .map(|file| async move { self.fill(file, Sink::nowhere()).await?.finish(file) });
        stream::iter(files).buffer_unordered(IN_FLIGHT).boxed().try_for_each(|_| async { Ok(()) }).await?;
        Ok(pulled(manifest, 0))
    }

    /// Fetches one file, unless it is there; says whether it was.
    async fn pull_file(&self, at: usize, file: &File, target: &Arc<Target>) -> Result<bool, ClientError> {
        let (place, wanted) = (Arc::clone(target), file.clone());
        let Some(sink) = blocking::run(move || place.begin(at, &wanted)).await? else {
            self.progress.advance(file.size.get());
            return Ok(true);
        };
        let resumed = sink.length() > 0;
        self.progress.advance(sink.length());
        match self.finish_file(at, file, target, sink).await {
            // What an earlier run left was not the beginning of the file. It is gone now, and all of it is fetched.
            Err(ClientError::Digest { .. }) if resumed => {
                let (place, wanted) = (Arc::clone(target), file.clone());
                match blocking::run(move || place.begin(at, &wanted)).await? {
                    Some(sink) => self.finish_file(at, file, target, sink).await.map(|()| false),
                    None => Ok(true),
                }
            }
            outcome => outcome.map(|()| false),
        }
    }

    /// Completes a partial file and moves it into its place. One that cannot become right is removed.
    async fn finish_file(
        &self,
        at: usize,
        file: &File,
        target: &Arc<Target>,
        sink: Sink,
    ) -> Result<(), ClientError> {
        let filled = self.fill(file, sink).await;
        let (place, wanted) = (Arc::clone(target), file.clone());
        blocking::run(move || match filled {
            Ok(sink) => place.finish(at, &wanted, sink),
            Err(error) => {
                if error.exit() == ExitCode::Integrity {
                    place.discard(at, &wanted);
                }
                Err(error)
            }
        })
        .await
    }

    /// Brings a sink to the size of the file, over as many connections as it takes.
    pub(crate) async fn fill(&self, file: &File, mut sink: Sink) -> Result<Sink, ClientError> {
        if file.stored.is_some() {
            return Err(ClientError::Target {
                path: file.path.to_string(),
                rule: "it is stored encrypted, which needs a newer version of holdfast",
            });
        }
        let path = format!("/v1/artifacts/{}/blobs/{}", self.artifact, file.digests.blake3);
        let mut attempts = 0;
        while sink.length() < file.size.get() {
            let before = sink.length();
            let outcome = self.fill_once(&path, file, &mut sink).await;
            match outcome {
                Ok(()) if sink.length() < file.size.get() => {
                    tracing::debug!(file = %file.path, "the download was cut");
                }
                Ok(()) => break,
                Err(error @ ClientError::Unreachable { .. }) if attempts + 1 >= ATTEMPTS_MAX => {
                    return Err(error);
                }
                Err(ClientError::Unreachable { .. }) => {}
                Err(error) => return Err(error),
            }
            let gained = sink.length() - before;
            attempts = if gained >= PROGRESS_BYTES as u64 { 1 } else { attempts + 1 };
            if attempts >= ATTEMPTS_MAX {
                return Err(ClientError::Cut { path: file.path.to_string(), attempts });
            }
            tokio::time::sleep(Duration::from_millis(100) * 3_u32.pow(attempts - 1)).await;
        }
        Ok(sink)
    }

    /// Reads one connection to its end. Reading the next block and writing the last go side by side.
    async fn fill_once(&self, path: &str, file: &File, sink: &mut Sink) -> Result<(), ClientError> {
        let mut response = self.transport.open(path, sink.length()).await?;
        let mut block = self.read_block(&mut response).await;
        loop {
            let Block { pieces, end } = block;
            let amount: u64 = pieces.iter().map(|p| p.len() as u64).sum();
            if sink.length() + amount > file.size.get() {
                return Err(ClientError::Differs {
                    path: file.path.to_string(),
                    rule: "more bytes came than it has".to_owned(),
                });
            }
            let moved = sink.take();
            let write = blocking::run(move || moved.write(&pieces));
            let next = match end {
                None => {
                    let (written, next) = tokio::join!(write, self.read_block(&mut response));
                    *sink = written?;
                    Ok(next)
                }
                Some(end) => {
                    *sink = write.await?;
                    Err(end)
                }
            };
            self.progress.advance(amount);
            match next {
                Ok(next) => block = next,
                Err(end) => return end,
            }
        }
    }

    /// About a megabyte of pieces. What came before a failure is not lost.
    async fn read_block(&self, response: &mut Response) -> Block {
        let (mut pieces, mut length, mut noted) = (Vec::new(), 0, 0);
        let mut until = Instant::now() + self.transport.idle();
        while length < BLOCK_BYTES {
            match read_piece(self.transport, response, until).await {
                Ok(Some(piece)) => {
                    length += piece.len();
                    pieces.push(piece);
                    if length - noted >= PROGRESS_BYTES {
                        (noted, until) = (length, Instant::now() + self.transport.idle());
                    }
                }
                Ok(None) => return Block { pieces, end: Some(Ok(())) },
                Err(error) => return Block { pieces, end: Some(Err(error)) },
            }
        }
        Block { pieces, end: None }
    }
}

/// Some of a body, and how the body ended, when it did.
struct Block {
    pieces: Vec<Bytes>,
    end: Option<Result<(), ClientError>>,
}

fn pulled(manifest: &Manifest, kept: u64) -> Pulled {
    Pulled { files: manifest.files.len() as u64, bytes: manifest.size_bytes(), kept }
}

/// Refuses bytes that are not the file's.
pub(crate) fn check_digest(file: &File, found: Blake3Digest) -> Result<(), ClientError> {
    if found == file.digests.blake3 {
        return Ok(());
    }
    Err(ClientError::Digest { path: file.path.to_string(), wanted: file.digests.blake3, found })
}

#[cfg(test)]
mod tests;

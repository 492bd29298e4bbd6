//! Uploading files: cut, ask what is missing, compress only that, send it, then record each file as a blob.
//!
//! Owns the pipeline and its bounds: one thread reads and cuts, batches of some megabytes wait, a few requests are
//! under way. A push that was cut off goes on by itself when repeated, because it asks again. It publishes nothing.

mod batch;
mod reader;

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::manifest::File;
use holdfast_formats::name::Namespace;
use holdfast_formats::number::ByteSize;
use holdfast_formats::wire::v1::{BlobStored, MissingAnswer, MissingChunk, MissingQuery, ProblemCode};

use crate::cutter::Piece;
use crate::error::ClientError;
use crate::progress::{Activity, Progress, Running};
use crate::source::SourceFile;
use crate::transport::{Body, POST, PUT, Request, Transport, json_body};
use crate::{blocking, stored_chunk};
use batch::Batch;

/// Requests under way at once.
const IN_FLIGHT: usize = 4;
/// Below this much in all, asking what is missing costs more than sending it.
const ASK_FROM_BYTES: u64 = 256 * 1024;
/// Digests remembered as stored; beyond it they are asked about again.
const KNOWN_MAX: usize = 1 << 18;
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
const SEND_DEADLINE: Duration = Duration::from_mins(5);
const OCTETS: &str = "application/octet-stream";

/// What an upload was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The stored bytes that had to be sent, because the namespace did not have them.
    pub new_bytes: u64,
}

/// Sends files into a namespace and returns what the manifest says of them, in the same order.
pub(crate) async fn upload(
    transport: &Transport,
    namespace: &Namespace,
    files: Vec<SourceFile>,
    progress: &dyn Progress,
) -> Result<(Vec<File>, Content), ClientError> {
    let total = files.iter().map(|f| f.size).sum();
    let _running = Running::begin(progress, Activity::Upload, total);
    let mut upload = Upload {
        transport,
        namespace,
        progress,
        ask: total >= ASK_FROM_BYTES,
        known: HashSet::new(),
        new_bytes: 0,
    };
    let mut done: Vec<(usize, BlobRecord)> = Vec::with_capacity(files.len());
    let mut reader = reader::begin(files.clone());
    let mut batch = reader.next_batch().await?;
    while !batch.is_empty() {
        // The next batch is cut while this one is on its way.
        let (next, sent) = tokio::join!(reader.next_batch(), upload.send(&batch, &files));
        sent?;
        done.append(&mut batch.blobs);
        batch = next?;
    }
    let new_bytes = upload.new_bytes;
    let listed: Vec<File> = files
        .iter()
        .zip(&done)
        .map(|(file, (_, blob))| manifest_file(file, blob))
        .collect::<Result<_, _>>()?;
    let content =
        Content { files: listed.len() as u64, bytes: listed.iter().map(|f| f.size.get()).sum(), new_bytes };
    Ok((listed, content))
}

fn manifest_file(source: &SourceFile, blob: &BlobRecord) -> Result<File, ClientError> {
    let size = ByteSize::new(blob.size).map_err(|_| ClientError::Source {
        path: source.place.clone(),
        rule: "it is larger than the largest blob",
    })?;
    Ok(File {
        path: source.path.clone(),
        size,
        digests: blob.digests,
        mode: source.mode,
        media_type: None,
        stored: None,
    })
}

struct Upload<'a> {
    transport: &'a Transport,
    namespace: &'a Namespace,
    progress: &'a dyn Progress,
    ask: bool,
    known: HashSet<Blake3Digest>,
    new_bytes: u64,
}

impl Upload<'_> {
    /// Sends what is missing of a batch, then records the blobs that end in it.
    async fn send(&mut self, batch: &Batch, files: &[SourceFile]) -> Result<(), ClientError> {
        let missing = self.missing(&batch.chunks).await?;
        let sent = stream::iter(missing).map(|piece| self.put_chunk(piece)).buffer_unordered(IN_FLIGHT);
        let sent: u64 = sent.try_fold(0, |sum, more| async move { Ok(sum + more) }).await?;
        if self.known.len() + batch.chunks.len() <= KNOWN_MAX {
            self.known.extend(batch.chunks.iter().map(|piece| piece.digest));
        }
        let resent = stream::iter(&batch.blobs)
            .map(|(at, blob)| self.record_blob(files.get(*at), blob))
            .buffer_unordered(IN_FLIGHT)
            .boxed();
        let resent: u64 = resent.try_fold(0, |sum, more| async move { Ok(sum + more) }).await?;
        self.new_bytes += sent + resent;
        self.progress.advance(batch.bytes());
        Ok(())
    }

    /// The chunks of a batch that the namespace lacks, each once.
    async fn missing(&self, chunks: &[Piece]) -> Result<Vec<Piece>, ClientError> {
        let mut seen = HashSet::new();
        let mut open: Vec<Piece> = chunks
            .iter()
            .filter(|p| !self.known.contains(&p.digest) && seen.insert(p.digest))
            .cloned()
            .collect();
        if !self.ask || open.is_empty() {
            return Ok(open);
        }
        let query = MissingQuery { chunks: open.iter().map(|p| p.digest).collect() };
        let path = format!("/v1/namespaces/{}/chunks/missing", self.namespace);
        let body = json_body("query", &query)?;
        let answer: MissingAnswer = self
            .transport
            .call(Request::send(POST, &path, "list of missing chunks", ANSWER_BYTES_MAX, body))
            .await?;
        let missing: HashSet<Blake3Digest> = answer.missing.into_iter().collect();
        open.retain(|piece| missing.contains(&piece.digest));
        Ok(open)
    }

    /// Compresses and sends one chunk; returns the bytes sent.
    async fn put_chunk(&self, piece: Piece) -> Result<u64, ClientError> {
        let object = Bytes::from(blocking::run(move || stored_chunk::encode(&piece.bytes)).await);
        let size = object.len() as u64;
        let path = format!("/v1/namespaces/{}/chunks/{}", self.namespace, piece.digest);
        let body = Body { content_type: OCTETS, bytes: object };
        let request =
            Request::send(PUT, &path, "answer to a chunk", ANSWER_BYTES_MAX, body).within(SEND_DEADLINE);
        self.transport.call_bytes(&request).await?;
        self.progress.sent(size);
        Ok(size)
    }

    /// Records one blob. Chunks that ended in the meantime are read and sent again, once.
    async fn record_blob(&self, file: Option<&SourceFile>, blob: &BlobRecord) -> Result<u64, ClientError> {
        let mut resent = 0;
        let error = match self.post_blob(blob).await {
            Ok(()) => return Ok(0),
            Err(error) if error.code() == Some(ProblemCode::ContentMissing) => error,
            Err(error) => return Err(error),
        };
        let missing = error.problem().and_then(|p| p.missing.clone()).unwrap_or_default();
        let Some(file) = file.filter(|_| !missing.is_empty()) else { return Err(error) };
        for chunk in missing {
            resent += self.put_chunk(read_again(file, chunk).await?).await?;
        }
        self.post_blob(blob).await?;
        Ok(resent)
    }

    async fn post_blob(&self, blob: &BlobRecord) -> Result<(), ClientError> {
        let path = format!("/v1/namespaces/{}/blobs", self.namespace);
        let body = Body { content_type: OCTETS, bytes: Bytes::from(blob.encode()) };
        // The registry reads every chunk of the blob before it answers.
        let request =
            Request::send(POST, &path, "answer to a blob", ANSWER_BYTES_MAX, body).within(SEND_DEADLINE);
        let stored: BlobStored = self.transport.call(request).await?;
        if stored.digests == blob.digests {
            return Ok(());
        }
        Err(ClientError::Digest {
            path: "uploaded blob".to_owned(),
            wanted: blob.digests.blake3,
            found: stored.digests.blake3,
        })
    }
}

async fn read_again(file: &SourceFile, chunk: MissingChunk) -> Result<Piece, ClientError> {
    let place = file.place.clone();
    blocking::run(move || reader::read_piece(&place, chunk)).await
}

#[cfg(test)]
mod tests;

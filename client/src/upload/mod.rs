//! Uploading files, or one stream: cut, ask what is missing, compress only that, send it, then record each file as a blob.
//!
//! Owns the pipeline and its bounds: one thread reads and cuts, batches of some megabytes wait, a few requests are
//! under way. A push that was cut off goes on by itself when repeated, because it asks again. It publishes nothing.

mod batch;
mod door;
mod reader;
mod runs;
mod small;

use std::collections::HashSet;
use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use holdfast_formats::blob::BlobRecord;
use holdfast_formats::digest::{Blake3Digest, Digests};
use holdfast_formats::id::RandomId;
use holdfast_formats::manifest::File;
use holdfast_formats::name::Namespace;
use holdfast_formats::number::ByteSize;
use holdfast_formats::wire::v1::{BlobQuery, BlobStored, ChunksQuery, MissingChunk, ProblemCode};

use crate::blocking;
use crate::cutter::Piece;
use crate::error::ClientError;
use crate::progress::{Activity, Progress, Running};
use crate::source::SourceFile;
use crate::stored_chunk::Effort;
use crate::stream::StreamError;
use crate::transport::{Body, POST, Request, Transport, query_string};
use batch::{Batch, Placed};
pub(crate) use door::ChunkDoor;
use reader::Reader;
use runs::{Drafts, Run};

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
    let mut upload = Upload::new(transport, namespace, progress, total >= ASK_FROM_BYTES, Effort::Files);
    let done = upload.send_all(reader::begin(files.clone()), &files).await?;
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

/// Sends a stream into a namespace, as it comes; its size need not be known. What the registry lost since it was asked
/// cannot be read again: that fails.
pub(crate) async fn upload_stream(
    transport: &Transport,
    namespace: &Namespace,
    stream: Box<dyn Read + Send>,
    progress: &dyn Progress,
) -> Result<(Digests, ByteSize, Content), ClientError> {
    let _running = Running::begin(progress, Activity::Upload, 0);
    let mut upload = Upload::new(transport, namespace, progress, true, Effort::Streams);
    let done = upload.send_all(reader::begin_stream(stream), &[]).await?;
    let (_, blob) = done.first().expect("a stream that ends without an error ends as one blob");
    let size = ByteSize::new(blob.size).map_err(|_| StreamError::TooLong)?;
    Ok((blob.digests, size, Content { files: 1, bytes: blob.size, new_bytes: upload.new_bytes }))
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
    door: ChunkDoor<'a>,
    ask: bool,
    known: HashSet<Blake3Digest>,
    drafts: Drafts,
    new_bytes: u64,
}

impl<'a> Upload<'a> {
    fn new(
        transport: &'a Transport,
        namespace: &'a Namespace,
        progress: &'a dyn Progress,
        ask: bool,
        effort: Effort,
    ) -> Self {
        let door = ChunkDoor { transport, namespace, progress, effort };
        Self { door, ask, known: HashSet::new(), drafts: Drafts::new(), new_bytes: 0 }
    }

    /// Sends what a reader reads, to its end; returns the blobs in order. `files` are those that can be read again.
    async fn send_all(
        &mut self,
        mut reader: Reader,
        files: &[SourceFile],
    ) -> Result<Vec<(usize, BlobRecord)>, ClientError> {
        let mut done: Vec<(usize, BlobRecord)> = Vec::with_capacity(files.len());
        let mut batch = reader.next_batch().await?;
        while !batch.is_empty() {
            // The next batch is cut while this one is on its way.
            let (next, sent) = tokio::join!(reader.next_batch(), self.send(&batch, files));
            sent?;
            done.append(&mut batch.blobs);
            batch = next?;
        }
        Ok(done)
    }

    /// Sends what is missing of a batch, then records the blobs that end in it.
    async fn send(&mut self, batch: &Batch, files: &[SourceFile]) -> Result<(), ClientError> {
        let mut missing = self.missing(&batch.chunks).await?;
        let mut small = small::take(&mut missing, &batch.blobs);
        let runs = self.drafts.runs(files, missing);
        let sent = self.put_runs(runs).await?;
        if self.known.len() + batch.chunks.len() <= KNOWN_MAX {
            self.known.extend(batch.chunks.iter().map(|placed| placed.piece.digest));
        }
        let ended = batch.blobs.iter().map(|(at, record)| Ended {
            file: files.get(*at),
            record,
            draft: self.drafts.end(*at),
            chunk: small.remove(at),
        });
        // Others may be made of chunks that come with these.
        let (first, second): (Vec<_>, Vec<_>) = ended.partition(|ended| ended.chunk.is_some());
        self.new_bytes += sent + self.record_blobs(first).await? + self.record_blobs(second).await?;
        self.door.progress.advance(batch.bytes());
        Ok(())
    }

    /// The chunks of a batch that the namespace lacks, each once.
    async fn missing(&self, chunks: &[Placed]) -> Result<Vec<Placed>, ClientError> {
        let mut seen = HashSet::new();
        let mut open: Vec<Placed> = chunks
            .iter()
            .filter(|p| !self.known.contains(&p.piece.digest) && seen.insert(p.piece.digest))
            .cloned()
            .collect();
        if !self.ask || open.is_empty() {
            return Ok(open);
        }
        let missing = self.door.missing(open.iter().map(|p| p.piece.digest).collect()).await?;
        open.retain(|placed| missing.contains(&placed.piece.digest));
        Ok(open)
    }

    /// Sends requests in order, each made while the one before is on its way; returns the bytes sent.
    async fn put_runs(&self, runs: Vec<Run>) -> Result<u64, ClientError> {
        let mut requests = stream::iter(runs).map(|run| self.door.make_request(run)).buffered(2);
        let mut sent = 0;
        let mut next = requests.next().await;
        while let Some(request) = next {
            let (outcome, following) = future::join(self.door.put_request(request?), requests.next()).await;
            sent += outcome?;
            next = following;
        }
        Ok(sent)
    }

    /// Records blobs; returns the bytes of chunks that were sent for it.
    async fn record_blobs(&self, ended: Vec<Ended<'_>>) -> Result<u64, ClientError> {
        let recorded: Vec<_> = ended.into_iter().map(|ended| self.record_blob(ended)).collect();
        stream::iter(recorded).buffer_unordered(IN_FLIGHT).try_fold(0, |a, b| future::ok(a + b)).await
    }

    /// Records one blob. Chunks that ended in the meantime are read and sent again, once.
    async fn record_blob(&self, ended: Ended<'_>) -> Result<u64, ClientError> {
        let Ended { file, record, draft, chunk } = ended;
        let query = query_string(&BlobQuery { draft })?;
        let (along, size) = match chunk {
            Some(piece) => small::frame(piece).await,
            None => (Vec::new(), 0),
        };
        let error = match self.post_blob(record, &query, along).await {
            Ok(()) => {
                if size > 0 {
                    self.door.progress.sent(size);
                }
                return Ok(size);
            }
            Err(error) if error.code() == Some(ProblemCode::ContentMissing) => error,
            Err(error) => return Err(error),
        };
        let missing = error.problem().and_then(|p| p.missing.clone()).unwrap_or_default();
        let Some(file) = file.filter(|_| !missing.is_empty()) else { return Err(error) };
        check_missing(record, &missing)?;
        let mut resent = 0;
        for chunk in missing {
            let query = ChunksQuery { draft: None, offset: None };
            let run = Run::of(query, read_again(file, chunk).await?);
            resent += self.door.put_request(self.door.make_request(run).await?).await?;
        }
        self.post_blob(record, &query, Vec::new()).await?;
        Ok(resent)
    }

    /// Sends a record, and chunks behind it.
    async fn post_blob(
        &self,
        blob: &BlobRecord,
        query: &str,
        mut along: Vec<Bytes>,
    ) -> Result<(), ClientError> {
        let path = format!("/v1/namespaces/{}/blobs{query}", self.door.namespace);
        along.insert(0, blob.encode().into());
        let body = Body { content_type: OCTETS, parts: along };
        // The registry reads every chunk of the blob that it has not hashed on arrival before it answers.
        let request =
            Request::send(POST, &path, "answer to a blob", ANSWER_BYTES_MAX, body).within(SEND_DEADLINE);
        let stored: BlobStored = self.door.transport.call(request).await?;
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

/// A blob whose last bytes were read.
struct Ended<'a> {
    file: Option<&'a SourceFile>,
    record: &'a BlobRecord,
    draft: Option<RandomId>,
    /// Its only chunk, when that was not sent yet.
    chunk: Option<Piece>,
}

/// What the registry wants again are parts of the blob, each once: nothing else is read, or sent.
fn check_missing(record: &BlobRecord, missing: &[MissingChunk]) -> Result<(), ClientError> {
    let mut parts = HashSet::with_capacity(record.extents.len());
    let mut offset = 0;
    for extent in &record.extents {
        let length = u64::from(extent.length);
        parts.insert((extent.chunk, offset, length));
        offset += length;
    }
    if missing.iter().all(|wanted| parts.remove(&(wanted.chunk, wanted.offset, wanted.length))) {
        return Ok(());
    }
    Err(ClientError::malformed(
        "list of missing chunks",
        "it names what is no part of the file that was sent",
    ))
}

async fn read_again(file: &SourceFile, chunk: MissingChunk) -> Result<Piece, ClientError> {
    let place = file.place.clone();
    blocking::run(move || reader::read_piece(&place, chunk)).await
}

#[cfg(test)]
mod tests;

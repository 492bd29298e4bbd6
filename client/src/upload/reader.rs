//! The blocking side of an upload: reads files one after the other, or a stream, and cuts them.

use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::wire::v1::MissingChunk;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::batch::{Batch, Placed, Step};
use crate::blocking;
use crate::cutter::{CutError, Cutter, Piece};
use crate::error::{ClientError, FileAction};
use crate::source::SourceFile;
use crate::stream::StreamError;

/// Steps that may wait: at most this many chunks.
const WAITING_MAX: usize = 8;

/// Files that are being read.
#[derive(Debug)]
pub(super) struct Reader(Receiver<Result<Step, ClientError>>);

/// Begins to read files in order. It stops when the returned value is dropped.
pub(super) fn begin(files: Vec<SourceFile>) -> Reader {
    let (out, steps) = channel(WAITING_MAX);
    blocking::spawn(move || read_files(&files, &out));
    Reader(steps)
}

/// Begins to read a stream to its end, as the only blob.
pub(super) fn begin_stream(stream: Box<dyn Read + Send>) -> Reader {
    let (out, steps) = channel(WAITING_MAX);
    blocking::spawn(move || {
        let mut send = |piece| out.blocking_send(Ok(Step::Chunk(Placed { file: 0, piece }))).is_ok();
        let last = match Cutter::new().cut(stream, u64::MAX, &mut send) {
            Ok(record) => Ok(Step::Blob(0, record)),
            Err(CutError::Stopped) => return,
            Err(CutError::Read(source)) => Err(StreamError::Read(source).into()),
            Err(CutError::TooLarge) => Err(StreamError::TooLong.into()),
        };
        // Whoever does not take it any more has failed already.
        let _ = out.blocking_send(last);
    });
    Reader(steps)
}

impl Reader {
    /// The next batch; an empty one at the end.
    pub(super) async fn next_batch(&mut self) -> Result<Batch, ClientError> {
        let mut batch = Batch::new();
        while !batch.is_full() {
            match self.0.recv().await {
                Some(step) => batch.push(step?),
                None => break,
            }
        }
        Ok(batch)
    }
}

fn read_files(files: &[SourceFile], out: &Sender<Result<Step, ClientError>>) {
    let mut cutter = Cutter::new();
    for (at, file) in files.iter().enumerate() {
        let step =
            read_file(&mut cutter, at, file, out).map(|record| record.map(|record| Step::Blob(at, record)));
        let Some(step) = step.transpose() else { return };
        let failed = step.is_err();
        if out.blocking_send(step).is_err() || failed {
            return;
        }
    }
}

/// Cuts one file; `None` when nobody wants its chunks any more.
fn read_file(
    cutter: &mut Cutter,
    at: usize,
    file: &SourceFile,
    out: &Sender<Result<Step, ClientError>>,
) -> Result<Option<holdfast_formats::blob::BlobRecord>, ClientError> {
    let opened = File::open(&file.place).map_err(|e| ClientError::file(FileAction::Read, &file.place, e))?;
    let mut send = |piece| out.blocking_send(Ok(Step::Chunk(Placed { file: at, piece }))).is_ok();
    match cutter.cut(opened, file.size, &mut send) {
        Ok(record) => Ok(Some(record)),
        Err(CutError::Stopped) => Ok(None),
        Err(CutError::Read(source)) => Err(ClientError::file(FileAction::Read, &file.place, source)),
        Err(CutError::TooLarge) => {
            Err(ClientError::Source { path: file.place.clone(), rule: "it is larger than the largest blob" })
        }
    }
}

/// Reads one chunk of a file again, by its place.
pub(super) fn read_piece(place: &Path, chunk: MissingChunk) -> Result<Piece, ClientError> {
    let failed = |e| ClientError::file(FileAction::Read, place, e);
    let mut file = File::open(place).map_err(failed)?;
    file.seek(SeekFrom::Start(chunk.offset)).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(chunk.length).read_to_end(&mut bytes).map_err(failed)?;
    if Blake3Digest::of(&bytes) != chunk.chunk {
        return Err(ClientError::Source {
            path: place.to_owned(),
            rule: "it changed while it was pushed; push it again",
        });
    }
    Ok(Piece { digest: chunk.chunk, offset: chunk.offset, bytes: Bytes::from(bytes) })
}

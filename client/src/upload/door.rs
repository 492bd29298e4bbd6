//! The registry's door for chunks: what is missing of them, and sending them. Knows neither files nor trees.

use std::collections::HashSet;

use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::name::Namespace;
use holdfast_formats::wire::v1::{ChunksQuery, ChunksStored, MissingAnswer, MissingQuery};

use super::runs::Run;
use super::{ANSWER_BYTES_MAX, OCTETS, SEND_DEADLINE};
use crate::blocking;
use crate::cutter::Piece;
use crate::error::ClientError;
use crate::progress::Progress;
use crate::stored_chunk::{Effort, StoredChunk};
use crate::transport::{Body, POST, Request, Transport, json_body, query_string};

/// Chunks of one namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChunkDoor<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) namespace: &'a Namespace,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) effort: Effort,
}

impl ChunkDoor<'_> {
    /// Which of these chunks the namespace lacks: at most 4,096 at once.
    pub(crate) async fn missing(
        &self,
        chunks: Vec<Blake3Digest>,
    ) -> Result<HashSet<Blake3Digest>, ClientError> {
        let path = format!("/v1/namespaces/{}/chunks/missing", self.namespace);
        let body = json_body("query", &MissingQuery { chunks })?;
        let request = Request::send(POST, &path, "list of missing chunks", ANSWER_BYTES_MAX, body);
        let answer: MissingAnswer = self.transport.call(request).await?;
        Ok(answer.missing.into_iter().collect())
    }

    /// Sends chunks that are part of no draft; returns the bytes sent.
    pub(crate) async fn put(&self, pieces: Vec<Piece>) -> Result<u64, ClientError> {
        let bytes = pieces.iter().map(|piece| piece.bytes.len() as u64).sum();
        let run = Run { query: ChunksQuery { draft: None, offset: None }, pieces, bytes };
        self.put_request(self.make_request(run).await?).await
    }

    /// Compresses the chunks of a request where that pays.
    pub(super) async fn make_request(&self, run: Run) -> Result<ChunksRequest, ClientError> {
        let (query, effort) = (query_string(&run.query)?, self.effort);
        Ok(blocking::compute(run.bytes, move || {
            let (mut parts, mut sizes) = (Vec::new(), Vec::new());
            for piece in run.pieces {
                let stored = StoredChunk::of(&piece.bytes, effort);
                sizes.push(stored.size());
                parts.extend(stored.frame(piece.digest));
            }
            ChunksRequest { query, body: Body { content_type: OCTETS, parts }, sizes }
        })
        .await)
    }

    pub(super) async fn put_request(&self, request: ChunksRequest) -> Result<u64, ClientError> {
        let ChunksRequest { query, body, sizes } = request;
        let path = format!("/v1/namespaces/{}/chunks{query}", self.namespace);
        let request =
            Request::send(POST, &path, "answer to chunks", ANSWER_BYTES_MAX, body).within(SEND_DEADLINE);
        let ChunksStored { .. } = self.transport.call(request).await?;
        for size in &sizes {
            self.progress.sent(*size);
        }
        Ok(sizes.iter().sum())
    }
}

/// Chunks that are ready to be sent.
pub(super) struct ChunksRequest {
    query: String,
    body: Body,
    /// The sizes of their stored objects in bytes.
    sizes: Vec<u64>,
}

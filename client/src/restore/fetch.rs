//! Fetching one chunk of a snapshot: the stored object, decoded within the length that the catalog says, and hashed.

use std::time::Duration;

use holdfast_formats::catalog::IndexedChunk;
use holdfast_formats::chunk::{CHUNK_HEADER_BYTES, ChunkHeader, Codec};
use holdfast_formats::digest::Blake3Digest;
use holdfast_formats::reference::ArtifactRef;
use tokio::time::Instant;

use crate::blocking;
use crate::error::ClientError;
use crate::transport::{Transport, is_passing, read_piece};

const ATTEMPTS_MAX: u32 = 5;
/// How much must come within each idle deadline.
const PROGRESS_BYTES: usize = 64 * 1024;

/// Where chunks of one artifact come from. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    pub(crate) transport: Transport,
    pub(crate) artifact: ArtifactRef,
}

impl Fetcher {
    /// The bytes of a chunk.
    pub(crate) async fn fetch(&self, chunk: IndexedChunk) -> Result<Vec<u8>, ClientError> {
        let object = self.object(chunk).await?;
        blocking::compute(chunk.length.into(), move || decode(chunk, &object)).await
    }

    async fn object(&self, chunk: IndexedChunk) -> Result<Vec<u8>, ClientError> {
        let path = format!("/v1/artifacts/{}/chunks/{}", self.artifact, chunk.digest);
        // What does not shrink is stored as it is; a frame that is a little larger is still taken.
        let max = CHUNK_HEADER_BYTES + zstd::zstd_safe::compress_bound(chunk.length as usize);
        let mut attempt = 1;
        loop {
            match self.object_once(&path, max).await {
                Err(error) if attempt < ATTEMPTS_MAX && is_passing(&error) => {
                    tracing::debug!(attempt, chunk = %chunk.digest, "trying again");
                    tokio::time::sleep(Duration::from_millis(100) * 3_u32.pow(attempt - 1)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn object_once(&self, path: &str, max: usize) -> Result<Vec<u8>, ClientError> {
        let mut response = self.transport.open(path, 0).await?;
        let (mut object, mut noted) = (Vec::with_capacity(max / 2), 0);
        let mut until = Instant::now() + self.transport.idle();
        while let Some(piece) = read_piece(&self.transport, &mut response, until).await? {
            if object.len() + piece.len() > max {
                return Err(ClientError::AnswerTooLarge {
                    url: self.transport.address().join(path),
                    max: max as u64,
                });
            }
            object.extend_from_slice(&piece);
            if object.len() - noted >= PROGRESS_BYTES {
                (noted, until) = (object.len(), Instant::now() + self.transport.idle());
            }
        }
        Ok(object)
    }
}

/// The bytes of a stored chunk, if they are the chunk's.
fn decode(chunk: IndexedChunk, object: &[u8]) -> Result<Vec<u8>, ClientError> {
    let malformed = |e: String| ClientError::malformed("chunk", e);
    let (header, stored) = ChunkHeader::parse(object).map_err(|e| malformed(e.to_string()))?;
    if header.length != chunk.length {
        return Err(malformed(format!(
            "it has {} bytes, and the catalog says {}",
            header.length, chunk.length
        )));
    }
    let bytes = match header.codec {
        Codec::Raw => stored.to_vec(),
        // Never more memory than that, whatever the frame claims.
        Codec::Zstd => {
            zstd::bulk::decompress(stored, chunk.length as usize).map_err(|e| malformed(e.to_string()))?
        }
    };
    let found = Blake3Digest::of(&bytes);
    if bytes.len() == chunk.length as usize && found == chunk.digest {
        return Ok(bytes);
    }
    Err(ClientError::Digest { path: "chunk".to_owned(), wanted: chunk.digest, found })
}

//! Uploads into a namespace: what is missing, chunks, records.

use bytes::Bytes;
use futures::stream::BoxStream;
use holdfast_formats::blob::{BLOB_RECORD_BYTES_MAX, BlobRecord};
use holdfast_formats::chunk_frame::split_frame;
use holdfast_formats::digest::Sha256Digest;
use holdfast_formats::id::RandomId;
use holdfast_formats::name::Namespace;
use holdfast_formats::number::ByteSize;
use holdfast_formats::wire::v1::{
    BlobQuery, BlobStored, ChunksQuery, ChunksStored, MissingAnswer, MissingQuery, ProblemCode,
};

use super::{Failure, Identity, Service};
use crate::blobs::{Arriving, DraftPlace, Put, SentChunk};

/// How many chunks may be asked about at once.
const ASKED_MAX: usize = 4096;
/// How many chunks may come with a record.
const SENT_ALONG_MAX: usize = 64;

impl Service {
    /// Which of these chunks must be sent.
    pub async fn missing(
        &self,
        who: &Identity,
        namespace: &Namespace,
        query: &MissingQuery,
    ) -> Result<MissingAnswer, Failure> {
        who.require_upload(namespace)?;
        if query.chunks.len() > ASKED_MAX {
            return Err(Failure::new(
                ProblemCode::TooLarge,
                format!("ask about at most {ASKED_MAX} chunks at a time"),
            ));
        }
        Ok(MissingAnswer { missing: self.inner.blobs.missing(namespace, &query.chunks).await? })
    }

    /// Stores chunks as they arrive, until the first that is refused.
    pub async fn put_chunks(
        &self,
        who: &Identity,
        namespace: &Namespace,
        chunks: BoxStream<'_, Result<Arriving, Failure>>,
        query: &ChunksQuery,
    ) -> Result<ChunksStored, Failure> {
        who.require_upload(namespace)?;
        let offset_bytes = query.offset.map_or(0, ByteSize::get);
        let draft = query.draft.map(|id| DraftPlace { id: own_draft(who, id), offset_bytes });
        let new = self.inner.blobs.put_chunks(namespace, chunks, draft).await?;
        Ok(ChunksStored { new })
    }

    /// Stores one blob's record once all its bytes hash to its digests, and the chunks that come behind it; returns
    /// whether it was new.
    pub async fn put_blob(
        &self,
        who: &Identity,
        namespace: &Namespace,
        body: &Bytes,
        query: &BlobQuery,
    ) -> Result<(BlobStored, bool), Failure> {
        who.require_upload(namespace)?;
        if body.len() > BLOB_RECORD_BYTES_MAX {
            return Err(Failure::new(
                ProblemCode::TooLarge,
                "the blob has more extents than the format allows",
            ));
        }
        let (record, frames) = BlobRecord::split(body)
            .map_err(|error| Failure::new(ProblemCode::Malformed, error.to_string()))?;
        let chunks = sent_chunks(body, frames)?;
        let size = ByteSize::new(record.size)
            .map_err(|error| Failure::new(ProblemCode::Malformed, error.to_string()))?;
        let stored = BlobStored { digests: record.digests, size };
        let draft = query.draft.map(|id| own_draft(who, id));
        let put = self.inner.blobs.put_blob(namespace, record, draft, chunks).await?;
        Ok((stored, put == Put::New))
    }
}

/// A draft is its uploader's own: whoever comes to know its id feeds and ends another one with it.
fn own_draft(who: &Identity, id: RandomId) -> RandomId {
    let Identity::Bearer(grant) = who else { return id };
    let digest = Sha256Digest::of(format!("{}\n{id}", grant.index).as_bytes());
    let mut own = [0; 16];
    own.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
    RandomId::from_bytes(own)
}

/// The chunks in a part of a body.
fn sent_chunks(body: &Bytes, mut frames: &[u8]) -> Result<Vec<SentChunk>, Failure> {
    let mut chunks = Vec::new();
    while !frames.is_empty() {
        let detail = "the body ends inside a chunk: send each behind its digest and length, and all of it";
        let split = split_frame(frames).ok_or_else(|| Failure::new(ProblemCode::Malformed, detail))?;
        let (digest, object, rest) = split;
        if chunks.len() == SENT_ALONG_MAX {
            let detail =
                format!("a record comes with at most {SENT_ALONG_MAX} chunks; send them by themselves");
            return Err(Failure::new(ProblemCode::TooLarge, detail));
        }
        chunks.push((digest, body.slice_ref(object)));
        frames = rest;
    }
    Ok(chunks)
}

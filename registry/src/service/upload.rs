//! Uploads into a namespace: what is missing, chunks, records.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use holdfast_formats::blob::{BLOB_RECORD_BYTES_MAX, BlobRecord};
use holdfast_formats::chunk_frame::split_frame;
use holdfast_formats::digest::{Blake3Digest, Sha256Digest};
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
        let counted = chunks.map(|arriving: Result<Arriving, Failure>| {
            let arriving = arriving?;
            self.inner.usage.take_chunk(who, namespace, arriving.chunk, arriving.object.len())?;
            Ok::<_, Failure>(arriving)
        });
        let stored = self.inner.blobs.put_chunks(namespace, counted.boxed(), draft).await;
        self.save_usage();
        let new = stored?;
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
        let counted = self.count_along(who, namespace, &record, &chunks).await?;
        let parts = counted_parts(who, &record);
        let size = ByteSize::new(record.size)
            .map_err(|error| Failure::new(ProblemCode::Malformed, error.to_string()))?;
        let stored = BlobStored { digests: record.digests, size };
        let draft = query.draft.map(|id| own_draft(who, id));
        let put = self.inner.blobs.put_blob(namespace, record, draft, chunks).await?;
        match put {
            Put::New => self.inner.usage.made_blob(who, namespace, stored.digests.blake3, parts.into_iter()),
            Put::Existing => self.inner.usage.return_chunks(who, namespace, &counted),
        }
        self.save_usage();
        Ok((stored, put == Put::New))
    }

    /// Counts the chunks that come with a record, and gives those that were not counted before. A small file is sent
    /// without asking whether it is there: one that is needs no room.
    async fn count_along(
        &self,
        who: &Identity,
        namespace: &Namespace,
        record: &BlobRecord,
        chunks: &[SentChunk],
    ) -> Result<Vec<Blake3Digest>, Failure> {
        let mut counted = Vec::new();
        for (chunk, object) in chunks {
            match self.inner.usage.take_chunk(who, namespace, *chunk, object.len()) {
                Ok(false) => {}
                Ok(true) => counted.push(*chunk),
                Err(full) => {
                    self.inner.usage.return_chunks(who, namespace, &counted);
                    let wanted = [(record.digests, record.size)];
                    let is_there = self.inner.blobs.require(namespace, &wanted).await.is_ok();
                    return if is_there { Ok(Vec::new()) } else { Err(full) };
                }
            }
        }
        Ok(counted)
    }
}

/// The chunks of a blob, where somebody counts them.
fn counted_parts(who: &Identity, record: &BlobRecord) -> Vec<Blake3Digest> {
    match who {
        Identity::Bearer(grant) if grant.grant.quotas.is_some() => {
            record.extents.iter().map(|extent| extent.chunk).collect()
        }
        Identity::Bearer(_) | Identity::Anonymous => Vec::new(),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use holdfast_formats::statement::{Action, Grant};
    use holdfast_formats::time::Timestamp;
    use holdfast_verify::facts::GrantFact;

    use super::*;

    fn bearer(index: &str) -> Identity {
        let grant = Grant {
            token_sha256: Sha256Digest::of(index.as_bytes()),
            subject: "ci".parse().unwrap(),
            actions: vec![Action::Publish],
            names: vec!["*".parse().unwrap()],
            channels: vec!["*".parse().unwrap()],
            quotas: None,
            expires: None,
            key: None,
            oidc: None,
        };
        let (index, time) = (index.parse().unwrap(), Timestamp::from_ms(0));
        Identity::Bearer(Arc::new(GrantFact { index, grant, time, signers: Vec::new(), revoked: None }))
    }

    #[test]
    fn t23_the_id_of_somebody_elses_draft_leads_to_another_draft() {
        let id = RandomId::from_bytes([7; 16]);
        assert_eq!(own_draft(&bearer("1"), id), own_draft(&bearer("1"), id));
        assert_ne!(own_draft(&bearer("1"), id), own_draft(&bearer("2"), id));
        assert_ne!(own_draft(&bearer("1"), id), own_draft(&bearer("1"), RandomId::from_bytes([8; 16])));
    }
}

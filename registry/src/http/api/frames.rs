//! Chunks in a request body, read one after the other; each takes its share of the body budget before it is read.

use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use bytes::{Buf, Bytes};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use holdfast_formats::chunk_frame::{FRAME_HEAD_BYTES, FRAMES_BYTES_MAX, FrameHead};
use holdfast_formats::wire::v1::ProblemCode;

use super::answer::Refused;
use super::body::{BodyBudget, declared, too_large, unread};
use crate::blobs::{Arriving, CHUNK_OBJECT_BYTES_MAX};
use crate::service::Failure;

/// A body of frames.
pub(super) struct Frames {
    bodies: Arc<BodyBudget>,
    body: Option<BodyDataStream>,
    /// What was received and is not read yet.
    received: Bytes,
    received_bytes: usize,
}

impl Frames {
    /// The frames of a body that may be so long.
    pub(super) fn of(bodies: &Arc<BodyBudget>, headers: &HeaderMap, body: Body) -> Result<Self, Refused> {
        if declared(headers).is_some_and(|size| size > FRAMES_BYTES_MAX as u64) {
            return Err(too_large(FRAMES_BYTES_MAX));
        }
        let (bodies, body) = (Arc::clone(bodies), body.into_data_stream());
        Ok(Self { bodies, body: Some(body), received: Bytes::new(), received_bytes: 0 })
    }

    /// The chunks in order.
    pub(super) fn chunks(&mut self) -> BoxStream<'_, Result<Arriving, Failure>> {
        let chunks = stream::try_unfold(self, |frames| async move {
            let arriving = frames.next().await.map_err(|Refused(failure)| failure)?;
            Ok(arriving.map(|arriving| (arriving, frames)))
        });
        chunks.boxed()
    }

    /// Reads what is left and forgets it: a sender hears why it was refused only once it has sent everything.
    pub(super) async fn drain(mut self) {
        while let Ok(true) = self.receive().await {}
    }

    async fn next(&mut self) -> Result<Option<Arriving>, Refused> {
        let mut head = [0; FRAME_HEAD_BYTES];
        if !self.fill(&mut head).await? {
            return Ok(None);
        }
        let FrameHead { chunk, length } = FrameHead::parse(&head);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > CHUNK_OBJECT_BYTES_MAX {
            return Err(Refused::new(
                ProblemCode::TooLarge,
                format!(
                    "a chunk's object has at most {CHUNK_OBJECT_BYTES_MAX} bytes; cut the content into smaller chunks"
                ),
            ));
        }
        let share = self.bodies.share(length as u64).await?;
        Ok(Some(Arriving { chunk, object: self.take(length).await?, held: share }))
    }

    /// Reads a head; `false` at the end of the body.
    async fn fill(&mut self, head: &mut [u8; FRAME_HEAD_BYTES]) -> Result<bool, Refused> {
        if self.received.is_empty() && !self.receive().await? {
            return Ok(false);
        }
        self.take(FRAME_HEAD_BYTES).await?.copy_to_slice(head);
        Ok(true)
    }

    async fn take(&mut self, length: usize) -> Result<Bytes, Refused> {
        if self.received.len() >= length {
            return Ok(self.received.split_to(length));
        }
        let mut bytes = self.bodies.buffer(length);
        loop {
            bytes.fill_from(&mut self.received);
            if bytes.is_full() {
                return Ok(bytes.freeze());
            }
            if !self.receive().await? {
                return Err(Refused::new(
                    ProblemCode::Malformed,
                    "the body ends inside a chunk: send each behind its digest and length, and all of it",
                ));
            }
        }
    }

    /// Waits for the next bytes, never none; `false` at the end of the body.
    async fn receive(&mut self) -> Result<bool, Refused> {
        loop {
            // A body that ended or failed must not be asked again: it may keep us waiting for ever.
            let Some(body) = &mut self.body else { return Ok(false) };
            self.received = match body.next().await {
                Some(Ok(received)) => received,
                ended => {
                    self.body = None;
                    return ended
                        .transpose()
                        .map(|_| false)
                        .map_err(|error| unread(&error, FRAMES_BYTES_MAX));
                }
            };
            self.received_bytes = self.received_bytes.saturating_add(self.received.len());
            if self.received_bytes > FRAMES_BYTES_MAX {
                return Err(too_large(FRAMES_BYTES_MAX));
            }
            if !self.received.is_empty() {
                return Ok(true);
            }
        }
    }
}

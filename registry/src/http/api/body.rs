//! Request bodies, read whole under a limit of their own and a budget of all together.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use holdfast_formats::wire::v1::ProblemCode;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refused;
use crate::objects::{Buffer, Buffers};

/// The unit of the budget.
const KIB: u64 = 1024;
/// Of the whole budget, what strangers have together is one in so many.
const STRANGERS_PART: u64 = 8;
/// What a stranger's body counts for at least, so that they cannot keep a great number of small ones open.
const STRANGER_KIB_MIN: u32 = 64;

/// How many bytes of bodies are held at a time. Who comes when it is used up waits for others to finish.
#[derive(Debug)]
pub(super) struct BodyBudget {
    kibibytes: Arc<Semaphore>,
    total: u32,
    /// The budget of those who show no token that counts. They never wait, and they take nothing from others.
    strangers_kibibytes: Arc<Semaphore>,
    strangers_total: u32,
    buffers: Arc<Buffers>,
}

/// A body and its share of the budget, given back when dropped.
pub(super) struct HeldBody {
    pub(super) bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

impl BodyBudget {
    pub(super) fn new(bytes: u64) -> Self {
        let total = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX).max(1);
        let strangers_total = u32::try_from(bytes.div_ceil(KIB * STRANGERS_PART)).unwrap_or(u32::MAX).max(1);
        let idle_bytes_max = usize::try_from(bytes / 4).unwrap_or(usize::MAX);
        Self {
            kibibytes: semaphore(total),
            total,
            strangers_kibibytes: semaphore(strangers_total),
            strangers_total,
            buffers: Arc::new(Buffers::keeping(idle_bytes_max)),
        }
    }

    /// Reads a body of at most `max` bytes.
    pub(super) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        max: usize,
    ) -> Result<HeldBody, Refused> {
        let share = self.share(expected(headers, max)?).await?;
        HeldBody::read(body, max, share).await
    }

    /// Reads a stranger's body of at most `max` bytes.
    pub(super) async fn read_of_stranger(
        &self,
        headers: &HeaderMap,
        body: Body,
        max: usize,
    ) -> Result<HeldBody, Refused> {
        let share = kibibytes(expected(headers, max)?).max(STRANGER_KIB_MIN).min(self.strangers_total);
        let share = Arc::clone(&self.strangers_kibibytes).try_acquire_many_owned(share).map_err(|_| {
            let detail = "too many requests without a token are being read; send a token, or try again later";
            Refused::new(ProblemCode::Unavailable, detail)
        })?;
        HeldBody::read(body, max, share).await
    }

    /// An empty buffer for an object. What it takes is to be counted by a share.
    pub(super) fn buffer(&self, object_bytes: usize) -> Buffer {
        self.buffers.for_object(object_bytes)
    }

    /// Waits until so many bytes may be held.
    pub(super) async fn share(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Refused> {
        let share = kibibytes(bytes).min(self.total);
        let permit = Arc::clone(&self.kibibytes).acquire_many_owned(share).await;
        permit.map_err(|_| Refused::new(ProblemCode::Unavailable, "the registry is shutting down"))
    }
}

impl HeldBody {
    async fn read(body: Body, max: usize, share: OwnedSemaphorePermit) -> Result<Self, Refused> {
        let bytes = to_bytes(body, max).await.map_err(|error| unread(&error, max))?;
        Ok(Self { bytes, _share: share })
    }
}

fn semaphore(kibibytes: u32) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(kibibytes).unwrap_or(usize::MAX)))
}

fn kibibytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX).max(1)
}

/// How many bytes to be ready for.
fn expected(headers: &HeaderMap, max: usize) -> Result<u64, Refused> {
    match declared(headers) {
        Some(size) if size > max as u64 => Err(too_large(max)),
        Some(size) => Ok(size),
        None => Ok(max as u64),
    }
}

/// How long a body says that it is.
pub(super) fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok())
}

pub(super) fn too_large(max: usize) -> Refused {
    Refused::new(
        ProblemCode::TooLarge,
        format!("the body has more than the {max} bytes that are accepted here"),
    )
}

/// What to tell whoever sent a body that ended in an error.
pub(super) fn unread(error: &axum::Error, max: usize) -> Refused {
    let mut below: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = below {
        if cause.is::<http_body_util::LengthLimitError>() {
            return too_large(max);
        }
        below = cause.source();
    }
    Refused::new(ProblemCode::Malformed, "the body ended early or came too slowly; send it again")
}

/// Reads strict JSON.
pub(super) fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Refused> {
    holdfast_formats::from_json(bytes, bytes.len())
        .map_err(|error| Refused::new(ProblemCode::Malformed, error.to_string()))
}

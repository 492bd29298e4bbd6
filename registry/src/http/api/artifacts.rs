//! Artifacts and their bytes.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE,
};
use axum::http::response::Builder;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::{ArtifactList, ListQuery, ProblemCode};

use super::Api;
use super::answer::{Json, Refused, ok};
use super::bearer::Bearer;
use super::path::{self, ArtifactPath};
use super::query::Parameters;
use crate::service::{BlobRange, Failure, Identity};

pub(super) async fn list(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<ArtifactList>, Refused> {
    Ok(ok(api.service.list(&who, &query).await?))
}

/// `GET /v1/artifacts/{ref}`, `…/blobs/{blake3}`, `…/chunks/{blake3}` and `…/retention`
pub(super) async fn get(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Path(wanted): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    match path::artifact(&wanted)? {
        ArtifactPath::Artifact(reference) => {
            Ok(ok(api.service.artifact(&who, &reference).await?).into_response())
        }
        ArtifactPath::Retention(reference) => {
            Ok(ok(api.service.retention(&who, &reference).await?).into_response())
        }
        ArtifactPath::Blob(reference, digest) => blob(&api, &who, &reference, digest, &headers).await,
        ArtifactPath::Chunk(reference, digest) => {
            let object = api.service.snapshot_chunk(&who, &reference, path::parse(digest)?).await?;
            content(digest).header(CONTENT_LENGTH, object.len()).body(Body::from(object)).map_err(internal)
        }
    }
}

async fn blob(
    api: &Api,
    who: &Identity,
    reference: &Reference,
    digest: &str,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let range = range(headers)?;
    let opened = api.service.open_blob(who, reference, path::parse(digest)?, &range).await?;
    let (start, end) = opened.range;
    let mut response = content(digest).header(CONTENT_LENGTH, end - start).header(ACCEPT_RANGES, "bytes");
    if range != BlobRange::Whole {
        let content_range = format!("bytes {start}-{}/{}", end - 1, opened.size);
        response = response.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, content_range);
    }
    response.body(Body::from_stream(opened.bytes)).map_err(internal)
}

/// Bytes under a digest: they never change.
fn content(digest: &str) -> Builder {
    Response::builder()
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(ETAG, format!("\"{digest}\""))
        .header(CACHE_CONTROL, "private, max-age=31536000, immutable")
}

fn internal(error: axum::http::Error) -> Refused {
    Refused(Failure::internal(error))
}

/// One range of bytes; several at once are answered like none, as RFC 9110 allows.
fn range(headers: &HeaderMap) -> Result<BlobRange, Refused> {
    let Some(value) = headers.get(RANGE) else { return Ok(BlobRange::Whole) };
    let wrong = || {
        Refused::new(
            ProblemCode::RangeNotSatisfiable,
            "write the range as bytes=first-last, bytes=first- or bytes=-count",
        )
    };
    let text = value.to_str().ok().and_then(|text| text.strip_prefix("bytes=")).ok_or_else(wrong)?;
    if text.contains(',') {
        return Ok(BlobRange::Whole);
    }
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
    let (first, last) = text.split_once('-').ok_or_else(wrong)?;
    match (first.trim(), last.trim()) {
        ("", count) => Ok(BlobRange::Last(number(count)?)),
        (first, "") => Ok(BlobRange::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last { Err(wrong()) } else { Ok(BlobRange::Part(first..=last)) }
        }
    }
}

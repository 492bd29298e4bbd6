//! Uploads. Who may not upload is refused before the body is read.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use holdfast_formats::blob::BLOB_RECORD_BYTES_MAX;
use holdfast_formats::name::Namespace;
use holdfast_formats::wire::v1::{BlobQuery, BlobStored, ChunksQuery, ChunksStored, MissingAnswer};

use super::Api;
use super::answer::{Json, Refused, ok};
use super::bearer::Bearer;
use super::frames::Frames;
use super::query::Parameters;
use super::{body, path};

const QUERY_BYTES_MAX: usize = 512 * 1024;

pub(super) async fn missing(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Path(namespace): Path<String>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<MissingAnswer>, Refused> {
    let namespace: Namespace = path::parse(&namespace)?;
    who.require_upload(&namespace)?;
    let held = api.bodies.read(&headers, request, QUERY_BYTES_MAX).await?;
    let query = body::json(&held.bytes)?;
    Ok(ok(api.service.missing(&who, &namespace, &query).await?))
}

pub(super) async fn chunks(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Path(namespace): Path<String>,
    Parameters(query): Parameters<ChunksQuery>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<ChunksStored>, Refused> {
    let namespace: Namespace = path::parse(&namespace)?;
    who.require_upload(&namespace)?;
    let mut frames = Frames::of(&api.bodies, &headers, request)?;
    let stored = api.service.put_chunks(&who, &namespace, frames.chunks(), &query).await;
    if stored.is_err() {
        frames.drain().await;
    }
    Ok(ok(stored?))
}

pub(super) async fn blob(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Path(namespace): Path<String>,
    Parameters(query): Parameters<BlobQuery>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<BlobStored>, Refused> {
    let namespace: Namespace = path::parse(&namespace)?;
    who.require_upload(&namespace)?;
    let held = api.bodies.read(&headers, request, BLOB_RECORD_BYTES_MAX).await?;
    let (stored, new) = api.service.put_blob(&who, &namespace, &held.bytes, &query).await?;
    Ok(Json(if new { StatusCode::CREATED } else { StatusCode::OK }, stored))
}

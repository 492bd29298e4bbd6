//! Uploads. Who may not upload is refused before the body is read.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use holdfast_formats::blob::BLOB_RECORD_BYTES_MAX;
use holdfast_formats::chunk::CHUNK_HEADER_BYTES;
use holdfast_formats::limits::CHUNK_BYTES_MAX;
use holdfast_formats::name::Namespace;
use holdfast_formats::wire::v1::{BlobStored, MissingAnswer};

use super::Api;
use super::answer::{Json, Refused, ok};
use super::bearer::Bearer;
use super::{body, path};

const QUERY_BYTES_MAX: usize = 512 * 1024;
/// A zstd frame of bytes that do not compress is a little larger than they are.
const CHUNK_OBJECT_BYTES_MAX: usize = CHUNK_HEADER_BYTES + CHUNK_BYTES_MAX + 64 * 1024;

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

pub(super) async fn chunk(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Path((namespace, digest)): Path<(String, String)>,
    headers: HeaderMap,
    request: Body,
) -> Result<StatusCode, Refused> {
    let namespace: Namespace = path::parse(&namespace)?;
    let digest = path::parse(&digest)?;
    who.require_upload(&namespace)?;
    let held = api.bodies.read(&headers, request, CHUNK_OBJECT_BYTES_MAX).await?;
    let new = api.service.put_chunk(&who, &namespace, digest, held.bytes.clone()).await?;
    Ok(if new { StatusCode::CREATED } else { StatusCode::OK })
}

pub(super) async fn blob(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Path(namespace): Path<String>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<BlobStored>, Refused> {
    let namespace: Namespace = path::parse(&namespace)?;
    who.require_upload(&namespace)?;
    let held = api.bodies.read(&headers, request, BLOB_RECORD_BYTES_MAX).await?;
    let (stored, new) = api.service.put_blob(&who, &namespace, &held.bytes).await?;
    Ok(Json(if new { StatusCode::CREATED } else { StatusCode::OK }, stored))
}

//! The log: submissions, proofs, entries, tiles.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use holdfast_formats::limits::ATTACHMENT_BYTES_MAX;
use holdfast_formats::statement::Action;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{
    Consistency, ConsistencyQuery, CosignedCheckpoints, CosignedQuery, EntriesQuery, LogEntries, PolicyChain,
    PolicyQuery, Receipt, Submission,
};

use super::Api;
use super::answer::{Json, Refused, ok};
use super::bearer::Bearer;
use super::query::Parameters;
use super::{body, path};

/// Statements without large attachments fit; anybody may send so much to have a signature judged.
const STRANGER_BYTES_MAX: usize = 1024 * 1024;
/// One attachment of 64 MiB in base64, and an envelope.
const SUBMISSION_BYTES_MAX: usize = ATTACHMENT_BYTES_MAX / 3 * 4 + 2 * 1024 * 1024;
/// The header that carries the one-time login secret.
const LOGIN_HEADER: &str = "holdfast-login";

/// `POST /v1/submissions`. The signatures say who may; a token only lets large attachments through.
pub(super) async fn submit(
    State(api): State<Api>,
    Bearer(who): Bearer,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<Receipt>, Refused> {
    let known = who.may_somewhere(Action::Publish) || who.may_somewhere(Action::Attest);
    let held = if known {
        api.bodies.read(&headers, request, SUBMISSION_BYTES_MAX).await?
    } else {
        api.bodies.read_of_stranger(&headers, request, STRANGER_BYTES_MAX).await?
    };
    let submission: Submission = body::json(&held.bytes)?;
    let login = headers.get(LOGIN_HEADER).and_then(|value| value.to_str().ok());
    let submitted = api.service.submit(&who, submission, login).await?;
    let status = if submitted.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Json(status, submitted.receipt))
}

pub(super) async fn policies(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Parameters(query): Parameters<PolicyQuery>,
) -> Result<Json<PolicyChain>, Refused> {
    Ok(ok(api.service.policies(&who, &query).await?))
}

pub(super) async fn checkpoint(State(api): State<Api>, Bearer(who): Bearer) -> Result<Response, Refused> {
    Ok(note(api.service.checkpoint(&who)?))
}

pub(super) async fn consistency(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Parameters(query): Parameters<ConsistencyQuery>,
) -> Result<Json<Consistency>, Refused> {
    Ok(ok(api.service.consistency(&who, &query).await?))
}

pub(super) async fn cosigned(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Parameters(query): Parameters<CosignedQuery>,
) -> Result<Json<CosignedCheckpoints>, Refused> {
    Ok(ok(api.service.cosigned(&who, &query).await?))
}

pub(super) async fn entries(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Parameters(query): Parameters<EntriesQuery>,
) -> Result<Json<LogEntries>, Refused> {
    Ok(ok(api.service.log_entries(&who, &query).await?))
}

pub(super) async fn proof(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Path(index): Path<String>,
) -> Result<Json<Receipt>, Refused> {
    let index: LeafIndex = path::parse(&index)?;
    Ok(ok(api.service.receipt_for(&who, index).await?))
}

pub(super) async fn attachment(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Path(digest): Path<String>,
) -> Result<Response, Refused> {
    let bytes = api.service.attachment(&who, path::parse(&digest)?).await?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// `GET /log/checkpoint` and `GET /log/tile/…`: the log as C2SP tlog-tiles lays it out.
pub(super) async fn tile(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Path(wanted): Path<String>,
) -> Result<Response, Refused> {
    if wanted == "checkpoint" {
        return Ok(note(api.service.published_checkpoint(&who).await?));
    }
    let bytes = api.service.tile(&who, path::parse(&wanted)?).await?;
    let headers =
        [(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, "private, max-age=31536000, immutable")];
    Ok((headers, bytes).into_response())
}

fn note(text: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "private, max-age=1")], text)
        .into_response()
}

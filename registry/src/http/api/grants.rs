//! Tokens.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use holdfast_formats::wire::v1::{GrantList, GrantQuery, OidcExchange, Receipt};

use super::Api;
use super::answer::{Json, Refused, ok};
use super::bearer::Bearer;
use super::body;
use super::query::Parameters;

/// An ID token, and lists of patterns.
const EXCHANGE_BYTES_MAX: usize = 64 * 1024;

pub(super) async fn list(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Parameters(query): Parameters<GrantQuery>,
) -> Result<Json<GrantList>, Refused> {
    Ok(ok(api.service.grants(&who, &query).await?))
}

/// `POST /v1/grants/oidc`. The issuer's token says who may, so no other is needed; one that is sent must be good.
pub(super) async fn exchange(
    State(api): State<Api>,
    Bearer(_): Bearer,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<Receipt>, Refused> {
    let held = api.bodies.read(&headers, request, EXCHANGE_BYTES_MAX).await?;
    let sent: OidcExchange = body::json(&held.bytes)?;
    let given = api.service.exchange(sent).await?;
    let status = if given.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Json(status, given.receipt))
}

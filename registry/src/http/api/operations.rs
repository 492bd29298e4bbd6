//! What commands on the node's own machine ask it to do. The registry's own key says who may, and no token does.

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use bytes::Bytes;
use holdfast_formats::operator::OPERATOR_HEADER;
use holdfast_formats::wire::v1::{
    ScheduleList, ScheduleQuery, ScrubRequest, ScrubStatus, SweepRequest, SweepStatus,
};

use super::Api;
use super::answer::{Json, Refused, ok};
use super::body;
use super::rate::Caller;
use crate::http::front::Peer;

/// Requests are small.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// The body of a request that the node's own key signed.
pub(super) struct Operator(pub(super) Bytes);

impl FromRequest<Api> for Operator {
    type Rejection = Refused;

    async fn from_request(request: Request<Body>, api: &Api) -> Result<Self, Refused> {
        let (parts, request) = request.into_parts();
        if let Some(Peer(address)) = parts.extensions.get::<Peer>() {
            api.rates.take(Caller::stranger(*address))?;
        }
        let held = api.bodies.read_of_stranger(&parts.headers, request, REQUEST_BYTES_MAX).await?;
        let proof = parts.headers.get(OPERATOR_HEADER).and_then(|value| value.to_str().ok());
        api.service.require_operator(parts.uri.path(), proof, &held.bytes)?;
        Ok(Self(held.bytes))
    }
}

/// `POST /v1/operations/sweep`
pub(super) async fn sweep(
    State(api): State<Api>,
    Operator(asked): Operator,
) -> Result<Json<SweepStatus>, Refused> {
    let request: SweepRequest = body::json(&asked)?;
    Ok(ok(api.service.operate_sweep(&request)?))
}

/// `POST /v1/operations/scrub`
pub(super) async fn scrub(
    State(api): State<Api>,
    Operator(asked): Operator,
) -> Result<Json<ScrubStatus>, Refused> {
    let request: ScrubRequest = body::json(&asked)?;
    Ok(ok(api.service.operate_scrub(request).await?))
}

/// `POST /v1/operations/schedules`
pub(super) async fn schedules(
    State(api): State<Api>,
    Operator(asked): Operator,
) -> Result<Json<ScheduleList>, Refused> {
    let query: ScheduleQuery = body::json(&asked)?;
    Ok(ok(api.service.operate_schedules(query).await?))
}

//! The node itself: health, metrics, description.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use holdfast_formats::wire::v1::{ProblemCode, RegistryInfo, Status};

use super::Api;
use super::answer::{Json, Refused, ok};
use super::bearer::Bearer;
use super::path;
use crate::telemetry::METRICS_CONTENT_TYPE;

const OPENAPI: &str = include_str!("../../../../schemas/json/openapi.json");

/// The process runs.
pub(super) async fn healthy() -> &'static str {
    "ok\n"
}

/// Lookups are answered.
pub(super) async fn ready(State(api): State<Api>) -> Result<&'static str, Refused> {
    api.service.ready()?;
    Ok("ready\n")
}

/// What is overdue follows from the time as well as from the log, so it is counted when somebody asks.
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    api.service.count_schedules().await;
    ([(CONTENT_TYPE, METRICS_CONTENT_TYPE)], api.service.metrics().render()).into_response()
}

pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

pub(super) async fn info(State(api): State<Api>) -> Json<RegistryInfo> {
    ok(api.service.info())
}

pub(super) async fn status(State(api): State<Api>, Bearer(who): Bearer) -> Result<Json<Status>, Refused> {
    Ok(ok(api.service.status(&who).await?))
}

pub(super) async fn no_such_route() -> Refused {
    path::no_such_route()
}

pub(super) async fn wrong_method() -> Refused {
    Refused::new(ProblemCode::MethodNotAllowed, "this route has other methods; /v1/openapi.json lists them")
}

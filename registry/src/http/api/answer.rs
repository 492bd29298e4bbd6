//! Answers: JSON, and failures as problems. A failure is logged here, once.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use holdfast_formats::wire::v1::{Problem, ProblemCode};
use serde::Serialize;

use super::Api;
use crate::service::Failure;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why what is answered may be old.
const STALE: HeaderName = HeaderName::from_static("holdfast-stale");
/// Whoever asked too often has another turn within a second.
const RETRY_AFTER_S: &str = "1";

/// A JSON body with its status.
pub(super) struct Json<T>(pub(super) StatusCode, pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.1) {
            Ok(body) => (self.0, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Refused(Failure::internal(error)).into_response(),
        }
    }
}

/// A JSON body of status 200.
pub(super) const fn ok<T>(body: T) -> Json<T> {
    Json(StatusCode::OK, body)
}

/// A failure on its way out.
pub(super) struct Refused(pub(super) Failure);

impl Refused {
    pub(super) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self(Failure::new(code, detail))
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem: Problem = self.0.problem();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(code = %problem.code, error = %causes(&self.0), "a request failed");
        }
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if problem.code == ProblemCode::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if problem.code == ProblemCode::TooManyRequests {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        response.extensions_mut().insert(problem.code);
        response
    }
}

/// The whole chain of causes in one line.
fn causes(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut below = std::error::Error::source(failure);
    while let Some(error) = below {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        below = error.source();
    }
    text
}

/// Says of every answer of a node that cannot follow the log any further that it is old.
pub(super) async fn mark_stale(State(api): State<Api>, mut response: Response) -> Response {
    if let Some(Ok(reason)) = api.service.behind().as_deref().map(HeaderValue::from_str) {
        response.headers_mut().insert(STALE, reason);
    }
    response
}

/// Counts a refusal under its code.
pub(super) async fn count_refusals(State(api): State<Api>, response: Response) -> Response {
    if let Some(code) = response.extensions().get::<ProblemCode>() {
        api.service.metrics().refused(code.as_str());
    }
    response
}

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

/// Most answers fit, so that they are written without being moved.
const USUAL_BYTES: usize = 4096;

/// A JSON body with its status.
pub(super) struct Json<T>(pub(super) StatusCode, pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(USUAL_BYTES);
        match serde_json::to_writer(&mut body, &self.1) {
            Ok(()) => (self.0, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
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
        if self.0.is_fault() {
            tracing::error!(code = %problem.code, error = %causes(&self.0), "a request failed");
        } else if status.is_server_error() {
            // Whoever may ask can bring this about as often as it likes; the metrics count it.
            tracing::debug!(code = %problem.code, error = %self.0, "a request cannot be answered now");
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

/// What every answer gets: a refusal is counted under its code, and a node that cannot follow the log any further says that
/// its answers are old. One layer, because each costs a boxed future a request.
pub(super) async fn complete(State(api): State<Api>, mut response: Response) -> Response {
    if let Some(code) = response.extensions().get::<ProblemCode>() {
        api.service.metrics().refused(code.as_str());
    }
    if let Some(Ok(reason)) = api.service.behind().as_deref().map(HeaderValue::from_str) {
        response.headers_mut().insert(STALE, reason);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics with it").write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What the log says at the level of errors.
    fn logged(failure: Failure) -> String {
        let writer = Lines::default();
        let kept = Arc::clone(&writer.0);
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::ERROR)
            .with_writer(move || writer.clone())
            .finish();
        let answer = tracing::subscriber::with_default(subscriber, || Refused(failure).into_response());
        assert!(answer.status().is_server_error());
        let bytes = kept.lock().expect("nobody panics with it").clone();
        String::from_utf8(bytes).expect("the log is text")
    }

    #[test]
    fn what_failed_here_is_an_error_in_the_log_and_what_a_caller_can_bring_about_is_none() {
        assert!(logged(Failure::internal(io::Error::other("disk on fire"))).contains("disk on fire"));
        assert_eq!(logged(Failure::new(ProblemCode::Unavailable, "ask another node")), "");
    }
}

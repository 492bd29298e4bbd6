//! Query strings, read strictly: an unknown, duplicate or malformed parameter is refused.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use holdfast_formats::wire::v1::ProblemCode;
use serde::de::DeserializeOwned;

use super::Api;
use super::answer::Refused;

/// The parameters of a request.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Parameters<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Refused> {
        Self::of(parts)
    }
}

impl<T: DeserializeOwned> Parameters<T> {
    /// Reads the parameters of a request whose path decides what they are.
    pub(super) fn of(parts: &Parts) -> Result<Self, Refused> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        let Query(value) = read.map_err(|error| {
            Refused::new(ProblemCode::Malformed, format!("the query string: {}", error.body_text()))
        })?;
        Ok(Self(value))
    }
}

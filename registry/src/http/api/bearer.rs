//! The bearer of a request, from its `Authorization` header.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use holdfast_formats::wire::v1::ProblemCode;

use super::Api;
use super::answer::Refused;
use crate::service::Identity;

/// Who asks.
pub(super) struct Bearer(pub(super) Identity);

impl FromRequestParts<Api> for Bearer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refused> {
        let unreadable =
            || Refused::new(ProblemCode::Unauthorized, "write `Authorization: Bearer hft_…`, once");
        let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
        let token = match (headers.next(), headers.next()) {
            (None, _) => None,
            (Some(one), None) => {
                let text = one.to_str().map_err(|_| unreadable())?;
                let (scheme, token) = text.split_once(' ').ok_or_else(unreadable)?;
                if !scheme.eq_ignore_ascii_case("bearer") {
                    return Err(unreadable());
                }
                Some(token.trim())
            }
            (Some(_), Some(_)) => return Err(unreadable()),
        };
        Ok(Self(api.service.identify(token).await?))
    }
}

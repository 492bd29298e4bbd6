//! The bearer of a request, from its `Authorization` header.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use holdfast_formats::wire::v1::ProblemCode;

use super::Api;
use super::answer::Refused;
use super::rate::Caller;
use crate::http::front::Peer;
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
        let identified = api.service.identify(token).await;
        take_turn(parts, api, identified.as_ref().ok())?;
        Ok(Self(identified?))
    }
}

/// Counts the request: for the grant that it shows, else for the address that it comes from.
fn take_turn(parts: &Parts, api: &Api, who: Option<&Identity>) -> Result<(), Refused> {
    match (who, parts.extensions.get::<Peer>()) {
        (Some(Identity::Bearer(grant)), _) => api.rates.take(Caller::Grant(grant.index)),
        (_, Some(Peer(address))) => api.rates.take(Caller::stranger(*address)),
        // Without a socket there is nobody to be counted.
        (_, None) => Ok(()),
    }
}

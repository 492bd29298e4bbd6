//! Tokens.

use axum::extract::State;
use holdfast_formats::wire::v1::{GrantList, GrantQuery};

use super::Api;
use super::answer::{Json, Refused, ok};
use super::bearer::Bearer;
use super::query::Parameters;

pub(super) async fn list(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Parameters(query): Parameters<GrantQuery>,
) -> Result<Json<GrantList>, Refused> {
    Ok(ok(api.service.grants(&who, &query).await?))
}

//! Channels: known-good, history, gate, schedules.

use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use holdfast_formats::name::ChannelName;
use holdfast_formats::wire::v1::{ScheduleList, ScheduleQuery};

use super::Api;
use super::answer::{Json, Refused, ok};
use super::bearer::Bearer;
use super::path;
use super::query::Parameters;

/// `GET /v1/channels/{channel}/{known-good|history|gate|schedules}`
pub(super) async fn get(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Path(wanted): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let (channel, verb) = path::name_and_verb(&wanted)?;
    let channel: ChannelName = path::parse(channel)?;
    match verb {
        "known-good" => {
            let Parameters(query) = Parameters::of(&parts)?;
            let answer = api.service.known_good(&who, &channel, &query).await?;
            let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
            Ok((headers, answer.body.clone()).into_response())
        }
        "history" => {
            let Parameters(query) = Parameters::of(&parts)?;
            Ok(ok(api.service.history(&who, channel, &query).await?).into_response())
        }
        "gate" => {
            let Parameters(query) = Parameters::of(&parts)?;
            Ok(ok(api.service.gate(&who, channel, &query).await?).into_response())
        }
        "schedules" => Ok(ok(api.service.schedules(&who, channel).await?).into_response()),
        _ => Err(path::no_such_route()),
    }
}

/// `GET /v1/schedules`
pub(super) async fn schedules(
    State(api): State<Api>,
    Bearer(who): Bearer,
    Parameters(query): Parameters<ScheduleQuery>,
) -> Result<Json<ScheduleList>, Refused> {
    Ok(ok(api.service.list_schedules(&who, query).await?))
}

//! The routes of version 1 and the log's tiles: one handler a use case.

mod answer;
mod artifacts;
mod bearer;
mod body;
mod channels;
mod frames;
mod grants;
mod log;
mod node;
mod operations;
mod path;
mod query;
mod rate;
mod uploads;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::config::RequestRates;
use crate::service::Service;
use body::BodyBudget;
use rate::RateLimits;

/// What requests may use together.
#[derive(Debug, Clone, Copy)]
pub struct ApiLimits {
    /// Bytes of request bodies held at a time.
    pub body_bytes: u64,
    /// How often one caller may ask.
    pub rates: RequestRates,
}

/// What handlers share. One count: every layer of a router clones it for every request, and a count that all cores change
/// keeps them waiting for each other.
type Api = Arc<Shared>;

struct Shared {
    service: Service,
    bodies: Arc<BodyBudget>,
    rates: RateLimits,
}

/// Every route there is.
pub fn router(service: Service, limits: ApiLimits) -> Router {
    let bodies = Arc::new(BodyBudget::new(limits.body_bytes));
    let api = Api::new(Shared { service, bodies, rates: RateLimits::new(limits.rates) });
    Router::new()
        .route("/healthz", get(node::healthy))
        .route("/readyz", get(node::ready))
        .route("/metrics", get(node::metrics))
        .route("/v1/openapi.json", get(node::openapi))
        .route("/v1/registry", get(node::info))
        .route("/v1/status", get(node::status))
        .route("/v1/operations/sweep", post(operations::sweep))
        .route("/v1/operations/scrub", post(operations::scrub))
        .route("/v1/operations/schedules", post(operations::schedules))
        .route("/v1/submissions", post(log::submit))
        .route("/v1/policies", get(log::policies))
        .route("/v1/grants", get(grants::list))
        .route("/v1/grants/oidc", post(grants::exchange))
        .route("/v1/log/checkpoint", get(log::checkpoint))
        .route("/v1/log/consistency", get(log::consistency))
        .route("/v1/log/cosigned", get(log::cosigned))
        .route("/v1/log/entries", get(log::entries))
        .route("/v1/log/proof/{index}", get(log::proof))
        .route("/v1/log/attachments/{digest}", get(log::attachment))
        .route("/log/{*path}", get(log::tile))
        .route("/v1/channels/{*path}", get(channels::get))
        .route("/v1/schedules", get(channels::schedules))
        .route("/v1/artifacts", get(artifacts::list))
        .route("/v1/artifacts/{*path}", get(artifacts::get))
        .route("/v1/namespaces/{namespace}/chunks/missing", post(uploads::missing))
        .route("/v1/namespaces/{namespace}/chunks", post(uploads::chunks))
        .route("/v1/namespaces/{namespace}/blobs", post(uploads::blob))
        .fallback(node::no_such_route)
        .method_not_allowed_fallback(node::wrong_method)
        // Every handler that reads a body names its own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(axum::middleware::map_response_with_state(api.clone(), answer::complete))
        .with_state(api)
}

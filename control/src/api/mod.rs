//! The control plane's HTTP API. Every route is one line below, with the role it needs.
//!
//! Answers come from what the loops already know and from the journal: no request of a dashboard
//! ever becomes a call to AWS. Whoever changes something is named in the journal, and so is
//! whoever was denied. Bodies, rates and streams are bounded.

mod access;
mod alerts;
mod audit;
pub mod client;
mod environments;
mod error;
mod health;
mod holds;
mod limit;
mod runs;
mod stream;
mod tokens;

pub use access::Caller;
pub use stream::Streams;
pub use tokens::{Token, Tokens, tokens};

use crate::{alert::Alerts, app::App, runbook::engine::Engine};
use access::{Gate, guard};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{delete, get, post},
};
use limit::Limits;
use protocol::control::Role;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

/// Larger than any request here: 64 KiB.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longer than any answer that is not a stream, planning included.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// What every handler can reach.
#[derive(Clone)]
pub struct Api {
    pub app: App,
    pub engine: Engine,
    /// By environment.
    pub alerts: BTreeMap<String, Arc<Alerts>>,
    pub tokens: Arc<Tokens>,
    pub streams: Streams,
    limits: Arc<Limits>,
}

impl Api {
    /// The API over the parts.
    #[must_use]
    pub fn new(
        app: App,
        engine: Engine,
        alerts: BTreeMap<String, Arc<Alerts>>,
        tokens: Tokens,
    ) -> Self {
        let streams = Streams::default();
        let (tokens, limits) = (Arc::new(tokens), Arc::default());
        Self { app, engine, alerts, tokens, streams, limits }
    }
}

/// Every route, one line each.
pub fn router(api: &Api) -> Router {
    let need = |role| from_fn_with_state(Gate { api: api.clone(), role }, guard);
    let viewer = Router::new()
        .route("/v1/environments", get(environments::list))
        .route("/v1/environments/{name}/overview", get(environments::overview))
        .route("/v1/decisions", get(environments::decisions))
        .route("/v1/alerts", get(alerts::list))
        .route("/v1/runbooks", get(runs::library))
        .route("/v1/runs/{id}", get(runs::read))
        .route("/v1/holds", get(holds::list))
        .route("/v1/audit", get(audit::list))
        .route_layer(need(Role::Viewer));
    let operator = Router::new()
        .route("/v1/alerts/{call}", post(alerts::act))
        .route("/v1/runs:plan", post(runs::plan))
        .route("/v1/runs", post(runs::start))
        // `:approve` needs more, which its handler asks for.
        .route("/v1/runs/{id}", post(runs::act))
        .route("/v1/drills/{call}", post(runs::arm))
        .route("/v1/holds", post(holds::take))
        .route("/v1/holds/{id}", delete(holds::release))
        .route_layer(need(Role::Operator));
    let answers = viewer
        .merge(operator)
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::GATEWAY_TIMEOUT, ANSWER_MAX));
    let stream =
        Router::new().route("/v1/stream", get(stream::open)).route_layer(need(Role::Viewer));
    Router::new()
        .merge(answers)
        .merge(stream)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(error::no_route)
        .method_not_allowed_fallback(error::no_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(error::panicked))
        .with_state(api.clone())
}

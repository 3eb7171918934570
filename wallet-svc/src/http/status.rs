//! `/healthz`, `/readyz` and `/metrics`: for the load balancer, the orchestrator and the operators.
//!
//! Liveness says only that the process answers: a dependency's outage must not restart tasks.
//! Readiness follows [`crate::health`]; the rest of its report is for people.

use super::Edge;
use crate::store::Mode;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Events that wait longer than this for the broker make it "lagging".
const LAG_US: u64 = 10_000_000;

/// What `/readyz` says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    ready: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    task: String,
    dependencies: Vec<Dependency>,
}

/// One dependency as this task sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    name: &'static str,
    state: &'static str,
    /// Whether the task is unready without it.
    required: bool,
}

/// The process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Whether to send traffic here, and why not.
pub async fn ready(State(edge): State<Edge>) -> Response {
    let reason = edge.health.unready();
    let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let stats = edge.ledger.stats();
    let ledger = if edge.health.ledger().is_usable() { "usable" } else { "unusable" };
    let writer = match stats.mode {
        Mode::Writable => "writable",
        Mode::ReadOnly => "read_only",
        Mode::Unreachable => "unreachable",
    };
    let dependency = |name, state, required| Dependency { name, state, required };
    let cache = if edge.has_cache { "configured" } else { "off" };
    // Relayed within milliseconds when all is well.
    let broker = match stats.outbox_oldest_us {
        None => "unknown",
        Some(..LAG_US) => "keeping_up",
        Some(_) => "lagging",
    };
    let dependencies = vec![
        dependency("ledger", ledger, true),
        dependency("database_writer", writer, false),
        dependency("cache", cache, false),
        dependency("broker", broker, false),
    ];
    let task = edge.task_id.clone();
    (status, Json(Readiness { ready: reason.is_none(), reason, task, dependencies }))
        .into_response()
}

/// Everything measured, in the text format of `OpenMetrics`.
pub async fn metrics(State(edge): State<Edge>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, OPEN_METRICS)], edge.metrics.scrape()).into_response()
}

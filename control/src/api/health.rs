//! Whether the process lives, whether it works, and its metrics. Open to probes without a token;
//! none of them says anything about an environment.

use super::Api;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// `GET /healthz`: the process answers. Never depends on anything else.
pub(super) async fn alive() -> &'static str {
    "ok"
}

/// `GET /readyz`: every loop has succeeded once, and the process is not going down.
pub(super) async fn ready(State(api): State<Api>) -> (StatusCode, Json<Value>) {
    let loops = api.app.driver.status().borrow().clone();
    let waiting: Vec<&String> =
        loops.iter().filter(|(_, status)| status.ok_at.is_none()).map(|(name, _)| name).collect();
    let stopping = api.app.stop.is_cancelled();
    let ready = waiting.is_empty() && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "ready": ready,
        "stopping": stopping,
        "loops": loops.len(),
        "waiting_for": waiting,
        "epoch": api.app.journal.epoch(),
        "journal_seq": api.app.journal.newest(),
    });
    (status, Json(body))
}

/// `GET /metrics`: for Prometheus.
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, media_type)], api.app.metrics.text()).into_response()
}

//! Whether the process lives, whether it works, and its metrics. Open to probes without a token;
//! none of them says anything about an environment.

use super::Api;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
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

/// The media type of `GET /metrics`.
pub(super) const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`: for Prometheus.
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    look(&api);
    ([(header::CONTENT_TYPE, METRICS)], api.app.metrics.text()).into_response()
}

/// Brings the gauges up to date that say how the process is doing. What is not known is NaN,
/// which no alert takes for zero.
fn look(api: &Api) {
    let now = (api.app.clock)();
    let age = |at: Option<DateTime<Utc>>| {
        let age = at.and_then(|at| (now - at).to_std().ok());
        age.map_or(f64::NAN, |age| age.as_secs_f64())
    };
    let metrics = &api.app.metrics;
    let loops = api.app.driver.status().borrow().clone();
    let slowest = loops.values().map(|status| status.ok_at).min();
    metrics.loop_lag_seconds.set(age(slowest.flatten()));
    let readings = api.app.environments.values().flat_map(|live| {
        let signals = live.signals.borrow();
        signals.readings.values().filter_map(|one| Some(one.last()?.1)).max()
    });
    metrics.reading_age_seconds.set(age(readings.min()));
    metrics.epoch.set(i64::try_from(api.app.journal.epoch()).unwrap_or(i64::MAX));
    metrics.journal_seq.set(i64::try_from(api.app.journal.newest()).unwrap_or(i64::MAX));
}

//! Whether the process lives, whether it works, and its metrics. Open to probes without a token;
//! none of them says anything about an environment, so a loop is named without its own.

use super::Api;
use crate::driver::Status;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use protocol::control::{HealthView, LoopLag};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// `GET /healthz`: the process answers. Its status never depends on anything else.
pub(super) async fn alive(State(api): State<Api>) -> Json<HealthView> {
    Json(health(&api))
}

/// `GET /readyz`: every loop has succeeded once, and the process is not going down.
pub(super) async fn ready(State(api): State<Api>) -> (StatusCode, Json<HealthView>) {
    let health = health(&api);
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}

/// The media type of `GET /metrics`.
pub(super) const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`: for Prometheus.
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    api.app.metrics.show(&health(&api));
    ([(header::CONTENT_TYPE, METRICS)], api.app.metrics.text()).into_response()
}

/// How the process is doing. Whoever answers here leads.
fn health(api: &Api) -> HealthView {
    let now = (api.app.clock)();
    let journal = &api.app.journal;
    let loops = api.app.driver.status().borrow().clone();
    let waiting_for = waiting_for(&loops);
    let stopping = api.app.stop.is_cancelled();
    HealthView {
        ready: waiting_for.is_empty() && !stopping,
        standby: false,
        stopping,
        leader: Some(journal.holder().to_owned()),
        epoch: Some(journal.epoch()),
        lease_age_ms: journal.lease().age().map(milliseconds),
        loops: loops.len(),
        waiting_for,
        lag: lag(&loops, now),
        journal_seq: Some(journal.newest()),
        reading_age_ms: newest_reading(api)
            .and_then(|at| Some(milliseconds((now - at).to_std().ok()?))),
        error: None,
    }
}

/// The newest reading of each environment, and of these the oldest.
fn newest_reading(api: &Api) -> Option<DateTime<Utc>> {
    let newest = api.app.environments.values().filter_map(|live| {
        let signals = live.signals.borrow();
        signals.readings.values().filter_map(|one| Some(one.last()?.1)).max()
    });
    newest.min()
}

fn waiting_for(loops: &BTreeMap<String, Status>) -> Vec<String> {
    let waiting = loops.iter().filter(|(_, status)| status.ok_at.is_none());
    let kinds: BTreeSet<&str> = waiting.map(|(name, _)| kind(name)).collect();
    kinds.into_iter().map(str::to_owned).collect()
}

fn lag(loops: &BTreeMap<String, Status>, now: DateTime<Utc>) -> Option<LoopLag> {
    let (name, status) = loops.iter().max_by_key(|(_, status)| status.overdue(now))?;
    let overdue_ms = milliseconds(status.overdue(now));
    Some(LoopLag { name: kind(name).to_owned(), overdue_ms })
}

/// A loop's name without its environment.
fn kind(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples::second;

    fn status(period_s: u64, ok_at: Option<i64>) -> Status {
        Status {
            period: Duration::from_secs(period_s),
            started_at: second(0),
            ok_at: ok_at.map(second),
            ..Status::default()
        }
    }

    #[test]
    fn the_loop_that_is_furthest_behind_its_own_period_is_named_without_its_environment() {
        /// A name, a period and when it succeeded last.
        type Loop = (&'static str, u64, Option<i64>);
        /// Which is furthest behind by how much, and which have not succeeded yet.
        type Want = (Option<(&'static str, u64)>, &'static [&'static str]);
        let named = |loops: &[Loop]| -> BTreeMap<String, Status> {
            let one = |(name, period, ok_at): &Loop| ((*name).to_owned(), status(*period, *ok_at));
            loops.iter().map(one).collect()
        };
        #[rustfmt::skip]
        let table: [(&[Loop], Want); 5] = [
            (&[], (None, &[])),
            (&[("sweep", 10, Some(95))], (Some(("sweep", 0)), &[])),
            (&[("eu/slo", 60, Some(20)), ("eu/capacity", 10, Some(60))], (Some(("capacity", 30_000)), &[])),
            (&[("eu/slo", 60, Some(20)), ("us/capacity", 10, None)], (Some(("capacity", 90_000)), &["capacity"])),
            (&[("eu/deliver", 1, None), ("us/deliver", 1, None)], (Some(("deliver", 99_000)), &["deliver"])),
        ];
        for (loops, (want, waiting)) in table {
            let loops = named(loops);
            let found = lag(&loops, second(100)).map(|one| (one.name, one.overdue_ms));
            assert_eq!(found, want.map(|(name, ms)| (name.to_owned(), ms)));
            assert_eq!(waiting_for(&loops), waiting);
        }
    }
}

//! What is wrong, and who looks after it.

use super::{Api, access::Caller, error::Error, runs::split};
use crate::journal::Entry;
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
};
use protocol::control::{AlertState, AlertView};
use serde::Deserialize;
use serde_json::json;

/// `GET /v1/alerts`: of all environments, most severe first.
pub(super) async fn list(State(api): State<Api>) -> Json<Vec<AlertView>> {
    let mut alerts: Vec<AlertView> =
        api.app.environments.values().flat_map(|live| live.alerts.borrow().clone()).collect();
    alerts.sort_by(|a, b| a.severity.cmp(&b.severity).then(b.since.cmp(&a.since)));
    Json(alerts)
}

/// Why somebody does something.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Because {
    pub(super) reason: String,
}

/// `POST /v1/alerts/{id}:ack`.
pub(super) async fn act(
    State(api): State<Api>,
    caller: Caller,
    Path(call): Path<String>,
    body: Result<Json<Because>, JsonRejection>,
) -> Result<Json<AlertView>, Error> {
    let (id, verb) = split(&call)?;
    if verb != "ack" {
        return Err(Error::NoRoute);
    }
    let Json(Because { reason }) = body?;
    let found = api.app.environments.iter().find_map(|(name, live)| {
        let alert = live.alerts.borrow().iter().find(|alert| alert.id == id).cloned()?;
        Some((name.clone(), alert))
    });
    let (environment, mut alert) =
        found.ok_or_else(|| Error::NotFound { what: "alert", name: id.to_owned() })?;
    if alert.state == AlertState::Resolved {
        let message = "the alert is resolved already".to_owned();
        return Err(Error::Invalid { field: "id", message });
    }
    let summary = format!("{} acknowledged: {reason}", alert.rule);
    let data = json!({ "id": id, "by": caller.name, "reason": reason });
    let subject = format!("{environment}/alert/{}", alert.rule);
    let entry = Entry::by(&caller.name, subject, "alert.acked", summary, data);
    api.app.journal.append(entry).await?;
    alert.state = AlertState::Acked;
    alert.owner = Some(caller.name);
    Ok(Json(alert))
}

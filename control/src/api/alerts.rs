//! What is wrong, and who looks after it.

use super::{Api, access::Caller, error::Error, runs::split};
use crate::journal::Entry;
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
};
use protocol::control::AlertView;
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
        let known = live.alerts.borrow().iter().any(|alert| alert.id == id);
        known.then(|| (name.clone(), live.clone()))
    });
    let unknown = || Error::NotFound { what: "alert", name: id.to_owned() };
    let (environment, live) = found.ok_or_else(unknown)?;
    let desk = api.alerts.get(&environment).ok_or_else(unknown)?;
    desk.ack(id, &caller.name, (api.app.clock)()).await?;
    let subject = format!("{environment}/alert/{id}");
    let summary = format!("{} on alert {id}: {reason}", caller.name);
    let note = Entry::by(&caller.name, subject, "note", summary, json!({ "reason": reason }));
    api.app.journal.append(note).await?;
    let alert = live.alerts.borrow().iter().find(|alert| alert.id == id).cloned();
    alert.map(Json).ok_or_else(unknown)
}

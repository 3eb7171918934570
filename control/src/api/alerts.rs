//! What is wrong, and who looks after it.

use super::{Api, access::Caller, error::Error, runs::check_reason};
use crate::journal::Entry;
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
};
use protocol::control::{AlertView, Because};
use serde_json::json;

/// `GET /v1/alerts`: of all environments, most severe first.
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Vec<AlertView>>, Error> {
    let environments = api.environments(&caller, None)?.into_iter();
    let mut alerts: Vec<AlertView> =
        environments.flat_map(|(_, live)| live.alerts.borrow().clone()).collect();
    alerts.sort_by(|a, b| a.severity.cmp(&b.severity).then(b.since.cmp(&a.since)));
    Ok(Json(alerts))
}

/// `POST /v1/alerts/{id}:ack`.
pub(super) async fn ack(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Because>, JsonRejection>,
) -> Result<Json<AlertView>, Error> {
    let Json(Because { reason, .. }) = body?;
    check_reason(&reason)?;
    let found = api.environments(&caller, None)?.into_iter().find_map(|(name, live)| {
        let known = live.alerts.borrow().iter().any(|alert| alert.id == id);
        known.then(|| (name.clone(), live.clone()))
    });
    let unknown = || Error::NotFound { what: "alert", name: id.clone() };
    let (environment, live) = found.ok_or_else(unknown)?;
    api.acting(&caller, &environment)?;
    let desk = api.alerts.get(&environment).ok_or_else(unknown)?;
    desk.ack(&id, &caller.name, (api.app.clock)()).await?;
    let subject = format!("{environment}/alert/{id}");
    let summary = format!("{} on alert {id}: {reason}", caller.name);
    let note = Entry::by(&caller.name, subject, "note", summary, json!({ "reason": reason }));
    api.app.journal.append(note).await?;
    let alert = live.alerts.borrow().iter().find(|alert| alert.id == id).cloned();
    alert.map(Json).ok_or_else(unknown)
}

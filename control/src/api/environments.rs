//! What is: environments as they stand, and what was decided about them.

use super::{Api, access::Caller, error::Error};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use protocol::control::{DecisionView, EnvironmentView, JournalEvent, Snapshot};
use serde::Deserialize;
use std::sync::Arc;

/// Journal events that come with a snapshot.
const EVENTS_MAX: u32 = 200;
/// Decisions in one answer.
const DECISIONS_MAX: usize = 200;

/// `GET /v1/environments`: everything on one page.
pub(super) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Snapshot>, Error> {
    let upto = api.app.journal.newest();
    Ok(Json(snapshot(&api, &caller, upto).await?))
}

/// The world as it stands and the journal up to `seq`, so that a stream can go on from there.
pub(super) async fn snapshot(api: &Api, caller: &Caller, seq: u64) -> Result<Snapshot, Error> {
    let from = seq.saturating_sub(u64::from(EVENTS_MAX));
    let events = api.app.journal.since(from, EVENTS_MAX).await?;
    let journal: Vec<JournalEvent> =
        events.iter().filter(|event| event.seq <= seq).map(crate::journal::Event::view).collect();
    let environments = api.app.environments.values();
    let views = environments.map(|live| live.view.borrow().as_ref().clone());
    let at = (api.app.clock)();
    Ok(Snapshot { seq, at, role: caller.role, environments: views.collect(), journal })
}

/// `GET /v1/environments/{name}/overview`.
pub(super) async fn overview(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<EnvironmentView>, Error> {
    let live = api.app.environments.get(&name).cloned();
    let live = live.ok_or(Error::NotFound { what: "environment", name })?;
    let view = Arc::clone(&live.view.borrow());
    Ok(Json(view.as_ref().clone()))
}

/// What decisions to show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionsQuery {
    resource: Option<String>,
}

/// `GET /v1/decisions?resource=…`: newest first.
pub(super) async fn decisions(
    State(api): State<Api>,
    query: Result<Query<DecisionsQuery>, QueryRejection>,
) -> Result<Json<Vec<DecisionView>>, Error> {
    let Query(query) = query?;
    // The newest thousand events hold the decisions of the last hours.
    let events = api.app.journal.last(1_000).await?;
    let decisions = events.iter().rev().filter(|event| event.kind.starts_with("decision"));
    let read = decisions.filter_map(|event| {
        let mut decision: DecisionView = serde_json::from_value(event.data.clone()).ok()?;
        decision.seq = event.seq;
        Some(decision)
    });
    let wanted =
        read.filter(|one| query.resource.as_ref().is_none_or(|resource| one.resource == *resource));
    Ok(Json(wanted.take(DECISIONS_MAX).collect()))
}

//! What is: environments as they stand.

use super::{Api, access::Caller, error::Error};
use axum::{
    Json,
    extract::{Path, State},
};
use protocol::control::{EnvironmentView, JournalEvent, Snapshot};
use std::sync::Arc;

/// Journal events that come with a snapshot.
const EVENTS_MAX: u32 = 200;

/// `GET /v1/environments`: everything on one page.
pub(super) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Snapshot>, Error> {
    let upto = api.app.journal.newest();
    Ok(Json(snapshot(&api, &caller, upto).await?))
}

/// The world as it stands and the journal up to `seq`, so that a stream can go on from there.
pub(super) async fn snapshot(api: &Api, caller: &Caller, seq: u64) -> Result<Snapshot, Error> {
    let from = seq.saturating_sub(u64::from(EVENTS_MAX));
    let events = api.app.journal.since(from, EVENTS_MAX).await?;
    let seen =
        events.iter().filter(|event| event.seq <= seq && caller.sees_subject(&event.subject));
    let journal: Vec<JournalEvent> = seen.map(crate::journal::Event::view).collect();
    let environments = api.environments(caller, None)?.into_iter();
    let views = environments.map(|(_, live)| live.view.borrow().as_ref().clone());
    let at = (api.app.clock)();
    Ok(Snapshot { seq, at, role: caller.role, environments: views.collect(), journal })
}

/// `GET /v1/environments/{name}/overview`.
pub(super) async fn overview(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<EnvironmentView>, Error> {
    let live = api.environment(&caller, &name)?;
    let view = Arc::clone(&live.view.borrow());
    Ok(Json(view.as_ref().clone()))
}

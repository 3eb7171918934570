//! What is wrong, and who looks after it.

use super::{
    Api,
    access::Caller,
    error::Error,
    once::IdempotencyKey,
    runs::check_reason,
    standing::{Why, lasting, named},
};
use crate::alert::{Alerts, Ask, SILENCE_MAX, Silence, Wanted};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use protocol::control::{AlertView, Because, IncidentView, SilenceRequest, SilenceView};
use std::sync::Arc;

type Said = Result<Json<Because>, JsonRejection>;

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
    body: Said,
) -> Result<Json<AlertView>, Error> {
    bring(&api, &caller, &id, body, Wanted::Acked).await
}

/// `POST /v1/alerts/{id}:unack`.
pub(super) async fn unack(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    body: Said,
) -> Result<Json<AlertView>, Error> {
    bring(&api, &caller, &id, body, Wanted::Firing).await
}

/// `POST /v1/alerts/{id}:resolve`.
pub(super) async fn resolve(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    body: Said,
) -> Result<Json<AlertView>, Error> {
    bring(&api, &caller, &id, body, Wanted::Resolved).await
}

/// Each is idempotent: an alert that is so already is answered as it is.
async fn bring(
    api: &Api,
    caller: &Caller,
    id: &str,
    body: Said,
    wanted: Wanted,
) -> Result<Json<AlertView>, Error> {
    let Json(Because { reason, expected_state }) = body?;
    check_reason(&reason)?;
    let desk = desk(api, caller, ("alert", id))?;
    api.acting(caller, environment(id))?;
    let ask = Ask { by: &caller.name, reason: &reason, expected: expected_state.as_deref() };
    Ok(Json(desk.bring(id, wanted, ask, (api.app.clock)()).await?))
}

/// `GET /v1/incidents/{id}`: an alert, what it explains, and their story.
pub(super) async fn incident(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<IncidentView>, Error> {
    Ok(Json(desk(&api, &caller, ("alert", &id))?.incident(&id).await?))
}

/// Ids of alerts and silences begin with their environment.
fn environment(id: &str) -> &str {
    id.split('.').next().unwrap_or_default()
}

/// The alerts of the environment that an id names, if there is one for the caller.
fn desk<'a>(
    api: &'a Api,
    caller: &Caller,
    (what, id): (&'static str, &str),
) -> Result<&'a Arc<Alerts>, Error> {
    let desk = api.alerts.get(environment(id)).filter(|_| caller.sees(environment(id)));
    desk.ok_or_else(|| Error::NotFound { what, name: id.to_owned() })
}

/// `GET /v1/silences`: those that stand or are announced, the calendar's included.
pub(super) async fn silences(State(api): State<Api>, caller: Caller) -> Json<Vec<SilenceView>> {
    let now = (api.app.clock)();
    let mut all = Vec::new();
    for (_, desk) in api.alerts.iter().filter(|(name, _)| caller.sees(name)) {
        all.extend(desk.silences(now).await);
    }
    Json(all)
}

/// `POST /v1/silences`.
pub(super) async fn silence(
    State(api): State<Api>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Result<Json<SilenceRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<SilenceView>), Error> {
    let Json(asked) = body?;
    check_reason(&asked.reason)?;
    let lasts = lasting("lasts", &asked.lasts, SILENCE_MAX)?;
    api.acting(&caller, &asked.environment)?;
    let desk = desk(&api, &caller, ("environment", &asked.environment))?;
    let now = (api.app.clock)();
    let starts_at = asked.starts_at.unwrap_or(now);
    let silence = Silence {
        id: format!("{}.{}", asked.environment, named("silence", &caller.name, &key)),
        environment: asked.environment,
        matchers: asked.matchers,
        reason: asked.reason,
        by: caller.name,
        starts_at,
        ends_at: starts_at + lasts,
    };
    desk.silence(silence.clone(), now).await?;
    Ok((StatusCode::CREATED, Json(silence)))
}

/// `DELETE /v1/silences/{id}?reason=`.
pub(super) async fn unsilence(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    query: Result<Query<Why>, QueryRejection>,
) -> Result<StatusCode, Error> {
    let Query(Why { reason }) = query?;
    check_reason(&reason)?;
    let desk = desk(&api, &caller, ("silence", &id))?;
    api.acting(&caller, environment(&id))?;
    if desk.unsilence(&id, (&caller.name, &reason), (api.app.clock)()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::NotFound { what: "silence", name: id })
    }
}

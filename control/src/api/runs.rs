//! Runbooks: what can be run, what a run would do, and what is being done.

use super::{Api, access::Caller, alerts::Because, error::Error};
use crate::{
    document::print_duration,
    runbook::{drive::Order, refusal::Refusal},
};
use axum::{
    Json,
    extract::{FromRequestParts, Path, State, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use protocol::control::{PlanRequest, PlanView, Role, RunView, StartRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Longest reason that is written down.
const REASON_CHARS_MAX: usize = 300;

/// The caller's own name for its request.
pub(super) struct IdempotencyKey(String);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let key = parts.headers.get("idempotency-key").and_then(|value| value.to_str().ok());
        let key = key.filter(|key| (1..=100).contains(&key.len()));
        key.map(|key| Self(key.to_owned())).ok_or_else(|| Error::Invalid {
            field: "Idempotency-Key",
            message: "must be a header of 1 to 100 characters, another for each run".to_owned(),
        })
    }
}

/// `GET /v1/runbooks`: runbooks and drills, as they were loaded.
pub(super) async fn library(State(api): State<Api>) -> Json<Value> {
    let library = api.engine.library();
    let runbooks = library.runbooks.values().map(|book| {
        json!({
            "name": book.name,
            "revision": book.revision,
            "owner": book.owner,
            "summary": book.summary,
            "objective_rto": print_duration(book.objective_rto),
            "steps": book.steps().map(|step| step.id.as_str()).collect::<Vec<_>>(),
            "text": book.text,
        })
    });
    let drills = library.drills.values().map(|drill| {
        json!({
            "name": drill.name,
            "revision": drill.revision,
            "owner": drill.owner,
            "summary": drill.summary,
            "runbook": drill.runbook,
            "text": drill.text,
        })
    });
    let (runbooks, drills): (Vec<Value>, Vec<Value>) = (runbooks.collect(), drills.collect());
    Json(json!({ "runbooks": runbooks, "drills": drills }))
}

/// `POST /v1/runs:plan`: nothing happens.
pub(super) async fn plan(
    State(api): State<Api>,
    body: Result<Json<PlanRequest>, JsonRejection>,
) -> Result<Json<PlanView>, Error> {
    let Json(request) = body?;
    Ok(Json(api.engine.plan(&request).await?))
}

/// `POST /v1/runs`: starts what was planned.
pub(super) async fn start(
    State(api): State<Api>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Result<Json<StartRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<RunView>), Error> {
    let Json(request) = body?;
    check_reason(&request.reason)?;
    let run = api.engine.start(&request, &caller.name, &key).await?;
    Ok((StatusCode::CREATED, Json(run)))
}

/// `GET /v1/runs/{id}`.
pub(super) async fn read(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<RunView>, Error> {
    let run = api.engine.run(&id).await;
    run.map(Json).ok_or(Error::NotFound { what: "run", name: id })
}

/// `POST /v1/runs/{id}:approve|pause|resume|abort`.
pub(super) async fn act(
    State(api): State<Api>,
    caller: Caller,
    Path(call): Path<String>,
    body: Result<Json<Because>, JsonRejection>,
) -> Result<Json<RunView>, Error> {
    let (id, verb) = split(&call)?;
    // Who may not is told so before what is wrong with the body.
    if verb == "approve" {
        caller.need(Role::Approver)?;
    }
    let Json(Because { reason: why }) = body?;
    check_reason(&why)?;
    let order = match verb {
        "approve" => Order::Approve,
        "pause" => Order::Pause { why },
        "resume" => Order::Resume { why },
        "abort" => Order::Abort { why },
        _ => return Err(Error::NoRoute),
    };
    Ok(Json(api.engine.order(id, order, &caller.name).await?))
}

/// `POST /v1/drills/{name}:arm`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArmDrill {
    environment: String,
    reason: String,
}

/// Plans a drill and starts it. Its gate is what it waits for.
pub(super) async fn arm(
    State(api): State<Api>,
    caller: Caller,
    Path(call): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    body: Result<Json<ArmDrill>, JsonRejection>,
) -> Result<(StatusCode, Json<RunView>), Error> {
    let (name, verb) = split(&call)?;
    if verb != "arm" {
        return Err(Error::NoRoute);
    }
    let Json(asked) = body?;
    check_reason(&asked.reason)?;
    if !api.engine.library().drills.contains_key(name) {
        return Err(Error::NotFound { what: "drill", name: name.to_owned() });
    }
    let request = PlanRequest {
        environment: asked.environment,
        runbook: name.to_owned(),
        drill: true,
        params: BTreeMap::new(),
    };
    let plan = api.engine.plan(&request).await?;
    let request = StartRequest { plan_hash: plan.hash, reason: asked.reason };
    match api.engine.start(&request, &caller.name, &key).await {
        // The same key again: the drill that it armed has moved the world since.
        Err(Refusal::KeyReused { run }) => {
            let run = api.engine.run(&run).await.ok_or(Refusal::PlanUnknown)?;
            Ok((StatusCode::CREATED, Json(run)))
        }
        started => Ok((StatusCode::CREATED, Json(started?))),
    }
}

/// `{id}:{verb}`: one segment of the path, as the router sees it.
pub(super) fn split(call: &str) -> Result<(&str, &str), Error> {
    call.rsplit_once(':').filter(|(id, _)| !id.is_empty()).ok_or(Error::NoRoute)
}

fn check_reason(reason: &str) -> Result<(), Error> {
    let length = reason.trim().chars().count();
    if (1..=REASON_CHARS_MAX).contains(&length) {
        return Ok(());
    }
    let message = format!("must be 1 to {REASON_CHARS_MAX} characters: the journal keeps why");
    Err(Error::Invalid { field: "reason", message })
}

//! Runs: what one would do, what is being done, and what people want of them.

use super::{Api, access::Caller, error::Error, once::IdempotencyKey, resources::Which};
use crate::runbook::{drive::Order, refusal::Refusal};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use futures::future::BoxFuture;
use protocol::control::{Because, PlanRequest, PlanView, RunView, StartRequest};

/// Longest reason that is written down.
const REASON_CHARS_MAX: usize = 300;

/// What comes with an order.
type Said = Result<Json<Because>, JsonRejection>;
type Answer = BoxFuture<'static, Result<Json<RunView>, Error>>;

/// `GET /v1/runs`: newest first.
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<RunView>>, Error> {
    let Query(Which { environment }) = query?;
    api.environments(&caller, environment.as_ref())?;
    let wanted = |run: &RunView| {
        let asked = environment.as_ref().is_none_or(|wanted| run.environment == *wanted);
        asked && caller.sees(&run.environment)
    };
    Ok(Json(api.engine.runs().await.into_iter().filter(wanted).collect()))
}

/// `GET /v1/runs/{id}`.
pub(super) async fn read(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RunView>, Error> {
    find(&api, &caller, &id).await.map(Json)
}

async fn find(api: &Api, caller: &Caller, id: &str) -> Result<RunView, Error> {
    let run = api.engine.run(id).await.filter(|run| caller.sees(&run.environment));
    run.ok_or_else(|| Error::NotFound { what: "run", name: id.to_owned() })
}

/// `POST /v1/runs:plan`: nothing happens.
pub(super) async fn plan(
    State(api): State<Api>,
    caller: Caller,
    body: Result<Json<PlanRequest>, JsonRejection>,
) -> Result<Json<PlanView>, Error> {
    let Json(request) = body?;
    api.environment(&caller, &request.environment)?;
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
    let environment = api.engine.planned_for(&request.plan_hash).await;
    // A plan that nobody remembers may have become a run, which the engine finds by its key.
    if let Some(environment) = environment {
        api.acting(&caller, &environment).map_err(|error| match error {
            Error::NotFound { .. } => Refusal::PlanUnknown.into(),
            error => error,
        })?;
    }
    let run = api.engine.start(&request, &caller.name, &key).await?;
    Ok((StatusCode::CREATED, Json(run)))
}

/// `POST /v1/runs/{id}:VERB`: the handler that gives a run this order.
pub(super) fn order(
    wanted: fn(String) -> Order,
) -> impl Fn(State<Api>, Caller, Path<String>, Said) -> Answer + Clone + Send + Sync + 'static {
    move |State(api), caller, Path(id), body| {
        Box::pin(async move {
            let Json(Because { reason, expected_state }) = body?;
            check_reason(&reason)?;
            let run = find(&api, &caller, &id).await?;
            api.acting(&caller, &run.environment)?;
            let order = wanted(reason);
            Ok(Json(api.engine.order(&id, order, &caller.name, expected_state).await?))
        })
    }
}

/// The journal keeps why.
pub(super) fn check_reason(reason: &str) -> Result<(), Error> {
    let length = reason.trim().chars().count();
    if (1..=REASON_CHARS_MAX).contains(&length) && !reason.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!("must be 1 to {REASON_CHARS_MAX} characters of one line");
    Err(Error::Invalid { field: "reason", message })
}

//! Drills: armed by name, and what they measured over time.

use super::{
    Api, access::Caller, error::Error, library::drill_view, once::IdempotencyKey, resources::Which,
    runs::check_reason,
};
use crate::runbook::refusal::Refusal;
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use protocol::control::{
    ArmRequest, DrillHistory, DrillRun, DrillView, PlanRequest, RunView, StartRequest,
};
use std::collections::BTreeMap;

/// Measurements that the newest is compared with.
const COMPARED_MAX: usize = 5;

/// `GET /v1/drills`.
pub(super) async fn list(State(api): State<Api>) -> Json<Vec<DrillView>> {
    Json(api.engine.library().drills.values().map(|drill| drill_view(drill)).collect())
}

/// `POST /v1/drills/{name}:arm`: plans a drill and starts it. Its gate is what it waits for.
pub(super) async fn arm(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    body: Result<Json<ArmRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<RunView>), Error> {
    let Json(asked) = body?;
    check_reason(&asked.reason)?;
    api.acting(&caller, &asked.environment)?;
    if !api.engine.library().drills.contains_key(&name) {
        return Err(Error::NotFound { what: "drill", name });
    }
    let request = PlanRequest {
        environment: asked.environment,
        runbook: name,
        drill: true,
        params: BTreeMap::new(),
    };
    let plan = api.engine.plan(&request).await?;
    let request = StartRequest { plan_hash: plan.hash, reason: asked.reason };
    match api.engine.start(&request, &caller.name, &key).await {
        // The key started a drill before the daemon died and could say so: the world moved since.
        Err(Refusal::KeyReused { run }) => {
            let run = api.engine.run(&run).await.ok_or(Refusal::PlanUnknown)?;
            Ok((StatusCode::CREATED, Json(run)))
        }
        started => Ok((StatusCode::CREATED, Json(started?))),
    }
}

/// `GET /v1/drills/{name}/history?environment=`.
pub(super) async fn history(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Json<DrillHistory>, Error> {
    let Query(Which { environment }) = query?;
    api.environments(&caller, environment.as_ref())?;
    if !api.engine.library().drills.contains_key(&name) {
        return Err(Error::NotFound { what: "drill", name });
    }
    let wanted = |run: &RunView| {
        let asked = environment.as_ref().is_none_or(|wanted| run.environment == *wanted);
        asked && caller.sees(&run.environment)
    };
    let runs = api.engine.rehearsals(&name).await.into_iter().filter(wanted);
    let runs: Vec<DrillRun> = runs.map(drill_run).collect();
    let measured: Vec<u64> = runs.iter().filter_map(|run| run.rto_ms).collect();
    Ok(Json(DrillHistory { drill: name, rto_trend_ms: trend(&measured), runs }))
}

fn drill_run(run: RunView) -> DrillRun {
    DrillRun {
        run: run.id,
        environment: run.environment,
        revision: run.revision,
        started_at: run.started_at,
        ended_at: run.ended_at,
        state: run.state,
        reason: run.reason,
        rto_ms: run.rto_ms,
        rto_resolution_ms: run.rto_resolution_ms,
    }
}

/// The newest minus the median of those before it. Newest first; unmeasured ones are left out.
fn trend(measured: &[u64]) -> Option<i64> {
    let (newest, before) = measured.split_first()?;
    let mut before: Vec<u64> = before.iter().take(COMPARED_MAX).copied().collect();
    before.sort_unstable();
    let median = before.get(before.len().checked_sub(1)? / 2)?;
    i64::try_from(*newest).ok()?.checked_sub(i64::try_from(*median).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trend_compares_the_newest_with_the_median_of_five_before() {
        #[rustfmt::skip]
        let table: [(&[u64], Option<i64>); 5] = [
            (&[],                                    None),
            (&[4_000],                               None),
            (&[4_000, 5_000],                        Some(-1_000)),
            (&[9_000, 4_000, 8_000, 1_000],          Some(5_000)),
            (&[5, 1, 2, 3, 4, 5, 900, 900, 900],     Some(2)),
        ];
        for (measured, want) in table {
            assert_eq!(trend(measured), want, "{measured:?}");
        }
    }
}

//! What sizes are decided by, and what another policy would have done.

use super::{Api, access::Caller, error::Error, resources::Which};
use crate::{
    app::Live,
    config::read_variant_text,
    whatif::{WhatIf, by_targets, measured},
};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
};
use chrono::TimeDelta;
use protocol::control::{CapacityFrom, PolicyView, ReplayRequest, ReplayView};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// What the name of a policy ends with: there is one for each environment's tasks.
const SUFFIX: &str = ".scaling";
/// The load that is kept.
const SPAN_MAX: TimeDelta = TimeDelta::weeks(4);
const SPAN_MIN: TimeDelta = TimeDelta::hours(1);
/// Less than a request may take, so that its own answer says so.
const PLAY_MAX: Duration = Duration::from_secs(20);
/// Nobody serves more from one task.
const CAPACITY_MAX: f64 = 1_000_000.0;

/// `GET /v1/policies`.
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Vec<PolicyView>>, Error> {
    let Query(which) = query?;
    let environments = api.environments(&caller, which.environment.as_ref())?;
    let policy = |live: &Live| {
        let wanted = live.wanted();
        PolicyView {
            id: format!("{}{SUFFIX}", wanted.name),
            environment: wanted.name.clone(),
            mode: wanted.mode,
            scaling: wanted.scaling.mode.name().to_owned(),
            tasks_min: wanted.scaling.tasks_min,
            tasks_max: wanted.scaling.tasks_max,
            file: wanted.file.clone(),
        }
    };
    Ok(Json(environments.into_iter().map(|(_, live)| policy(live)).collect()))
}

/// `POST /v1/policies/{id}/replay`. Plays on a thread of its own, one at a time, until it is done
/// or late; nothing is written down.
pub(super) async fn replay(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<ReplayRequest>, JsonRejection>,
) -> Result<Json<ReplayView>, Error> {
    let Json(asked) = body?;
    let unknown = || Error::NotFound { what: "policy", name: id.clone() };
    let environment = id.strip_suffix(SUFFIX).ok_or_else(unknown)?;
    let live = Arc::clone(api.environment(&caller, environment).map_err(|_| unknown())?);
    check(&asked)?;
    let wanted = live.wanted();
    let variant = read_variant_text("variant", &asked.variant, &wanted.signals)?;
    let capacity = capacity(&asked, &live)?;
    let turn = Arc::clone(&api.replays).try_acquire_owned().map_err(|_| Error::ReplayRuns)?;
    let deadline = Instant::now() + PLAY_MAX;
    let played = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let load = Arc::clone(&live.load.borrow());
        let what = WhatIf {
            wanted: &wanted,
            variant: &variant,
            load: &load,
            span: (asked.from, asked.to),
            capacity,
            price: price(&live),
            deadline,
        };
        what.play()
    });
    Ok(Json(played.await.map_err(|_| Error::Panicked)??))
}

fn check(asked: &ReplayRequest) -> Result<(), Error> {
    if !(SPAN_MIN..=SPAN_MAX).contains(&(asked.to - asked.from)) {
        let message = "must be one hour to four weeks after `from`".to_owned();
        return Err(Error::Invalid { field: "to", message });
    }
    let sound = |capacity: f64| capacity > 0.0 && capacity <= CAPACITY_MAX;
    if !asked.capacity_per_task.is_none_or(sound) {
        let message = format!("must be above 0 and at most {CAPACITY_MAX} requests per second");
        return Err(Error::Invalid { field: "capacity_per_task", message });
    }
    Ok(())
}

/// What fills a task: as asked, as measured now, or as the targets say.
fn capacity(asked: &ReplayRequest, live: &Live) -> Result<(f64, CapacityFrom), Error> {
    if let Some(capacity) = asked.capacity_per_task {
        return Ok((capacity, CapacityFrom::Request));
    }
    let signals = live.signals.borrow();
    let now = |name| signals.reading(name).fresh();
    if let Some(capacity) = measured(now("requests_per_task"), now("cpu_percent")) {
        return Ok((capacity, CapacityFrom::Measured));
    }
    let by_targets = by_targets(&live.wanted().scaling);
    by_targets.map(|capacity| (capacity, CapacityFrom::Targets)).ok_or_else(|| {
        let message = "must be given: nothing measures it now, and the policy does not name both \
                       cpu_percent and requests_per_task";
        Error::Invalid { field: "capacity_per_task", message: message.to_owned() }
    })
}

/// What the service's task costs an hour, if one was seen and has a price.
fn price(live: &Live) -> Option<u64> {
    let fleet = live.fleet.borrow();
    let task = fleet.service.as_ref()?.value.tasks.first()?;
    live.wanted().prices.task(task)
}

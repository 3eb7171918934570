//! What people put in control's way for a while: holds, floors and freezes, each with an author, a
//! reason and an end.

use super::{Api, access::Caller, error::Error, once::IdempotencyKey, runs::check_reason};
use crate::{
    document::{parse_duration, print_duration},
    hold::{
        Direction, FLOOR_MAX, FREEZE_MAX, Freeze, HOLD_MAX, Hold, ManualFloor, Standing, Stands,
    },
    journal::Entry,
};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use chrono::TimeDelta;
use protocol::control::{
    FloorRequest, FloorView, FreezeRequest, FreezeView, HoldDirection, HoldRequest, HoldView,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// What a request with a body of this type is handed over as.
type Asked<T> = Result<Json<T>, JsonRejection>;
/// What taking something answers.
type Taken<T> = Result<(StatusCode, Json<T>), Error>;

/// `GET /v1/holds`: those that stand.
pub(super) async fn holds(State(api): State<Api>, caller: Caller) -> Json<Vec<HoldView>> {
    Json(seen(&api, &caller, &api.app.holds).into_iter().map(hold_view).collect())
}

/// `GET /v1/floors`: those that stand.
pub(super) async fn floors(State(api): State<Api>, caller: Caller) -> Json<Vec<FloorView>> {
    Json(seen(&api, &caller, &api.app.floors).into_iter().map(floor_view).collect())
}

/// `GET /v1/freezes`: those that stand.
pub(super) async fn freezes(State(api): State<Api>, caller: Caller) -> Json<Vec<FreezeView>> {
    Json(seen(&api, &caller, &api.app.freezes).into_iter().map(freeze_view).collect())
}

/// Those that concern an environment that the caller sees.
fn seen<T: Stands>(api: &Api, caller: &Caller, standing: &Standing<T>) -> Vec<T> {
    let mut all = standing.standing((api.app.clock)());
    all.retain(|one| one.environment().is_none_or(|name| caller.sees(name)));
    all
}

/// `POST /v1/holds`.
pub(super) async fn hold(
    State(api): State<Api>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Asked<HoldRequest>,
) -> Taken<HoldView> {
    let Json(asked) = body?;
    check_reason(&asked.reason)?;
    let lasts = lasting("expires", &asked.expires, HOLD_MAX)?;
    api.acting(&caller, &asked.environment)?;
    let now = (api.app.clock)();
    let hold = Hold {
        id: named("hold", &caller.name, &key),
        environment: asked.environment,
        direction: match asked.direction {
            HoldDirection::In => Direction::In,
            HoldDirection::Out => Direction::Out,
            HoldDirection::Both => Direction::Both,
        },
        reason: asked.reason,
        by: caller.name,
        expires_at: now + lasts,
    };
    api.app.holds.take(hold.clone(), now).await?;
    Ok((StatusCode::CREATED, Json(hold_view(hold))))
}

/// `POST /v1/floors`.
pub(super) async fn floor(
    State(api): State<Api>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Asked<FloorRequest>,
) -> Taken<FloorView> {
    let Json(asked) = body?;
    check_reason(&asked.reason)?;
    let lasts = lasting("expires", &asked.expires, FLOOR_MAX)?;
    let wanted = api.acting(&caller, &asked.environment)?.wanted();
    let range = wanted.scaling.tasks_min..=wanted.scaling.tasks_max;
    if !range.contains(&asked.tasks) {
        let message = format!("must be from {} to {}", range.start(), range.end());
        return Err(Error::Invalid { field: "tasks", message });
    }
    let now = (api.app.clock)();
    let floor = ManualFloor {
        id: named("floor", &caller.name, &key),
        environment: asked.environment,
        tasks: asked.tasks,
        reason: asked.reason,
        by: caller.name,
        expires_at: now + lasts,
    };
    api.app.floors.take(floor.clone(), now).await?;
    Ok((StatusCode::CREATED, Json(floor_view(floor))))
}

/// `POST /v1/freezes`. Without an environment, everything that the daemon looks after.
pub(super) async fn freeze(
    State(api): State<Api>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Asked<FreezeRequest>,
) -> Taken<FreezeView> {
    let Json(asked) = body?;
    check_reason(&asked.reason)?;
    let lasts = lasting("expires", &asked.expires, FREEZE_MAX)?;
    acting_on(&api, &caller, asked.environment.as_deref())?;
    let now = (api.app.clock)();
    let freeze = Freeze {
        id: named("freeze", &caller.name, &key),
        environment: asked.environment,
        reason: asked.reason,
        by: caller.name,
        expires_at: now + lasts,
    };
    api.app.freezes.take(freeze.clone(), now).await?;
    Ok((StatusCode::CREATED, Json(freeze_view(freeze))))
}

/// Why something is ended, where a request has no body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    pub(super) reason: String,
}

/// What comes with a request to end something.
type Said = Result<Query<Why>, QueryRejection>;

/// `DELETE /v1/holds/{id}?reason=`.
pub(super) async fn release(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    why: Said,
) -> Result<StatusCode, Error> {
    end(&api, &caller, &api.app.holds, &id, why).await
}

/// `DELETE /v1/floors/{id}?reason=`.
pub(super) async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    why: Said,
) -> Result<StatusCode, Error> {
    end(&api, &caller, &api.app.floors, &id, why).await
}

/// `DELETE /v1/freezes/{id}?reason=`.
pub(super) async fn lift(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    why: Said,
) -> Result<StatusCode, Error> {
    end(&api, &caller, &api.app.freezes, &id, why).await
}

async fn end<T: Stands>(
    api: &Api,
    caller: &Caller,
    standing: &Standing<T>,
    id: &str,
    why: Said,
) -> Result<StatusCode, Error> {
    let Query(Why { reason }) = why?;
    check_reason(&reason)?;
    let what = T::PREFIX.trim_end_matches('.');
    let unknown = || Error::NotFound { what, name: id.to_owned() };
    let found = seen(api, caller, standing).into_iter().find(|one| one.id() == id);
    let one = found.ok_or_else(unknown)?;
    acting_on(api, caller, one.environment())?;
    if !standing.release(id, &caller.name).await? {
        return Err(unknown());
    }
    let scope = one.environment().unwrap_or("all");
    let summary = format!("{} on ending {id}: {reason}", caller.name);
    let data = json!({ "reason": reason });
    let note = Entry::by(&caller.name, format!("{scope}/{what}/{id}"), "note", summary, data);
    api.app.journal.append(note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// As [`Api::acting`]; on all environments, each must allow it.
fn acting_on(api: &Api, caller: &Caller, environment: Option<&str>) -> Result<(), Error> {
    let all = api.app.environments.keys().map(String::as_str);
    let names: Vec<&str> = environment.map_or_else(|| all.collect(), |name| vec![name]);
    names.into_iter().try_for_each(|name| api.acting(caller, name).map(|_| ()))
}

fn hold_view(hold: Hold) -> HoldView {
    HoldView {
        id: hold.id,
        environment: hold.environment,
        direction: match hold.direction {
            Direction::In => HoldDirection::In,
            Direction::Out => HoldDirection::Out,
            Direction::Both => HoldDirection::Both,
        },
        reason: hold.reason,
        by: hold.by,
        expires_at: hold.expires_at,
    }
}

fn floor_view(floor: ManualFloor) -> FloorView {
    let ManualFloor { id, environment, tasks, reason, by, expires_at } = floor;
    FloorView { id, environment, tasks, reason, by, expires_at }
}

fn freeze_view(freeze: Freeze) -> FreezeView {
    let Freeze { id, environment, reason, by, expires_at } = freeze;
    FreezeView { id, environment, reason, by, expires_at }
}

/// The same key of the same caller makes the same name, so that a request that is done again
/// after a crash takes the same thing and not another one.
pub(super) fn named(what: &str, who: &str, key: &str) -> String {
    // Names hold no line break, so no two pairs make the same text.
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{who}\n{key}").as_bytes());
    format!("{what}-{}", id.simple())
}

/// How long something shall stand: from a second to `longest`.
pub(super) fn lasting(
    field: &'static str,
    text: &str,
    longest: Duration,
) -> Result<TimeDelta, Error> {
    let range = Duration::from_secs(1)..=longest;
    let lasts = parse_duration(text).filter(|lasts| range.contains(lasts));
    lasts.and_then(|lasts| TimeDelta::from_std(lasts).ok()).ok_or_else(|| Error::Invalid {
        field,
        message: format!("must be a duration from 1s to {}, as 20m", print_duration(longest)),
    })
}

//! Stop buttons: holds on scaling, each with an author, a reason and an end.

use super::{Api, access::Caller, error::Error, once::IdempotencyKey, runs::check_reason};
use crate::{
    document::parse_duration,
    hold::{Direction, HOLD_MAX, Hold},
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
use protocol::control::{HoldDirection, HoldRequest, HoldView};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{ops::RangeInclusive, time::Duration};
use uuid::Uuid;

/// `GET /v1/holds`: those that stand.
pub(super) async fn list(State(api): State<Api>, caller: Caller) -> Json<Vec<HoldView>> {
    let standing = api.app.holds.standing((api.app.clock)()).into_iter();
    Json(standing.filter(|hold| caller.sees(&hold.environment)).map(view).collect())
}

/// `POST /v1/holds`.
pub(super) async fn take(
    State(api): State<Api>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    body: Result<Json<HoldRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<HoldView>), Error> {
    let Json(asked) = body?;
    check_reason(&asked.reason)?;
    let lasts = lasting("expires", &asked.expires, Duration::from_secs(1)..=HOLD_MAX)?;
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
    Ok((StatusCode::CREATED, Json(view(hold))))
}

/// Why something is ended, where a request has no body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    pub(super) reason: String,
}

/// `DELETE /v1/holds/{id}?reason=`.
pub(super) async fn release(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    query: Result<Query<Why>, QueryRejection>,
) -> Result<StatusCode, Error> {
    let Query(Why { reason }) = query?;
    check_reason(&reason)?;
    let standing = api.app.holds.standing((api.app.clock)());
    let hold = standing.into_iter().find(|hold| hold.id == id && caller.sees(&hold.environment));
    let unknown = || Error::NotFound { what: "hold", name: id.clone() };
    let hold = hold.ok_or_else(unknown)?;
    api.acting(&caller, &hold.environment)?;
    if api.app.holds.release(&id, &caller.name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}

fn view(hold: Hold) -> HoldView {
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

/// The same key of the same caller makes the same name, so that a request that is done again
/// after a crash takes the same thing and not another one.
pub(super) fn named(what: &str, who: &str, key: &str) -> String {
    // Names hold no line break, so no two pairs make the same text.
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{who}\n{key}").as_bytes());
    format!("{what}-{}", id.simple())
}

/// How long something shall stand.
pub(super) fn lasting(
    field: &'static str,
    text: &str,
    range: RangeInclusive<Duration>,
) -> Result<TimeDelta, Error> {
    let lasts = parse_duration(text).filter(|lasts| range.contains(lasts));
    lasts.and_then(|lasts| TimeDelta::from_std(lasts).ok()).ok_or_else(|| Error::Invalid {
        field,
        message: format!(
            "must be a duration from {} to {}, as 20m",
            crate::document::print_duration(*range.start()),
            crate::document::print_duration(*range.end()),
        ),
    })
}

//! Stop buttons: holds on scaling, each with an author, a reason and an end.

use super::{Api, access::Caller, error::Error};
use crate::{
    document::parse_duration,
    hold::{Direction, HOLD_MAX, Hold},
};
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use chrono::TimeDelta;
use serde::Deserialize;
use std::time::Duration;

/// `GET /v1/holds`: those that stand.
pub(super) async fn list(State(api): State<Api>) -> Json<Vec<Hold>> {
    Json(api.app.holds.standing((api.app.clock)()))
}

/// `POST /v1/holds`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TakeHold {
    environment: String,
    direction: Direction,
    reason: String,
    /// As `20m`; 4 h at most.
    expires: String,
}

/// Takes a hold.
pub(super) async fn take(
    State(api): State<Api>,
    caller: Caller,
    body: Result<Json<TakeHold>, JsonRejection>,
) -> Result<(StatusCode, Json<Hold>), Error> {
    let Json(asked) = body?;
    if !api.app.environments.contains_key(&asked.environment) {
        return Err(Error::NotFound { what: "environment", name: asked.environment });
    }
    let range = Duration::from_secs(1)..=HOLD_MAX;
    let lasts = parse_duration(&asked.expires).filter(|lasts| range.contains(lasts));
    let lasts = lasts.and_then(|lasts| TimeDelta::from_std(lasts).ok());
    let lasts = lasts.ok_or_else(|| Error::Invalid {
        field: "expires",
        message: format!("`{}` must be a duration from 1s to 4h, as 20m", asked.expires),
    })?;
    let now = (api.app.clock)();
    let hold = Hold {
        id: format!("hold-{}", uuid::Uuid::now_v7().simple()),
        environment: asked.environment,
        direction: asked.direction,
        reason: asked.reason,
        by: caller.name,
        expires_at: now + lasts,
    };
    api.app.holds.take(hold.clone(), now).await?;
    Ok((StatusCode::CREATED, Json(hold)))
}

/// `DELETE /v1/holds/{id}`.
pub(super) async fn release(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    if api.app.holds.release(&id, &caller.name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::NotFound { what: "hold", name: id })
    }
}

//! The journal as an auditor reads it: everything that mattered, by whom, with its hash.

use super::{Api, error::Error};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Events in one answer.
const EVENTS_MAX: u32 = 500;

/// Where to begin, and what to show.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AuditQuery {
    /// Events after this one.
    from_seq: u64,
    actor: Option<String>,
    /// What it is about, by its beginning: `local/run/`.
    subject: Option<String>,
}

/// A page of the journal. `next_seq` is the `from_seq` of the next page; absent at the end.
#[derive(Debug, Serialize)]
pub(super) struct AuditPage {
    events: Vec<AuditEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_seq: Option<u64>,
}

/// One event in full.
#[derive(Debug, Serialize)]
struct AuditEvent {
    seq: u64,
    at: DateTime<Utc>,
    epoch: u64,
    actor: String,
    subject: String,
    kind: String,
    summary: String,
    data: serde_json::Value,
    hash: String,
}

/// `GET /v1/audit?from_seq=&actor=&subject=`: oldest first. A page may be short: the filter is
/// applied to a bounded stretch of the journal.
pub(super) async fn list(
    State(api): State<Api>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Json<AuditPage>, Error> {
    let Query(query) = query?;
    let stretch = api.app.journal.since(query.from_seq, EVENTS_MAX).await?;
    let last = stretch.last().map(|event| event.seq);
    let next_seq = last.filter(|last| *last < api.app.journal.newest());
    let wanted = stretch.into_iter().filter(|event| {
        query.actor.as_ref().is_none_or(|actor| event.actor == *actor)
            && query.subject.as_ref().is_none_or(|start| event.subject.starts_with(start))
    });
    let events = wanted
        .map(|event| AuditEvent {
            seq: event.seq,
            at: event.at,
            epoch: event.epoch,
            actor: event.actor,
            subject: event.subject,
            kind: event.kind,
            summary: event.summary,
            data: event.data,
            hash: hex::encode(event.hash),
        })
        .collect();
    Ok(Json(AuditPage { events, next_seq }))
}

//! The journal as an auditor reads it: everything that mattered, by whom, with its hash.

use super::{Api, access::Caller, error::Error};
use crate::journal::{Event, Verdict};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use protocol::control::{AuditEvent, AuditPage, VerdictView};
use schemars::JsonSchema;
use serde::Deserialize;

/// Events in one answer.
const EVENTS_MAX: u32 = 500;

/// Where to begin, and what to show.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Page {
    /// Events after this one.
    from_seq: u64,
    actor: Option<String>,
    /// What it is about, by its beginning: `local/run/`.
    subject: Option<String>,
}

/// `GET /v1/audit?from_seq=&actor=&subject=`: oldest first. A page may be short: the filter is
/// applied to a bounded stretch of the journal.
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<AuditPage>, Error> {
    let Query(page) = query?;
    let stretch = api.app.journal.since(page.from_seq, EVENTS_MAX).await?;
    let last = stretch.last().map(|event| event.seq);
    let next_seq = last.filter(|last| *last < api.app.journal.newest());
    let wanted = stretch.into_iter().filter(|event| {
        page.actor.as_ref().is_none_or(|actor| event.actor == *actor)
            && page.subject.as_ref().is_none_or(|start| event.subject.starts_with(start))
            && caller.sees_subject(&event.subject)
    });
    Ok(Json(AuditPage { events: wanted.map(view).collect(), next_seq }))
}

fn view(event: Event) -> AuditEvent {
    AuditEvent {
        seq: event.seq,
        at: event.at,
        epoch: event.epoch,
        hash: hex::encode(event.hash),
        actor: event.actor,
        subject: event.subject,
        kind: event.kind,
        summary: event.summary,
        data: event.data,
    }
}

/// `GET /v1/audit:verify`. A journal that takes longer to read than a request may is verified by
/// `control audit verify`.
pub(super) async fn verify(State(api): State<Api>) -> Result<Json<VerdictView>, Error> {
    let events = api.app.journal.newest();
    Ok(Json(match api.app.journal.verify().await? {
        Verdict::Intact { events, last_hash } => VerdictView {
            intact: true,
            events,
            last_hash: Some(hex::encode(last_hash)),
            broken: None,
        },
        broken @ Verdict::Broken { .. } => {
            VerdictView { intact: false, events, last_hash: None, broken: Some(broken.to_string()) }
        }
    }))
}

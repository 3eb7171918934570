//! What was decided, with what it was decided from and what lost: read from the journal.

use super::{Api, access::Caller, error::Error};
use crate::journal::{Event, JournalError};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use chrono::{DateTime, Utc};
use protocol::control::{DecisionPage, DecisionView};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Decisions in one answer.
const DECISIONS_MAX: usize = 200;
/// Events read from the journal at once.
const STRETCH: u64 = 500;
/// Stretches read for one answer: 5,000 events take some 20 ms.
const STRETCHES_MAX: usize = 10;

/// Which decisions to show. A page may be short: it covers a bounded part of the journal, and
/// says where the next one begins.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Page {
    environment: Option<String>,
    /// The decisions' own name for what they are about: `local/service/wallet-svc`.
    resource: Option<String>,
    /// Only decisions after this instant.
    since: Option<DateTime<Utc>>,
    /// Only decisions before this event.
    before_seq: Option<u64>,
}

/// `GET /v1/decisions`: newest first.
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<DecisionPage>, Error> {
    let Query(page) = query?;
    api.environments(&caller, page.environment.as_ref())?;
    let wanted = |event: &Event| {
        let environment = event.subject.split('/').next().unwrap_or_default();
        caller.sees(environment)
            && page.environment.as_ref().is_none_or(|wanted| wanted == environment)
            && page.resource.as_ref().is_none_or(|wanted| *wanted == event.subject)
    };
    Ok(Json(read(&api, page.before_seq, page.since, wanted).await?))
}

/// The newest decisions before an event that `wanted` picks.
pub(super) async fn read(
    api: &Api,
    before_seq: Option<u64>,
    since: Option<DateTime<Utc>>,
    wanted: impl Fn(&Event) -> bool,
) -> Result<DecisionPage, JournalError> {
    let journal = &api.app.journal;
    let mut before = before_seq.unwrap_or(u64::MAX).min(journal.newest() + 1);
    let mut decisions = Vec::new();
    for _ in 0..STRETCHES_MAX {
        // Events are numbered without a gap, so this many come before that one.
        let from = before.saturating_sub(STRETCH + 1);
        let stretch = journal.since(from, u32::try_from(before - 1 - from).unwrap_or(0)).await?;
        for event in stretch.iter().rev() {
            if since.is_some_and(|since| event.at <= since) {
                return Ok(DecisionPage { decisions, next_before_seq: None });
            }
            if event.kind == "decision" && wanted(event) {
                decisions.extend(view(event));
            }
            before = event.seq;
            if decisions.len() == DECISIONS_MAX {
                break;
            }
        }
        if before <= 1 || decisions.len() == DECISIONS_MAX {
            break;
        }
    }
    let next_before_seq = (before > 1).then_some(before);
    Ok(DecisionPage { decisions, next_before_seq })
}

/// The decision that an event holds. One of an older daemon may lack what is shown today.
fn view(event: &Event) -> Option<DecisionView> {
    let mut data = event.data.clone();
    let members = data.as_object_mut()?;
    members.insert("seq".to_owned(), json!(event.seq));
    members.insert("at".to_owned(), json!(event.at));
    members.insert("resource".to_owned(), json!(event.subject));
    serde_json::from_value(data).ok()
}

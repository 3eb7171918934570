//! `control audit export`: the journal as lines of JSON, for whoever keeps a copy of it.
//!
//! A line holds everything that an event's hash is made of; `data` is the text that was written,
//! byte for byte, so that the chain can be proven from the copy alone.

use std::io;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Event, JournalError, Location, PAGE_EVENTS_MAX, store};

/// What kept a journal from being exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("writing the export")]
    Write(#[from] io::Error),
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    /// In microseconds since 1970, as the hash has it.
    at_us: i64,
    epoch: u64,
    actor: &'a str,
    subject: &'a str,
    kind: &'a str,
    summary: &'a str,
    data: &'a RawValue,
    hash_before: String,
    hash: String,
}

/// Writes every event after `seq`, oldest first, one line each. The journal may be in use.
///
/// # Errors
///
/// When the journal cannot be read, or the lines not be written.
pub async fn export(
    location: &Location,
    seq: u64,
    out: &mut (impl io::Write + Send),
) -> Result<(), ExportError> {
    let store = store::read_only(location).await?;
    let mut seq = seq;
    loop {
        let page = store.since(seq, &[], PAGE_EVENTS_MAX).await?;
        let Some(last) = page.last() else { return Ok(out.flush()?) };
        seq = last.seq;
        for event in &page {
            writeln!(out, "{}", line(event)?)?;
        }
    }
}

fn line(event: &Event) -> Result<String, JournalError> {
    let corrupt = |error: serde_json::Error| JournalError::Corrupt {
        seq: event.seq,
        reason: format!("its data: {error}"),
    };
    let line = Line {
        seq: event.seq,
        at_us: event.at.timestamp_micros(),
        epoch: event.epoch,
        actor: &event.actor,
        subject: &event.subject,
        kind: &event.kind,
        summary: &event.summary,
        data: serde_json::from_str(&event.data_text).map_err(corrupt)?,
        hash_before: hex::encode(event.hash_before),
        hash: hex::encode(event.hash),
    };
    serde_json::to_string(&line).map_err(corrupt)
}

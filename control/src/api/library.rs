//! Runbooks and drills as they were loaded, and a check of one that is still being written.

use super::{Api, error::Error};
use crate::{
    document::{Fault, Faults, print_duration},
    drill::{self, Drill},
    runbook::{book::Runbook, parse},
};
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
};
use protocol::control::{CheckRequest, CheckView, DrillView, FaultView, LibraryView, RunbookView};

/// `GET /v1/runbooks`.
pub(super) async fn list(State(api): State<Api>) -> Json<LibraryView> {
    let library = api.engine.library();
    Json(LibraryView {
        runbooks: library.runbooks.values().map(|book| runbook(book)).collect(),
        drills: library.drills.values().map(|drill| drill_view(drill)).collect(),
    })
}

/// `GET /v1/runbooks/{name}`, with `@REVISION` if that one is meant and no other.
pub(super) async fn read(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<RunbookView>, Error> {
    let (wanted, revision) = match name.split_once('@') {
        Some((wanted, revision)) => (wanted, Some(revision)),
        None => (name.as_str(), None),
    };
    let library = api.engine.library();
    let book = library.runbooks.get(wanted);
    let same = |revision: &str| book.is_some_and(|book| book.revision.to_string() == revision);
    match book.filter(|_| revision.is_none_or(same)) {
        Some(book) => Ok(Json(runbook(book))),
        None => Err(Error::NotFound { what: "runbook", name }),
    }
}

/// `POST /v1/runbooks:check`: the same reader that loads the files.
pub(super) async fn check(
    body: Result<Json<CheckRequest>, JsonRejection>,
) -> Result<Json<CheckView>, Error> {
    let Json(CheckRequest { text }) = body?;
    let is_drill = text.lines().any(|line| line.trim_end() == "kind: Drill");
    let (kind, read) = if is_drill {
        ("Drill", drill::parse("text", &text).map(|_| ()))
    } else {
        ("Runbook", parse::runbook("text", &text).map(|_| ()))
    };
    let Faults(faults) = read.err().unwrap_or_default();
    let fault = |Fault { line, field, message, .. }| FaultView { line, field, message };
    let faults = faults.into_iter().map(fault).collect();
    Ok(Json(CheckView { kind: kind.to_owned(), faults }))
}

fn runbook(book: &Runbook) -> RunbookView {
    RunbookView {
        name: book.name.clone(),
        revision: book.revision,
        owner: book.owner.clone(),
        summary: book.summary.clone(),
        objective_rto: print_duration(book.objective_rto),
        steps: book.steps().map(|step| step.id.clone()).collect(),
        text: book.text.clone(),
    }
}

/// A drill as dashboards read it.
pub(super) fn drill_view(drill: &Drill) -> DrillView {
    DrillView {
        name: drill.name.clone(),
        revision: drill.revision,
        owner: drill.owner.clone(),
        summary: drill.summary.clone(),
        runbook: drill.runbook.clone(),
        text: drill.text.clone(),
    }
}

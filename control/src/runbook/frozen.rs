//! All runs that the journal tells of, and how a run is kept in a snapshot of them.
//!
//! A run is kept without its runbook and drill: their texts are frozen in its order, and are read
//! again from there.

use super::{
    engine::RUNS_MAX,
    event::Order,
    replay,
    state::{Asking, Measured, Run, State, StepRun, Undo},
    template::Names,
};
use crate::journal::{Event, Fold};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Runs by id: every one that has not ended, and the newest of those that have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Runs(pub BTreeMap<String, Run>);

impl Fold for Runs {
    const NAME: &'static str = "runs.1";
    const KINDS: &'static [&'static str] = &["run."];

    fn fold(&mut self, event: &Event) {
        if let Err(error) = replay::fold(&mut self.0, &event.data) {
            tracing::error!(seq = event.seq, %error, "skipped event {}: {error}", event.seq);
        }
        // Ids begin with the time, so the oldest comes first.
        while self.0.len() > RUNS_MAX {
            let ended = self.0.values().find(|run| !run.active()).map(|run| run.id.clone());
            let Some(oldest) = ended else { break };
            self.0.remove(&oldest);
        }
    }
}

/// A run without what its order says already.
#[derive(Serialize, Deserialize)]
pub(super) struct Frozen {
    id: String,
    order: Order,
    state: State,
    steps: BTreeMap<String, StepRun>,
    names: Names,
    asking: Option<Asking>,
    undos: BTreeMap<String, Undo>,
    measured: Option<Measured>,
    refused: Option<String>,
    aborted: Option<String>,
    ordered_at: DateTime<Utc>,
    counts_from: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    reason: String,
}

impl From<Run> for Frozen {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            order: run.order,
            state: run.state,
            steps: run.steps,
            names: run.names,
            asking: run.asking,
            undos: run.undos,
            measured: run.measured,
            refused: run.refused,
            aborted: run.aborted,
            ordered_at: run.ordered_at,
            counts_from: run.counts_from,
            started_at: run.started_at,
            ended_at: run.ended_at,
            reason: run.reason,
        }
    }
}

impl TryFrom<Frozen> for Run {
    type Error = String;

    fn try_from(frozen: Frozen) -> Result<Self, String> {
        let (book, drill) = replay::texts(&frozen.order)?;
        Ok(Self {
            id: frozen.id,
            order: frozen.order,
            book,
            drill,
            state: frozen.state,
            steps: frozen.steps,
            names: frozen.names,
            asking: frozen.asking,
            undos: frozen.undos,
            measured: frozen.measured,
            refused: frozen.refused,
            aborted: frozen.aborted,
            ordered_at: frozen.ordered_at,
            counts_from: frozen.counts_from,
            started_at: frozen.started_at,
            ended_at: frozen.ended_at,
            reason: frozen.reason,
        })
    }
}

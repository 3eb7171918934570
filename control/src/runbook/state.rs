//! A run as it stands: the fold of its events. Plain data.

use super::{
    action::Call,
    book::{Runbook, Step},
    event::{End, Order},
    frozen::Frozen,
    template::Names,
};
use crate::drill::Drill;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Ordered; a drill waits here for its gate.
    Planned,
    AwaitingApproval,
    Running,
    /// Nothing new is begun until a person says so.
    Paused,
    /// Aborted: what was taken is being given back.
    Compensating,
    Ended(End),
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepState {
    Pending,
    /// Looking at the world, before a call or instead of one.
    Guarding,
    /// The call is written down, and not sent.
    Logged,
    /// The call was sent, or may have been.
    Sent,
    /// Waiting for the world or for people.
    Waiting,
    /// The outcome of a `once` call is unknown: looking, never sending.
    Observing,
    Done,
    Skipped,
    Failed,
    TimedOut,
}

impl StepState {
    /// True when the step will not change by itself.
    #[must_use]
    pub fn ended(self) -> bool {
        matches!(self, Self::Done | Self::Skipped | Self::Failed | Self::TimedOut)
    }
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRun {
    pub state: StepState,
    pub attempt: u32,
    pub call: Option<Call>,
    pub detail: String,
    pub started_at: Option<DateTime<Utc>>,
    /// Since when its present wait or observation counts: moves when a pause ends.
    pub counts_from: Option<DateTime<Utc>>,
    /// When its newest call was sent.
    pub sent_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// True when its outcome could not be told in time.
    pub unresolved: bool,
    /// True when the run goes on although it timed out.
    pub goes_on: bool,
}

/// Where the undo of a step stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Undo {
    Started,
    Done,
    Failed(String),
}

/// How long clients went without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    pub rto_ms: Option<u64>,
    pub resolution_ms: u64,
    pub words: String,
}

/// An approval step that asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    pub step: String,
    pub need: u32,
    pub expires_at: DateTime<Utc>,
    /// Who said yes, each once.
    pub by: Vec<String>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Frozen", into = "Frozen")]
pub struct Run {
    pub id: String,
    pub order: Order,
    pub book: Arc<Runbook>,
    pub drill: Option<Arc<Drill>>,
    pub state: State,
    /// In the order of the runbook.
    pub steps: BTreeMap<String, StepRun>,
    /// Parameters and outputs so far.
    pub names: Names,
    pub asking: Option<Asking>,
    pub undos: BTreeMap<String, Undo>,
    pub measured: Option<Measured>,
    /// Why the drill's gate or the world refused it.
    pub refused: Option<String>,
    /// Why it was aborted.
    pub aborted: Option<String>,
    pub ordered_at: DateTime<Utc>,
    /// When it was started, or last resumed: the deadline counts from here.
    pub counts_from: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it stands where it stands.
    pub reason: String,
}

impl Run {
    /// A run that was just ordered.
    #[must_use]
    pub fn ordered(
        id: &str,
        order: Order,
        book: Arc<Runbook>,
        drill: Option<Arc<Drill>>,
        at: DateTime<Utc>,
    ) -> Self {
        let mut names: Names = order.params.clone();
        names.insert("environment".to_owned(), order.environment.clone());
        names.insert("run.id".to_owned(), id.to_owned());
        let steps = book.steps().map(|step| (step.id.clone(), StepRun::pending())).collect();
        Self {
            id: id.to_owned(),
            reason: order.reason.clone(),
            order,
            book,
            drill,
            state: State::Planned,
            steps,
            names,
            asking: None,
            undos: BTreeMap::new(),
            measured: None,
            refused: None,
            aborted: None,
            ordered_at: at,
            counts_from: at,
            started_at: None,
            ended_at: None,
        }
    }

    /// True until it is over. It owns its lock exactly as long.
    #[must_use]
    pub fn active(&self) -> bool {
        !matches!(self.state, State::Ended(_))
    }

    /// How a step of its runbook stands.
    ///
    /// # Panics
    ///
    /// When `step` is of another runbook, which is a bug of the caller.
    #[must_use]
    pub fn step(&self, step: &Step) -> &StepRun {
        self.steps.get(&step.id).expect("a run has an entry for each step of its runbook")
    }

    /// The first stage with a step that has not ended.
    #[must_use]
    pub fn stage(&self) -> Option<&[Step]> {
        let open = |stage: &&Vec<Step>| stage.iter().any(|step| !self.step(step).state.ended());
        self.book.stages.iter().find(open).map(Vec::as_slice)
    }

    /// The step that keeps the run from going on by itself, if one ended badly.
    #[must_use]
    pub fn stopped(&self) -> Option<&Step> {
        self.book.steps().find(|step| {
            let stands = self.step(step);
            match stands.state {
                StepState::Failed => true,
                StepState::TimedOut => !stands.goes_on,
                StepState::Observing => stands.unresolved,
                StepState::Pending
                | StepState::Guarding
                | StepState::Logged
                | StepState::Sent
                | StepState::Waiting
                | StepState::Done
                | StepState::Skipped => false,
            }
        })
    }

    /// When the first call that may not be repeated was sent: a measurement begins here.
    #[must_use]
    pub fn injected_at(&self) -> Option<DateTime<Utc>> {
        let once = |step: &&Step| {
            matches!(&step.task, super::book::Task::Act(act)
                if act.effect == crate::aws::Effect::Once)
        };
        self.book.steps().filter(once).filter_map(|step| self.step(step).sent_at).min()
    }
}

impl StepRun {
    fn pending() -> Self {
        Self {
            state: StepState::Pending,
            attempt: 0,
            call: None,
            detail: String::new(),
            started_at: None,
            counts_from: None,
            sent_at: None,
            ended_at: None,
            unresolved: false,
            goes_on: false,
        }
    }
}

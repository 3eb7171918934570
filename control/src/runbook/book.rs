//! What a runbook says, decoded and checked. Plain data, frozen with each run that it starts.

use super::{
    action::{Action, Choice},
    condition::Condition,
    template::Template,
};
use crate::aws::Effect;
use protocol::control::Tier;
use std::{collections::BTreeMap, time::Duration};

/// One runbook file.
#[derive(Clone, Debug, PartialEq)]
pub struct Runbook {
    pub name: String,
    pub revision: u32,
    pub owner: String,
    pub summary: String,
    pub params: Vec<Param>,
    /// The resource that a run owns alone from start to end.
    pub lock: Template,
    /// A run that takes longer pauses and asks.
    pub deadline: Duration,
    /// What recovery is promised to take.
    pub objective_rto: Duration,
    /// Must hold at plan, at start, and again before every `once` step.
    pub require: Vec<Condition>,
    /// Done in order; the steps of one stage at the same time.
    pub stages: Vec<Vec<Step>>,
    /// Steps whose undo runs at every exit.
    pub always: Vec<String>,
    /// SHA-256 of the file's text, in hex.
    pub text_hash: String,
    /// The file as people read it.
    pub text: String,
}

impl Runbook {
    /// All steps, in the order of the file.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.stages.iter().flatten()
    }

    /// The step with this id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps().find(|step| step.id == id)
    }
}

/// A kind of resource that a runbook can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    /// An Aurora cluster.
    Aurora,
    /// The wallet's ECS service.
    EcsService,
}

/// A value that a run is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    pub name: String,
    pub kind: ParamKind,
    /// Taken when the request names none. A resource defaults to the environment's own.
    pub default: Option<String>,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    Resource(ResourceKind),
    Text,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub id: String,
    /// Where it stands in the file.
    pub line: usize,
    /// Skipped unless another step ended like this.
    pub when: Option<When>,
    pub task: Task,
}

/// A step that depends on how an earlier one ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    pub step: String,
    pub ended: Ending,
}

/// How a step may end without ending its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    TimedOut,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Looks at a resource and saves what it saw.
    Check { resource: ResourceKind, save: Vec<String> },
    /// Picks one of several, by rule.
    Choose { what: Choice, given: Template, lag_max: Duration, save: Vec<String> },
    /// Asks people.
    Approval(Approval),
    /// Changes something.
    Act(Box<Act>),
    /// Waits until all conditions hold.
    Wait { all: Vec<Condition>, every: Duration, timeout: Duration, on_timeout: OnTimeout },
    /// Says how long the wallet's clients were without it, as our own probe saw it.
    Measure { timeout: Duration },
}

/// Who must agree before the run goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    pub need: u32,
    pub expires: Duration,
    /// Elsewhere the step is pre-authorised, and recorded as such.
    pub tiers: Vec<Tier>,
}

/// A change, how its outcome is known, and how it is taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    pub action: Action,
    pub with: BTreeMap<String, Template>,
    pub effect: Effect,
    /// Must hold, freshly seen, just before the call.
    pub expect_before: Option<Condition>,
    /// How we know when the reply is lost or we crashed. Always there for `once`.
    pub observe: Option<Observe>,
    /// How long one call may take.
    pub timeout: Duration,
    pub undo: Option<Action>,
}

/// How an unknown outcome becomes known.
#[derive(Clone, Debug, PartialEq)]
pub struct Observe {
    pub applied: Condition,
    pub not_applied: Condition,
    /// After this the run pauses for a person.
    pub limit: Duration,
}

/// What a wait that did not come true means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTimeout {
    Pause,
    Continue,
}

//! Runbooks: plans, runs and their steps.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A runbook in execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunView {
    pub id: String,
    #[serde(default)]
    pub environment: String,
    pub runbook: String,
    pub revision: u32,
    /// `planned`, `awaiting_approval`, `running`, `paused`, `succeeded`, `compensating`,
    /// `compensated`, `stuck`, `aborted`, `rejected`, `expired`.
    pub state: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub requested_by: String,
    /// What it was planned to do; an approval is for this plan and for no other.
    #[serde(default)]
    pub plan_hash: String,
    /// What it waits for people to approve.
    #[serde(default)]
    pub asks: Option<AskView>,
    /// True when the run is a rehearsal.
    pub drill: bool,
    /// The resource that the run owns until it ends.
    #[serde(default)]
    pub lock: String,
    pub steps: Vec<StepView>,
    /// Recovery time as measured by our own probe, in milliseconds, with its resolution.
    pub rto_ms: Option<u64>,
    pub rto_resolution_ms: Option<u64>,
    /// Why it stands where it stands.
    pub reason: String,
}

/// An approval that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AskView {
    pub step: String,
    /// How many people must say yes.
    pub need: u32,
    /// Who did.
    pub by: Vec<String>,
    /// From here on it is too late, and the run ends.
    pub expires_at: DateTime<Utc>,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepView {
    pub id: String,
    /// `pending`, `running`, `waiting`, `observing`, `done`, `skipped`, `failed`, `timed_out`.
    pub state: String,
    pub detail: String,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// `POST /v1/runs:plan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    pub environment: String,
    pub runbook: String,
    #[serde(default)]
    pub drill: bool,
    #[serde(default)]
    pub params: std::collections::BTreeMap<String, String>,
}

/// What a run would do, resolved against the world as it is. Nothing has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanView {
    /// Approval and start bind to this; it changes when the world moves.
    pub hash: String,
    pub runbook: String,
    pub revision: u32,
    /// One line a step, with its resolved arguments.
    pub steps: Vec<String>,
    /// Requirements that do not hold now. The run is refused while there are any.
    pub blockers: Vec<String>,
}

/// `POST /v1/runs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRequest {
    pub plan_hash: String,
    pub reason: String,
}

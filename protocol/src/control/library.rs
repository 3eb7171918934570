//! Runbooks and drills as they were loaded, and what drills have measured.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /v1/runbooks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LibraryView {
    pub runbooks: Vec<RunbookView>,
    pub drills: Vec<DrillView>,
}

/// A runbook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunbookView {
    pub name: String,
    pub revision: u32,
    pub owner: String,
    pub summary: String,
    /// The recovery time that it promises, as `60s`.
    pub objective_rto: String,
    pub steps: Vec<String>,
    /// The file itself.
    pub text: String,
}

/// A drill: a runbook with a gate, an expectation and an abort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DrillView {
    pub name: String,
    pub revision: u32,
    pub owner: String,
    pub summary: String,
    /// The runbook that it rehearses.
    pub runbook: String,
    /// The file itself.
    pub text: String,
}

/// `GET /v1/drills/{name}/history`: newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DrillHistory {
    pub drill: String,
    pub runs: Vec<DrillRun>,
    /// The newest measured recovery time minus the median of up to five before it, in
    /// milliseconds; absent while fewer than two runs were measured.
    pub rto_trend_ms: Option<i64>,
}

/// One rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DrillRun {
    pub run: String,
    pub environment: String,
    pub revision: u32,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub state: String,
    /// What it proved, or why it did not.
    pub reason: String,
    pub rto_ms: Option<u64>,
    pub rto_resolution_ms: Option<u64>,
}

/// `POST /v1/runbooks:check`. A sound file has no faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckView {
    pub kind: String,
    pub faults: Vec<FaultView>,
}

/// One thing wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultView {
    /// Counted from 1.
    pub line: usize,
    /// The path of the field, `steps[2].timeout`; empty for the file.
    pub field: String,
    pub message: String,
}

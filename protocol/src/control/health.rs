//! How the daemon itself is doing, as probes read it. Says nothing of an environment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /healthz`, always with 200, and `GET /readyz`, with 200 when ready and else with 503.
/// What is not known, or not there, is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HealthView {
    /// It leads, every loop has succeeded once, and it is not going down.
    pub ready: bool,
    /// It waits for the lease, and answers nothing else.
    pub standby: bool,
    /// It is going down.
    pub stopping: bool,
    /// Who leads: its host, its process and a name of its own.
    pub leader: Option<String>,
    /// Which leader of this journal it is, counted from 1. Absent on a standby.
    pub epoch: Option<u64>,
    /// Since the newest renewal of the lease was asked for; calls to AWS may begin within 5 s of
    /// it. Absent on a standby, and where nobody else can take the lease.
    pub lease_age_ms: Option<u64>,
    /// How many loops run.
    pub loops: usize,
    /// The kinds of the loops that have not succeeded yet.
    pub waiting_for: Vec<String>,
    /// The loop that is furthest behind.
    pub lag: Option<LoopLag>,
    /// The newest event of the journal.
    pub journal_seq: Option<u64>,
    /// The age of the newest reading, of the environment where it is oldest.
    pub reading_age_ms: Option<u64>,
    /// Why the journal cannot be asked who leads.
    pub error: Option<String>,
}

/// A loop, and by how much its next success is late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoopLag {
    /// Its kind: `capacity`.
    pub name: String,
    /// Since the start of its newest pass that succeeded, or since it was started, less its
    /// period.
    pub overdue_ms: u64,
}

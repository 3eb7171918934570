//! Scaling decisions as dashboards read them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What control decided about a resource, and why. Holding still is a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionView {
    pub seq: u64,
    pub at: DateTime<Utc>,
    pub resource: String,
    /// `scale_out`, `scale_in`, `hold`.
    pub action: String,
    pub from: u32,
    pub to: u32,
    pub reason: String,
    /// The proposals that lost, each with its reason.
    pub losing: Vec<String>,
    /// What it costs, in millionths of a dollar an hour; negative saves.
    pub cost_micros_per_hour: i64,
}

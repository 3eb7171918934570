//! Alerts as dashboards read them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How urgent an alert is. P1: SMS and e-mail. P2: e-mail. P3: e-mail. P4: dashboard.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Severity {
    P1,
    P2,
    P3,
    P4,
}

/// Where an alert's episode stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Pending,
    Firing,
    Acked,
    Resolved,
}

/// One episode of one alert rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertView {
    /// Names the episode for ever.
    pub id: String,
    pub rule: String,
    pub severity: Severity,
    pub state: AlertState,
    /// True while the rule's signal cannot be read: the state is then the last known one.
    pub no_data: bool,
    pub since: DateTime<Utc>,
    /// The value beside its threshold, in words: `p95 182 ms > 100 ms for 60 s`.
    pub summary: String,
    /// Deliveries as `channel: state`, oldest first.
    pub deliveries: Vec<String>,
    /// The runbook that the rule suggests.
    pub runbook: Option<String>,
    /// Who acknowledged it.
    pub owner: Option<String>,
}

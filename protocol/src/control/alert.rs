//! Alerts as dashboards read them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JournalEvent;

/// How urgent an alert is. P1: SMS and e-mail. P2: e-mail. P3: e-mail digest. P4: dashboard.
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
    /// Who is told of it, and what keeps others from being told.
    #[serde(default)]
    pub told: ToldView,
}

/// How far the news of an alert went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToldView {
    /// 0: nobody was told. 1: whom its severity names. 2 and 3: who is next in line.
    pub level: u8,
    /// Why nobody, or nobody more, is told: `symptom of aurora-writer-down`, `silenced by …`.
    pub quiet: Option<String>,
    /// The episode that explains this one.
    pub cause: Option<String>,
    /// The episodes that this one explains.
    pub symptoms: Vec<String>,
    /// When the next in line are told if nobody acknowledges it, or when the acknowledgement ends.
    pub next_at: Option<DateTime<Utc>>,
}

/// One alert and everything that it explains. `GET /v1/incidents/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentView {
    pub cause: AlertView,
    pub symptoms: Vec<AlertView>,
    /// Oldest first.
    pub timeline: Vec<JournalEvent>,
    /// True when the journal was too long to be searched back to the incident's beginning.
    pub cut: bool,
}

/// What a silence is about: an alert that matches all that is given. At least one must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Matchers {
    /// A rule's name; `*` at its end stands for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
}

/// `POST /v1/silences`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceRequest {
    pub environment: String,
    pub matchers: Matchers,
    pub reason: String,
    /// Now, if absent; later makes it a maintenance window.
    #[serde(default)]
    pub starts_at: Option<DateTime<Utc>>,
    /// As `2h`; 24 h at most.
    pub lasts: String,
}

/// A span in which nobody is told of the alerts that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SilenceView {
    pub id: String,
    pub environment: String,
    pub matchers: Matchers,
    pub reason: String,
    /// A token's name, or `calendar` for a window of the environment's file.
    pub by: String,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
}

/// How an objective stands. What is unknown is absent, and never zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SloView {
    pub name: String,
    /// The share of requests that must be good, in percent.
    pub objective_percent: f64,
    pub window_days: f64,
    /// The share of the window's error budget that is left, in percent; below zero when overspent.
    pub budget_left_percent: Option<f64>,
    /// How many times faster than granted the budget was spent over the last hour.
    pub burn_1h: Option<f64>,
}

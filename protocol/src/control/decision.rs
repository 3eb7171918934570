//! Scaling decisions, and the forecast behind one of their floors, as dashboards read them.

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
    /// What it was decided from.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// Until when what decided it is known to last: a cooldown, a hold, a floor, a window.
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
    /// What it costs, in millionths of a dollar an hour; negative saves.
    pub cost_micros_per_hour: i64,
}

/// What the forecast expects, and how well it has been doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastView {
    pub at: DateTime<Utc>,
    /// What the floor is made from: `naive`, `model` or `none`.
    pub in_use: String,
    /// Why that one, with the figures that decided it.
    pub why: String,
    /// Hours of history that are known, and that were left out: incidents, drills, gaps.
    pub hours_known: u32,
    pub hours_masked: u32,
    /// The mean absolute error in percent over the backtest; `None`: too little history.
    pub naive_error_percent: Option<f64>,
    pub model_error_percent: Option<f64>,
    /// In how many percent of those hours the load stayed within what was planned for.
    pub coverage_percent: Option<f64>,
    /// The floor that it asks for now; `None` while none is in use.
    pub floor: Option<u32>,
    /// The hours to come, oldest first, at most 48.
    pub hours: Vec<ForecastHour>,
}

/// One hour to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastHour {
    pub at: DateTime<Utc>,
    /// Requests per second in its busiest five minutes, as expected and as planned for.
    pub expected: f64,
    pub planned: f64,
    pub tasks: u32,
}

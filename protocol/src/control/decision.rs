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
    /// What it costs, in millionths of a dollar an hour; negative saves. Absent while the price of
    /// what it changes is not known.
    #[serde(default)]
    pub cost_micros_per_hour: Option<i64>,
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

/// What each policy would have done with an environment's own load. The forecast's floor is not
/// played, nor what people did meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayView {
    /// `local.scaling`.
    pub policy: String,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// In how many percent of that time the load is known. The rest is paid for and not judged.
    pub known_percent: f64,
    /// The share of the processors above which a minute counts as above the target: the target of
    /// the policy in force.
    pub target_percent: f64,
    /// The requests per second that fill one task's processors, and where that is from.
    pub capacity_per_task: f64,
    pub capacity_from: CapacityFrom,
    /// The policy in force, the variant, and AWS target tracking within the same limits.
    pub played: Vec<PlayedView>,
}

/// How it is known what one task carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapacityFrom {
    /// Whoever asked said so.
    Request,
    /// The requests and the processor time of a task, as they are now.
    Measured,
    /// The targets for requests and for the processors say the same load in two ways.
    Targets,
}

/// What came of one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlayedView {
    pub name: String,
    pub tasks_min: u32,
    pub tasks_mean: f64,
    pub tasks_max: u32,
    pub task_hours: f64,
    pub minutes_above_target: f64,
    /// Minutes in which requests were lost or the promised latency was.
    pub slo_minutes_lost: f64,
    /// Changes that added tasks, and that removed some.
    pub outs: u32,
    pub ins: u32,
    /// In millionths of a dollar; absent while the price of a task is not known.
    pub cost_micros: Option<u64>,
}

//! What an environment costs.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the environment costs: an hour, a month, and what would make it less.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostView {
    /// What is seen times the price book, in millionths of a dollar an hour. `None` while any part
    /// of it is not known.
    pub micros_per_hour: Option<u64>,
    /// The sum of what is known.
    #[serde(default)]
    pub at_least_micros_per_hour: Option<u64>,
    /// The same by component, largest first.
    pub components: Vec<CostComponent>,
    /// Why the rate is not known: one line for each missing part.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// What nobody looks at in this environment, and what is therefore in no figure here.
    #[serde(default)]
    pub not_counted: Vec<String>,
    /// The region, date and sources of the price book.
    pub prices: String,
    /// This month, once there is anything to say of it.
    #[serde(default)]
    pub month: Option<MonthView>,
    /// What is out of the usual, in words.
    #[serde(default)]
    pub unusual: Vec<String>,
    /// What would make it cheaper, largest first.
    #[serde(default)]
    pub advice: Vec<AdviceView>,
    /// What the newest decision costs, in words: `+$0.59/h, budget 71 %`.
    #[serde(default)]
    pub decision: Option<String>,
}

/// One component's share of the cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostComponent {
    pub name: String,
    /// What was counted: `4 × 0.25 vCPU, 0.5 GB`.
    pub basis: String,
    pub micros_per_hour: u64,
    /// Where its prices were read, as the price book names them.
    #[serde(default)]
    pub sources: Vec<String>,
}

/// A month of spending, in millionths of a dollar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MonthView {
    /// Its first day.
    pub month: NaiveDate,
    /// What AWS has billed for whole days of it; negative after a credit.
    pub billed_micros: Option<i64>,
    /// The first day that the bill does not hold.
    pub billed_until: Option<NaiveDate>,
    /// When Cost Explorer said so.
    pub as_of: Option<DateTime<Utc>>,
    /// The bill, and the live rate for the time since.
    pub spent_micros: Option<i64>,
    /// What the month will have cost, at the live rate.
    pub forecast_micros: Option<i64>,
    pub forecast_low_micros: Option<i64>,
    pub forecast_high_micros: Option<i64>,
    /// What low and high are.
    pub band: String,
    pub budget_micros: u64,
    /// What is spent, in percent of the budget.
    pub budget_percent: Option<i64>,
    pub forecast_percent: Option<i64>,
    /// How much more was billed on the newest whole day than the live rate said, in percent.
    pub drift_percent: Option<i64>,
    /// Why any of it is not known; empty when all is.
    pub unknown: String,
}

/// How sure an advice is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

/// One way to pay less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdviceView {
    /// `commitment/tasks`, `spot`, `scheduled_scaling`, `storage/logs`, ….
    pub name: String,
    /// What to do.
    pub action: String,
    /// What it saves a month, in millionths of a dollar. `None`: see `unknown`.
    pub saves_micros_per_month: Option<u64>,
    /// What the amount rests on.
    pub assumption: String,
    pub confidence: Confidence,
    /// What is missing to know the amount; empty when it is known.
    pub unknown: String,
}

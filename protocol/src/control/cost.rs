//! What an environment costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the environment costs as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostView {
    /// Observed topology times the price book, in millionths of a dollar an hour.
    pub micros_per_hour: Option<u64>,
    /// The same by component, largest first.
    pub components: Vec<CostComponent>,
    /// The date and source of the price book.
    pub prices: String,
}

/// One component's share of the cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostComponent {
    pub name: String,
    /// What was counted: `4 × 0.25 vCPU, 0.5 GB`.
    pub basis: String,
    pub micros_per_hour: u64,
}

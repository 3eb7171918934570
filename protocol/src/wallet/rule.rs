//! What binds a payment: fees by schedule, and the limits of a wallet.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/fees`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeesView {
    /// Ascending; each counts from its instant until the next one does.
    pub schedules: Vec<FeeSchedule>,
}

/// One version of what payments cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeeSchedule {
    pub version: u32,
    pub valid_from: DateTime<Utc>,
    /// What has none is free.
    pub rates: Vec<FeeRate>,
}

/// What one kind of payment costs in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeeRate {
    pub operation: FeeOperation,
    pub currency: String,
    /// Hundredths of a percent of the amount.
    #[serde(default)]
    pub basis_points: u16,
    /// Added to it, in minor units.
    #[serde(default)]
    pub fixed_minor: i64,
    /// The most that is charged, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_minor: Option<i64>,
}

/// What may cost something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FeeOperation {
    Withdraw,
    Transfer,
}

/// `PUT /api/v1/wallets/{id}/limits`: sets both limits; what is absent is lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetLimits {
    /// What the wallet may pay and reserve a day, by Brasília's clock, as in
    /// [`MoveMoney`](super::MoveMoney).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_debit: Option<String>,
    /// How often the wallet may pay or reserve a minute, 1 to 1,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debits_per_minute: Option<u32>,
    /// Why: 1 to 500 characters. Kept in the wallet's history, shown to administrators only.
    pub reason: String,
}

/// What limits a wallet, and what of it is used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitsView {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_debit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_debit_minor: Option<i64>,
    /// Paid and reserved on the day of the last payment.
    pub debited_minor: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debits_per_minute: Option<u32>,
}

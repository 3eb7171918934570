//! Holds: money that is kept apart until it is captured, voided, or its time is over.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// `POST /api/v1/wallets/{id}/holds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authorize {
    /// As in [`MoveMoney`](super::MoveMoney).
    pub amount: String,
    /// When given, must be the wallet's own currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Names this hold; stands in for an absent `Idempotency-Key` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_id: Option<String>,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who gets what is captured. Without it, what is captured leaves as a withdrawal does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_wallet_id: Option<Uuid>,
    /// 1 to 2,592,000 (30 days); 604,800 (7 days) when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<u32>,
}

/// `POST /api/v1/wallets/{id}/holds/{holdId}/capture`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaptureHold {
    /// At most what remains of the hold; all of that when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// True when nothing more will be captured: what remains is released.
    #[serde(default, rename = "final", skip_serializing_if = "Option::is_none")]
    pub is_final: Option<bool>,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `GET /api/v1/wallets/{id}/holds/{holdId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldView {
    pub hold_id: Uuid,
    pub wallet_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_wallet_id: Option<Uuid>,
    pub state: HoldState,
    pub currency: String,
    pub amount: String,
    pub amount_minor: i64,
    pub captured: String,
    pub captured_minor: i64,
    /// What can still be captured.
    pub remaining: String,
    pub remaining_minor: i64,
    /// From then on nothing is captured any more.
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// `GET /api/v1/wallets/{id}/holds?cursor=…&limit=…`, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldsView {
    pub wallet_id: Uuid,
    pub holds: Vec<HoldView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What became of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HoldState {
    /// May be captured.
    Open,
    /// All of it, or a last part.
    Captured,
    Voided,
    Expired,
}

//! What the topic `wallet.events` carries: one record per ledger entry of a customer's wallet.
//!
//! The record's key is the wallet's id as text, so that one wallet stays in one partition and in
//! order. Delivery is at least once: a consumer keeps the last `version` of each wallet, drops what
//! is not newer, and knows of a hole when a version is skipped. Settlement wallets are not
//! published.

use crate::wallet::EntryKind;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The `schema` of the events written today. Fields may be added under the same number.
pub const SCHEMA: u16 = 1;

/// One entry of one wallet, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WalletEvent {
    pub schema: u16,
    /// `batch:index`, unique for ever and the same at every redelivery.
    pub event_id: String,
    #[serde(rename = "type")]
    pub kind: EntryKind,
    pub wallet_id: Uuid,
    /// 1, 2, 3, … for each wallet, without a gap.
    pub version: u64,
    pub transaction_id: Uuid,
    pub currency: String,
    /// Signed: negative when money left the wallet.
    pub amount_minor: i64,
    /// Of the amount, what went to us; negative when it was given back. Summed over all events,
    /// the revenue.
    #[serde(default)]
    pub fee_minor: i64,
    pub available_after_minor: i64,
    pub held_after_minor: i64,
    /// Signed: positive when money was reserved.
    #[serde(default)]
    pub held_change_minor: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterparty_wallet_id: Option<Uuid>,
    /// Only of a reversal: the transaction that it reverses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses_transaction_id: Option<Uuid>,
    /// Only of a hold's entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<Uuid>,
    pub at: DateTime<Utc>,
}

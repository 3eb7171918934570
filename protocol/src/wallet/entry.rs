//! What happened to a wallet: transactions, entries, statements.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an entry did to its wallet.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EntryKind {
    /// Version 1 of every wallet, with amount 0.
    WalletCreated,
    Deposit,
    Withdrawal,
    TransferOut,
    TransferIn,
    /// The counter-entry of a settlement wallet, one a batch.
    Settlement,
    /// No movement any more, until it is lifted. Amount 0.
    WalletFrozen,
    /// The freeze was lifted. Amount 0.
    WalletUnfrozen,
    /// Ended for good, empty. Amount 0.
    WalletClosed,
    /// What a reversed transaction had brought was taken back.
    ReversalOut,
    /// What a reversed transaction had taken was given back.
    ReversalIn,
    /// Money was reserved; it is still the wallet's. Amount 0 in statements and events.
    HoldAuthorized,
    /// Reserved money left the wallet; with the last part, what was left over was released.
    HoldCaptured,
    /// What was captured of another wallet's hold came in.
    HoldReceived,
    /// Reserved money may be spent again. Amount 0 in statements and events.
    HoldVoided,
    /// The same, because the hold's time was over.
    HoldExpired,
    /// What the wallet may pay a day or how often a minute was set. Amount 0.
    LimitsChanged,
    /// The counter-entry of a revenue wallet: the fees of a batch.
    Revenue,
}

impl EntryKind {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 18] = [
        Self::WalletCreated,
        Self::Deposit,
        Self::Withdrawal,
        Self::TransferOut,
        Self::TransferIn,
        Self::Settlement,
        Self::WalletFrozen,
        Self::WalletUnfrozen,
        Self::WalletClosed,
        Self::ReversalOut,
        Self::ReversalIn,
        Self::HoldAuthorized,
        Self::HoldCaptured,
        Self::HoldReceived,
        Self::HoldVoided,
        Self::HoldExpired,
        Self::LimitsChanged,
        Self::Revenue,
    ];

    /// Whether it is a step of a hold.
    #[must_use]
    pub fn is_of_hold(self) -> bool {
        match self {
            Self::HoldAuthorized
            | Self::HoldCaptured
            | Self::HoldReceived
            | Self::HoldVoided
            | Self::HoldExpired => true,
            Self::WalletCreated
            | Self::Deposit
            | Self::Withdrawal
            | Self::TransferOut
            | Self::TransferIn
            | Self::Settlement
            | Self::WalletFrozen
            | Self::WalletUnfrozen
            | Self::WalletClosed
            | Self::ReversalOut
            | Self::ReversalIn
            | Self::LimitsChanged
            | Self::Revenue => false,
        }
    }

    /// Whether it is a part of a reversal.
    #[must_use]
    pub fn is_of_reversal(self) -> bool {
        matches!(self, Self::ReversalOut | Self::ReversalIn)
    }

    /// Whether it brings money from another wallet.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::TransferIn | Self::ReversalIn | Self::HoldReceived)
    }
}

/// The answer to a deposit, a withdrawal or a transfer, and `GET /api/v1/transactions/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransactionView {
    /// Nil in the answer to a dry run.
    pub transaction_id: Uuid,
    /// True when this would be the answer, and nothing was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// As seen from `wallet_id`.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// The wallet that was asked.
    pub wallet_id: Uuid,
    /// Only between two wallets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_wallet_id: Option<Uuid>,
    /// Only between two wallets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_wallet_id: Option<Uuid>,
    /// Only of a reversal: what it reverses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses_transaction_id: Option<Uuid>,
    /// Only when it is asked for later, and has been reversed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversed_by_transaction_id: Option<Uuid>,
    /// Only of a hold's transactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<Uuid>,
    /// Only in the answer to an authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_expires_at: Option<DateTime<Utc>>,
    pub currency: String,
    /// Not negative: what was moved, reserved or released, without a fee.
    pub amount: String,
    pub amount_minor: i64,
    /// What it cost beside the amount; negative when it was given back. Absent when nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_minor: Option<i64>,
    /// Of `wallet_id` right after this transaction.
    pub new_balance: String,
    pub new_balance_minor: i64,
    /// What `wallet_id` had reserved right after this transaction.
    #[serde(default)]
    pub new_held: String,
    #[serde(default)]
    pub new_held_minor: i64,
    /// Of `wallet_id` right after this transaction.
    pub version: u64,
    pub at: DateTime<Utc>,
}

/// `GET /api/v1/wallets/{id}/statement?cursor=…&limit=…`, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatementView {
    pub wallet_id: Uuid,
    pub currency: String,
    pub entries: Vec<EntryView>,
    /// Give it back as `cursor` for the next, older page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One line of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    pub transaction_id: Uuid,
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// Signed: negative when money left the wallet. A fee is in it.
    pub amount: String,
    pub amount_minor: i64,
    /// Of the amount, the fee; negative when it was given back. Absent when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_minor: Option<i64>,
    pub balance_after: String,
    pub balance_after_minor: i64,
    /// Signed: positive when money was reserved.
    #[serde(default)]
    pub held_change_minor: i64,
    #[serde(default)]
    pub held_after: String,
    #[serde(default)]
    pub held_after_minor: i64,
    pub version: u64,
    pub at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterparty_wallet_id: Option<Uuid>,
    /// Only of a reversal: what it reverses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses_transaction_id: Option<Uuid>,
    /// Only of a hold's entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who acted, when it was not the wallet's user. Shown to administrators only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

//! The wallet API's bodies.
//!
//! Amounts travel twice: as decimal text in the currency's scale (`"10.50"`) for people, and as an
//! integer of minor units (`1050`) for programs. Neither is ever a float. Instants are UTC with
//! microseconds.

mod batch;
mod entry;
mod hold;
mod rule;

pub use batch::{
    Batch, BatchCommand, BatchMode, BatchOperation, BatchResult, BatchView, Direction, PostLeg,
    PostTransaction,
};
pub use entry::{EntryKind, EntryView, StatementView, TransactionView};
pub use hold::{Authorize, CaptureHold, HoldState, HoldView, HoldsView};
pub use rule::{FeeOperation, FeeRate, FeeSchedule, FeesView, LimitsView, SetLimits};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a request may be refused for. The wire text is the variant in `SCREAMING_SNAKE_CASE`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    // The request itself.
    InvalidRequest,
    InvalidAmount,
    InvalidCurrency,
    InvalidTimestamp,
    InvalidTransfer,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    BodyTooLarge,
    UnsupportedMediaType,
    MethodNotAllowed,
    RouteNotFound,
    // Who asks.
    Unauthenticated,
    InsufficientScope,
    WalletForbidden,
    // What the ledger says.
    WalletNotFound,
    TransactionNotFound,
    WalletFrozen,
    WalletClosed,
    WalletNotFrozen,
    WalletNotEmpty,
    NotReversible,
    AlreadyReversed,
    HoldNotFound,
    HoldNotOpen,
    HoldExpired,
    HoldExceeded,
    Unbalanced,
    BatchRefused,
    VelocityLimit,
    DailyLimit,
    InsufficientFunds,
    BalanceLimit,
    // What we could not do now. All are retryable with the same idempotency key.
    Overloaded,
    ReadOnlyMode,
    Unavailable,
    OutcomeUnknown,
    Timeout,
    Internal,
}

/// `POST /api/v1/wallets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateWallet {
    /// 1 to 100 of `[A-Za-z0-9-_@.]`.
    pub user_id: String,
    /// ISO 4217; `BRL` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// `POST /api/v1/wallets/{id}/deposit`, `…/withdraw`, and with a destination `…/transfer`.
///
/// As a client writes it. The service also takes `amount` as a JSON number and reads its digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoveMoney {
    /// Decimal text with at most the currency's decimals, `0.01` to `1000000.00`.
    pub amount: String,
    /// When given, must be the wallet's own currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Names this movement; stands in for an absent `Idempotency-Key` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_id: Option<String>,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Only for a transfer.
    #[serde(default, alias = "toWalletId", skip_serializing_if = "Option::is_none")]
    pub destination_wallet_id: Option<Uuid>,
}

/// `POST /api/v1/wallets/{id}/freeze`, `…/unfreeze`, `…/close`, and
/// `POST /api/v1/transactions/{id}/reversal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Order {
    /// Why: 1 to 500 characters. Kept in the wallet's history, shown to administrators only.
    pub reason: String,
}

/// The answer to a freeze, an unfreeze or a close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    pub wallet_id: Uuid,
    /// The status that the wallet got.
    pub status: WalletStatus,
    pub reason: String,
    /// The entry in the wallet's history; nil in the answer to a dry run.
    pub transaction_id: Uuid,
    /// True when this would be the answer, and nothing was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Of the wallet right after it.
    pub version: u64,
    pub at: DateTime<Utc>,
}

/// A wallet as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WalletView {
    pub id: Uuid,
    /// The same as `id`, under the name that the other bodies use.
    pub wallet_id: Uuid,
    pub user_id: String,
    pub currency: String,
    pub status: WalletStatus,
    /// What may be spent.
    pub balance: String,
    pub balance_minor: i64,
    /// What is reserved by open holds.
    #[serde(default)]
    pub held: String,
    #[serde(default)]
    pub held_minor: i64,
    /// What the wallet has: `balance` and `held` together.
    #[serde(default)]
    pub ledger_balance: String,
    #[serde(default)]
    pub ledger_balance_minor: i64,
    /// Absent when nothing is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsView>,
    /// Gapless count of this wallet's entries. Send it back as `minVersion` to read your writes.
    pub version: u64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Whether a wallet may move money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WalletStatus {
    Active,
    Frozen,
    Closed,
}

/// `GET /api/v1/wallets/{id}/balance`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BalanceView {
    pub wallet_id: Uuid,
    pub currency: String,
    /// What may be spent.
    pub balance: String,
    pub balance_minor: i64,
    /// What is reserved by open holds.
    #[serde(default)]
    pub held: String,
    #[serde(default)]
    pub held_minor: i64,
    /// What the wallet has: `balance` and `held` together.
    #[serde(default)]
    pub ledger_balance: String,
    #[serde(default)]
    pub ledger_balance_minor: i64,
    pub version: u64,
    /// The instant that this balance is known to hold for.
    pub as_of: DateTime<Utc>,
    /// True when the ledger could not be asked and an older value is shown.
    pub stale: bool,
}

/// `GET /api/v1/wallets/{id}/balance/historical?timestamp=…`, also `…/balance/history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BalanceAtView {
    pub wallet_id: Uuid,
    pub currency: String,
    /// What could be spent.
    pub balance: String,
    pub balance_minor: i64,
    /// What was reserved by open holds.
    #[serde(default)]
    pub held: String,
    #[serde(default)]
    pub held_minor: i64,
    /// What the wallet had: `balance` and `held` together.
    #[serde(default)]
    pub ledger_balance: String,
    #[serde(default)]
    pub ledger_balance_minor: i64,
    /// Of the last entry at or before `timestamp`; 0 before the wallet existed.
    pub version: u64,
    pub timestamp: DateTime<Utc>,
    /// False while an entry with an earlier instant may still be committed.
    #[serde(rename = "final")]
    pub is_final: bool,
}

/// `GET /api/v1/users/{userId}/wallets?cursor=…&limit=…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WalletsView {
    pub wallets: Vec<WalletView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

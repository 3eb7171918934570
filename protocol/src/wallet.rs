//! The wallet API's bodies.
//!
//! Amounts travel twice: as decimal text in the currency's scale (`"10.50"`) for people, and as an
//! integer of minor units (`1050`) for programs. Neither is ever a float. Instants are UTC with
//! microseconds.

use crate::problem::Problem;
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

/// `POST /api/v1/wallets/{id}/holds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authorize {
    /// As in [`MoveMoney`].
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

/// `POST /api/v1/transactions`: several wallets changed at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostTransaction {
    /// 2 to 100, no wallet twice; what is debited in all is what is credited in all.
    pub legs: Vec<PostLeg>,
    /// When given, must be the currency of all wallets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Names this transaction; stands in for an absent `Idempotency-Key` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_id: Option<String>,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// One wallet's part of a [`PostTransaction`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostLeg {
    pub wallet_id: Uuid,
    pub direction: Direction,
    /// As in [`MoveMoney`].
    pub amount: String,
}

/// Which way money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Direction {
    /// Out of the wallet, which must be the caller's.
    Debit,
    /// Into the wallet.
    Credit,
}

/// `POST /api/v1/batches`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Batch {
    pub mode: BatchMode,
    /// 1 to 1,000.
    pub commands: Vec<BatchCommand>,
}

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

/// How the commands of a batch hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BatchMode {
    /// All in one transaction, or none.
    Atomic,
    /// Each by itself, in no order.
    Independent,
}

/// One command of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchCommand {
    pub operation: BatchOperation,
    pub wallet_id: Uuid,
    /// As in [`MoveMoney`].
    pub amount: String,
    /// When given, must be the wallet's own currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The client's own name for it. Its key is the batch's, with its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_id: Option<String>,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Only for a transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_wallet_id: Option<Uuid>,
}

/// What a command of a batch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BatchOperation {
    Deposit,
    Withdraw,
    Transfer,
}

/// The answer to a [`Batch`]. An atomic one that was refused is answered with the problem of the
/// command that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchView {
    pub mode: BatchMode,
    /// One for each command, in their order.
    pub results: Vec<BatchResult>,
}

/// What became of one command of a batch: either a transaction or a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchResult {
    /// True when an earlier request with this key did it.
    pub replayed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// `PUT /api/v1/wallets/{id}/limits`: sets both limits; what is absent is lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetLimits {
    /// What the wallet may pay and reserve a day, by Brasília's clock, as in [`MoveMoney`].
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

/// `GET /api/v1/users/{userId}/wallets?cursor=…&limit=…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WalletsView {
    pub wallets: Vec<WalletView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

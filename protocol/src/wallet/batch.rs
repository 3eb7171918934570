//! Several changes in one request: the legs of one transaction, and the commands of a batch.

use super::TransactionView;
use crate::problem::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// As in [`MoveMoney`](super::MoveMoney).
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
    /// As in [`MoveMoney`](super::MoveMoney).
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

//! What the ledger refuses, and what it could not do, as errors with a code and a way out.

use super::{
    body::too_many_decimals,
    caller::{wallet_forbidden, wallet_not_found},
    error::Error,
};
use crate::{
    ledger::command::Refusal,
    store::{ReadError, SubmitError},
};
use protocol::wallet::Code;

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WalletNotFound => wallet_not_found(),
            Refusal::WalletForbidden => wallet_forbidden(),
            Refusal::KeyReused => Self::field(
                Code::IdempotencyKeyReused,
                "Idempotency-Key",
                "stands for an earlier request with another body; use a new key for a new request",
            ),
            Refusal::SameWallet => Self::field(
                Code::InvalidTransfer,
                "destinationWalletId",
                "must be another wallet than the one that pays",
            ),
            Refusal::ReceiverNotFound => Self::field(
                Code::WalletNotFound,
                "destinationWalletId",
                "there is no wallet with this id",
            ),
            Refusal::CurrencyMismatch => Self::field(
                Code::InvalidCurrency,
                "currency",
                "must be the currency of the wallet, and of both wallets of a transfer",
            ),
            Refusal::TooManyDecimals => {
                Self::field(Code::InvalidAmount, "amount", too_many_decimals(None))
            }
            Refusal::WalletClosed => {
                Self::new(Code::WalletClosed, "a wallet of this request is closed for good")
            }
            Refusal::WalletFrozen => {
                Self::new(Code::WalletFrozen, "a wallet of this request is frozen; ask support")
            }
            Refusal::WalletNotFrozen => {
                Self::new(Code::WalletNotFrozen, "there is no freeze to lift: the wallet is active")
            }
            Refusal::WalletNotEmpty => Self::new(
                Code::WalletNotEmpty,
                "the wallet still holds something; pay it out first, and end what is held",
            ),
            Refusal::NotReversible => Self::field(
                Code::NotReversible,
                "transactionId",
                "must be of a deposit, a withdrawal or a transfer; a reversal is not reversed",
            ),
            Refusal::AlreadyReversed => Self::field(
                Code::AlreadyReversed,
                "transactionId",
                "has been reversed before; read the transaction to see by which one",
            ),
            Refusal::HoldNotFound => hold_not_found(),
            Refusal::HoldNotOpen => {
                Self::field(Code::HoldNotOpen, "holdId", "was captured to the end, or voided")
            }
            Refusal::HoldExpired => {
                Self::field(Code::HoldExpired, "holdId", "has expired; authorize a new hold")
            }
            Refusal::HoldExceeded => Self::field(
                Code::HoldExceeded,
                "amount",
                "is more than remains of the hold; read the hold to see how much does",
            ),
            Refusal::Unbalanced => {
                Self::field(Code::Unbalanced, "legs", "must debit in all what they credit in all")
            }
            Refusal::BatchRefused => Self::new(
                Code::BatchRefused,
                "another command of this atomic batch was refused, so none was carried out",
            ),
            Refusal::VelocityLimit => Self::new(
                Code::VelocityLimit,
                "the wallet may not pay more often this minute; send the same request again later",
            ),
            Refusal::DailyLimit => Self::field(
                Code::DailyLimit,
                "amount",
                "is more than the wallet may still pay today, by Brasília's clock",
            ),
            Refusal::InsufficientFunds => Self::field(
                Code::InsufficientFunds,
                "amount",
                "is more than the wallet holds; ask for its balance",
            ),
            Refusal::BalanceLimit => Self::field(
                Code::BalanceLimit,
                "amount",
                "would lift the receiving wallet above what a wallet may hold",
            ),
        }
    }
}

/// The refusal of a hold that is not there.
pub(super) fn hold_not_found() -> Error {
    Error::field(Code::HoldNotFound, "holdId", "the wallet has no hold with this id")
}

const SAME_KEY: &str = "send the same request again with the same idempotency key";

impl From<SubmitError> for Error {
    fn from(error: SubmitError) -> Self {
        let text = |what: &str| format!("{what}; {SAME_KEY}");
        match error {
            SubmitError::Overloaded { retry_after } => {
                let detail = text("nothing was done: too many requests are waiting");
                Self::new(Code::Overloaded, detail).retry_after(retry_after)
            }
            SubmitError::ReadOnly { retry_after } => {
                let detail = text("nothing was done: the ledger takes no writes at the moment");
                Self::new(Code::ReadOnlyMode, detail).retry_after(retry_after)
            }
            SubmitError::Unavailable { retry_after } => {
                let detail = text("nothing was done: the ledger cannot be reached at the moment");
                Self::new(Code::ReadOnlyMode, detail).retry_after(retry_after)
            }
            SubmitError::OutcomeUnknown => Self::outcome_unknown(),
            SubmitError::Timeout => {
                Self::new(Code::Timeout, text("nothing was done: it was not its turn in time"))
            }
            SubmitError::Failed => Self::internal(error),
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        let code = match error {
            ReadError::Unavailable { .. } | ReadError::NotYet => Code::Unavailable,
            ReadError::Overloaded => Code::Overloaded,
        };
        Self::new(code, "the ledger could not be read; ask again").because(error)
    }
}

impl Error {
    /// A write whose answer did not come in time: it may have been done.
    #[must_use]
    pub fn outcome_unknown() -> Self {
        let detail = format!("it is not known yet whether this was done; {SAME_KEY} to learn it");
        Self::new(Code::OutcomeUnknown, detail)
    }

    /// A read whose answer did not come in time.
    #[must_use]
    pub fn timeout() -> Self {
        Self::new(Code::Timeout, "the answer did not come in time; ask again")
    }

    /// A request too many.
    #[must_use]
    pub fn overloaded() -> Self {
        let detail = "nothing was done: this task has as many requests as it takes; try again";
        Self::new(Code::Overloaded, detail)
    }
}

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
            Refusal::HoldNotFound => hold_not_found(),
            Refusal::TooManyDecimals => {
                Self::field(Code::InvalidAmount, "amount", too_many_decimals(None))
            }
            refusal => match told(refusal) {
                (code, None, text) => Self::new(code, text),
                (code, Some(field), text) => Self::field(code, field, text),
            },
        }
    }
}

/// The code of a refusal, the field to blame, and the way out.
#[rustfmt::skip]
fn told(refusal: Refusal) -> (Code, Option<&'static str>, &'static str) {
    use Refusal as R;
    match refusal {
        R::WalletNotFound | R::ReceiverNotFound => (Code::WalletNotFound,
            Some("destinationWalletId"), "there is no wallet with this id"),
        R::WalletForbidden => (Code::WalletForbidden, None, "the wallet is another user's"),
        R::KeyReused => (Code::IdempotencyKeyReused, Some("Idempotency-Key"),
            "stands for an earlier request with another body; use a new key for a new request"),
        R::SameWallet => (Code::InvalidTransfer, Some("destinationWalletId"),
            "must be another wallet than the one that pays"),
        R::CurrencyMismatch => (Code::InvalidCurrency, Some("currency"),
            "must be the currency of the wallet, and of all wallets of a transfer"),
        R::TooManyDecimals => (Code::InvalidAmount, Some("amount"), "has too many decimals"),
        R::WalletClosed => (Code::WalletClosed, None,
            "a wallet of this request is closed for good"),
        R::WalletFrozen => (Code::WalletFrozen, None,
            "a wallet of this request is frozen; ask support"),
        R::WalletNotFrozen => (Code::WalletNotFrozen, None,
            "there is no freeze to lift: the wallet is active"),
        R::WalletNotEmpty => (Code::WalletNotEmpty, None,
            "the wallet still holds something; pay it out first, and end what is held"),
        R::NotReversible => (Code::NotReversible, Some("transactionId"),
            "must be of a deposit, a withdrawal, a transfer or a capture, and of no reversal"),
        R::AlreadyReversed => (Code::AlreadyReversed, Some("transactionId"),
            "has been reversed before; read the transaction to see by which one"),
        R::HoldNotFound => (Code::HoldNotFound, Some("holdId"), "there is no such hold"),
        R::HoldNotOpen => (Code::HoldNotOpen, Some("holdId"),
            "was captured to the end, or voided"),
        R::HoldExpired => (Code::HoldExpired, Some("holdId"),
            "has expired; authorize a new hold"),
        R::HoldExceeded => (Code::HoldExceeded, Some("amount"),
            "is more than remains of the hold; read the hold to see how much does"),
        R::Unbalanced => (Code::Unbalanced, Some("legs"),
            "must debit in all what they credit in all"),
        R::BatchRefused => (Code::BatchRefused, None,
            "another command of this atomic batch was refused, so none was carried out"),
        R::VelocityLimit => (Code::VelocityLimit, None,
            "the wallet may not pay more often this minute; send the same request again later"),
        R::DailyLimit => (Code::DailyLimit, Some("amount"),
            "is more than the wallet may still pay today, by Brasília's clock"),
        R::InsufficientFunds => (Code::InsufficientFunds, Some("amount"),
            "is more than the wallet may spend; ask for its balance"),
        R::BalanceLimit => (Code::BalanceLimit, Some("amount"),
            "would lift the receiving wallet above what a wallet may hold"),
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

//! Why a command changed nothing.

/// By descending precedence: of several faults the first is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Refusal {
    /// The asked wallet is not there. Not recorded under the key: it may come to exist.
    WalletNotFound = 1,
    /// The asked wallet is another user's. Not recorded: a stranger must not burn its keys.
    WalletForbidden = 2,
    /// The key stands for another body. What it stands for stays recorded.
    KeyReused = 3,
    /// The transaction is of a kind that cannot be reversed.
    NotReversible = 14,
    /// The transaction has been reversed before.
    AlreadyReversed = 15,
    /// The wallet has no such hold. Not recorded: nothing was asked of one.
    HoldNotFound = 16,
    /// The hold was captured to the end, or voided.
    HoldNotOpen = 17,
    /// The hold's time is over.
    HoldExpired = 18,
    /// From a wallet to itself.
    SameWallet = 4,
    /// The receiver is not there.
    ReceiverNotFound = 5,
    /// Not the currency of the wallet, or of the receiver.
    CurrencyMismatch = 6,
    /// More decimals than the wallet's currency has.
    TooManyDecimals = 7,
    /// What is paid is not what is had.
    Unbalanced = 20,
    /// The hold has less left than is to be captured.
    HoldExceeded = 19,
    /// One of the wallets is closed.
    WalletClosed = 8,
    /// One of the wallets is frozen.
    WalletFrozen = 9,
    /// There is nothing to lift: the wallet is active.
    WalletNotFrozen = 12,
    /// The wallet still holds something, so it cannot be closed.
    WalletNotEmpty = 13,
    /// Too many payments this minute. Not recorded: the next minute may carry it out.
    VelocityLimit = 22,
    /// More than the wallet may pay a day.
    DailyLimit = 23,
    /// The wallet does not hold enough.
    InsufficientFunds = 10,
    /// The receiving wallet would hold too much.
    BalanceLimit = 11,
    /// Another command of the same atomic batch was refused.
    BatchRefused = 21,
}

impl Refusal {
    /// All, by descending precedence.
    pub const ALL: [Self; 23] = [
        Self::WalletNotFound,
        Self::WalletForbidden,
        Self::KeyReused,
        Self::NotReversible,
        Self::AlreadyReversed,
        Self::HoldNotFound,
        Self::HoldNotOpen,
        Self::HoldExpired,
        Self::SameWallet,
        Self::ReceiverNotFound,
        Self::CurrencyMismatch,
        Self::TooManyDecimals,
        Self::Unbalanced,
        Self::HoldExceeded,
        Self::WalletClosed,
        Self::WalletFrozen,
        Self::WalletNotFrozen,
        Self::WalletNotEmpty,
        Self::VelocityLimit,
        Self::DailyLimit,
        Self::InsufficientFunds,
        Self::BalanceLimit,
        Self::BatchRefused,
    ];

    /// What `idem.outcome` says for it; 0 stands for "done". Never renumber.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The refusal with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.number() == number)
    }

    /// Whether the same key must get the same refusal for ever.
    pub(crate) fn is_recorded(self) -> bool {
        !matches!(
            self,
            Self::WalletNotFound
                | Self::WalletForbidden
                | Self::KeyReused
                | Self::HoldNotFound
                | Self::VelocityLimit
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_one_refusal() {
        for refusal in Refusal::ALL {
            assert_eq!(Refusal::from_number(refusal.number()), Some(refusal));
        }
        assert_eq!(Refusal::from_number(0), None);
        let mut numbers = Refusal::ALL.map(Refusal::number);
        numbers.sort_unstable();
        assert!(numbers.iter().zip(1..).all(|(number, want)| *number == want), "{numbers:?}");
    }
}

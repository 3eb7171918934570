//! What was served since the last look, by operation: counts and a latency histogram.
//!
//! This is what goes to CloudWatch, where a percentile is only true when every latency is in it.
//! Prometheus has its own, cumulative handles in `metrics.rs`. Nothing here does I/O.

use hdrhistogram::Histogram;
use std::{
    array,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What a request asked for. The names are the labels and dimensions everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    CreateWallet,
    Deposit,
    Withdraw,
    Transfer,
    Balance,
    BalanceAt,
    Statement,
    UserWallets,
    Transaction,
    Wallet,
    Freeze,
    Unfreeze,
    Close,
    Reverse,
    Authorize,
    Capture,
    Void,
    Hold,
    Holds,
    Post,
    Batch,
    Limit,
    Fees,
}

impl Operation {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 23] = [
        Self::CreateWallet,
        Self::Deposit,
        Self::Withdraw,
        Self::Transfer,
        Self::Balance,
        Self::BalanceAt,
        Self::Statement,
        Self::UserWallets,
        Self::Transaction,
        Self::Wallet,
        Self::Freeze,
        Self::Unfreeze,
        Self::Close,
        Self::Reverse,
        Self::Authorize,
        Self::Capture,
        Self::Void,
        Self::Hold,
        Self::Holds,
        Self::Post,
        Self::Batch,
        Self::Limit,
        Self::Fees,
    ];

    /// The operation in labels, dimensions and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateWallet => "create_wallet",
            Self::Deposit => "deposit",
            Self::Withdraw => "withdraw",
            Self::Transfer => "transfer",
            Self::Balance => "balance",
            Self::BalanceAt => "balance_at",
            Self::Statement => "statement",
            Self::UserWallets => "user_wallets",
            Self::Transaction => "transaction",
            Self::Wallet => "wallet",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Close => "close",
            Self::Reverse => "reverse",
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Hold => "hold",
            Self::Holds => "holds",
            Self::Post => "post_transaction",
            Self::Batch => "batch",
            Self::Limit => "limit",
            Self::Fees => "fees",
        }
    }

    /// Whether it changes the ledger, so that a lost answer leaves its outcome unknown.
    #[must_use]
    pub fn writes(self) -> bool {
        match self {
            Self::CreateWallet
            | Self::Deposit
            | Self::Withdraw
            | Self::Transfer
            | Self::Freeze
            | Self::Unfreeze
            | Self::Close
            | Self::Reverse
            | Self::Authorize
            | Self::Capture
            | Self::Void
            | Self::Post
            | Self::Batch
            | Self::Limit => true,
            Self::Balance
            | Self::BalanceAt
            | Self::Statement
            | Self::UserWallets
            | Self::Transaction
            | Self::Wallet
            | Self::Hold
            | Self::Holds
            | Self::Fees => false,
        }
    }

    /// The place in [`Self::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// 1xx to 3xx.
    Success,
    /// 4xx: the caller's fault, or the ledger's refusal.
    Decline,
    /// 5xx: ours.
    Error,
    /// The caller hung up before the answer.
    Abandoned,
}

impl Ending {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 4] = [Self::Success, Self::Decline, Self::Error, Self::Abandoned];

    /// Of an answer with this status.
    #[must_use]
    pub fn of(status: u16) -> Self {
        match status {
            ..400 => Self::Success,
            400..500 => Self::Decline,
            500.. => Self::Error,
        }
    }

    /// The label's value.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Decline => "4xx",
            Self::Error => "5xx",
            Self::Abandoned => "abandoned",
        }
    }
}

/// What one operation did in a window.
#[derive(Clone, Debug)]
pub struct Served {
    pub requests: u64,
    pub declines: u64,
    pub errors: u64,
    /// Microseconds, with two significant digits.
    pub latency_us: Histogram<u64>,
}

/// The longest latency that is told apart from a longer one.
const LATENCY_US_MAX: u64 = 60_000_000;

impl Default for Served {
    fn default() -> Self {
        // At most 20 powers of two above 128 with 128 steps each: 22 kB.
        let latency_us = Histogram::new_with_bounds(1, LATENCY_US_MAX, 2)
            .expect("the bounds are two powers apart and the digits at most 5");
        Self { requests: 0, declines: 0, errors: 0, latency_us }
    }
}

impl Served {
    fn record(&mut self, ending: Ending, latency: Duration) {
        self.requests += 1;
        self.declines += u64::from(ending == Ending::Decline);
        self.errors += u64::from(ending == Ending::Error);
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency_us.saturating_record(us.clamp(1, LATENCY_US_MAX));
    }

    /// Adds what `other` served.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.declines += other.declines;
        self.errors += other.errors;
        self.latency_us.add(&other.latency_us).expect("both have the same bounds");
    }
}

/// What all operations did since the last [`Traffic::take`].
#[derive(Debug)]
pub struct Traffic {
    window: [Mutex<Served>; Operation::ALL.len()],
}

impl Default for Traffic {
    fn default() -> Self {
        Self { window: array::from_fn(|_| Mutex::default()) }
    }
}

impl Traffic {
    /// Counts one answered (or abandoned) request.
    pub fn record(&self, operation: Operation, ending: Ending, latency: Duration) {
        self.lock(operation).record(ending, latency);
    }

    /// What was served since the last call; the window starts anew.
    #[must_use]
    pub fn take(&self) -> Vec<(Operation, Served)> {
        let take = |operation| (operation, std::mem::take(&mut *self.lock(operation)));
        Operation::ALL.into_iter().map(take).collect()
    }

    fn lock(&self, operation: Operation) -> std::sync::MutexGuard<'_, Served> {
        self.window[operation.index()].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_what_was_served_in_it_and_nothing_else() {
        let traffic = Traffic::default();
        for (ending, ms) in [(Ending::Success, 1), (Ending::Decline, 2), (Ending::Error, 300)] {
            traffic.record(Operation::Deposit, ending, Duration::from_millis(ms));
        }
        traffic.record(Operation::Balance, Ending::Abandoned, Duration::from_hours(1));

        let served = traffic.take();
        assert_eq!(served.len(), Operation::ALL.len());
        let counts = |index: usize| {
            let (operation, served) = &served[index];
            (*operation, served.requests, served.declines, served.errors)
        };
        assert_eq!(counts(1), (Operation::Deposit, 3, 1, 1));
        assert_eq!(counts(4), (Operation::Balance, 1, 0, 0));
        assert_eq!(counts(0), (Operation::CreateWallet, 0, 0, 0));
        assert_eq!(served[1].1.latency_us.len(), 3);
        assert!(traffic.take().iter().all(|(_, served)| served.requests == 0));
    }

    #[test]
    fn a_latency_keeps_two_digits() {
        let traffic = Traffic::default();
        traffic.record(Operation::Wallet, Ending::Success, Duration::from_micros(12_345));
        let served = traffic.take();
        let got = served[Operation::Wallet.index()].1.latency_us.max();
        assert!(got.abs_diff(12_345) * 100 <= 12_345, "{got}");
    }

    #[test]
    fn operations_stand_where_their_index_says() {
        for (index, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation.index(), index, "{operation:?}");
        }
    }
}

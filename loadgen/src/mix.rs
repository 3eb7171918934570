//! What each request is: the operations mix over a set of wallets, from a seed. Pure.
//!
//! 40 % balance, 25 % deposit, 20 % withdraw, 10 % transfer, 5 % historical, as the sizing says.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a request does, under the service's own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    CreateWallet,
    Balance,
    Deposit,
    Withdraw,
    Transfer,
    BalanceAt,
    Statement,
}

impl Operation {
    /// The name in reports and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateWallet => "create_wallet",
            Self::Balance => "balance",
            Self::Deposit => "deposit",
            Self::Withdraw => "withdraw",
            Self::Transfer => "transfer",
            Self::BalanceAt => "balance_at",
            Self::Statement => "statement",
        }
    }

    /// Whether it moves money or makes a wallet, and so leaves a trace to audit.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::CreateWallet | Self::Deposit | Self::Withdraw | Self::Transfer)
    }
}

/// One request, by the numbers of the wallets that it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Counts the run's requests from 0; part of the idempotency key.
    pub number: u64,
    pub operation: Operation,
    pub wallet: usize,
    /// Only meaningful for a transfer; never equal to `wallet` unless there is one wallet.
    pub destination: usize,
    /// Minor units, 1 to 10,000.
    pub amount_minor: i64,
    /// How far back a historical request looks, in thousandths of the run so far.
    pub lookback_permille: u32,
}

/// The endless, repeatable sequence of requests.
#[derive(Debug)]
pub struct Mix {
    rng: ChaCha8Rng,
    wallets: usize,
    hot_percent: u32,
    number: u64,
}

impl Mix {
    /// A mix over `wallets` wallets, `hot_percent` of the requests on the first of them.
    #[must_use]
    pub fn new(wallets: usize, hot_percent: u32, seed: u64) -> Self {
        assert!(wallets > 0, "a mix needs a wallet");
        // Another stream than the schedule's, so that the two do not move together.
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1);
        Self { rng, wallets, hot_percent, number: 0 }
    }
}

impl Iterator for Mix {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let operation = match self.rng.random_range(0..1000_u32) {
            0..400 => Operation::Balance,
            400..650 => Operation::Deposit,
            650..850 => Operation::Withdraw,
            850..950 => Operation::Transfer,
            950..975 => Operation::BalanceAt,
            _ => Operation::Statement,
        };
        let hot = self.rng.random_range(0..100_u32) < self.hot_percent;
        let any = self.rng.random_range(0..self.wallets);
        let wallet = if hot { 0 } else { any };
        let step = self.rng.random_range(1..self.wallets.max(2));
        let request = Request {
            number: self.number,
            operation,
            wallet,
            destination: (wallet + step) % self.wallets,
            amount_minor: self.rng.random_range(1..=10_000),
            lookback_permille: self.rng.random_range(0..1000),
        };
        self.number += 1;
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_mix_has_the_shares_of_the_sizing() {
        let mut count: BTreeMap<Operation, u32> = BTreeMap::new();
        for request in Mix::new(100, 0, 1).take(100_000) {
            *count.entry(request.operation).or_default() += 1;
            assert!(request.wallet < 100 && request.destination < 100);
            assert_ne!(request.wallet, request.destination);
        }
        let share = |operation| f64::from(count[&operation]) / 1000.0;
        for (operation, percent) in [
            (Operation::Balance, 40.0),
            (Operation::Deposit, 25.0),
            (Operation::Withdraw, 20.0),
            (Operation::Transfer, 10.0),
            (Operation::BalanceAt, 2.5),
            (Operation::Statement, 2.5),
        ] {
            let got = share(operation);
            assert!((got - percent).abs() < 0.7, "{operation:?}: {got} of {percent}");
        }
    }

    #[test]
    fn a_seed_repeats_and_a_hot_wallet_is_hot() {
        let of = |seed| Mix::new(50, 30, seed).take(10_000).collect::<Vec<_>>();
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
        let hot = of(3).iter().filter(|r| r.wallet == 0).count();
        assert!((2_800..3_500).contains(&hot), "{hot}");
    }
}

//! What a wallet is, as it is read under lock.

use super::limit::{Limits, Usage};
use super::money::Currency;
pub use protocol::wallet::WalletStatus as Status;
use uuid::Uuid;

/// The most that a wallet may hold, in minor units: below 2^53, so that a client which reads JSON
/// numbers as floats still sees every cent.
pub const BALANCE_MAX: i64 = 1_000_000_000_000_000;

/// Whose money a wallet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A customer's. What callers see is only these.
    Customer,
    /// Ours: the other side of deposits and withdrawals, one of several stripes per currency.
    Settlement,
    /// Ours: what customers are charged, in as many stripes.
    Revenue,
}

/// One row of the table `wallet`. Amounts are minor units of `currency`; instants are microseconds
/// since 1970 by the database's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    pub id: Uuid,
    /// Empty for wallets of ours.
    pub user_id: Box<str>,
    pub currency: Currency,
    pub kind: Kind,
    pub status: Status,
    /// What may be spent.
    pub available: i64,
    /// What is reserved.
    pub held: i64,
    /// The least that `available` may be.
    pub floor: i64,
    /// Count of entries, without a gap.
    pub version: u64,
    /// Of the last entry. Strictly increasing.
    pub last_at_us: i64,
    /// Of the last entry; see [`super::entry::Entry::hash`].
    pub last_hash: [u8; 32],
    pub created_us: i64,
    /// Not in the cache, which only shows balances.
    pub limits: Limits,
    pub usage: Usage,
}

impl Wallet {
    /// A wallet before its first entry.
    #[must_use]
    pub fn unopened(id: Uuid, user_id: &str, currency: Currency, kind: Kind, now_us: i64) -> Self {
        let floor = match kind {
            Kind::Customer => 0,
            // A fee is given back by whichever lane reverses its payment.
            Kind::Settlement | Kind::Revenue => i64::MIN,
        };
        Self {
            id,
            user_id: user_id.into(),
            currency,
            kind,
            status: Status::Active,
            available: 0,
            held: 0,
            floor,
            version: 0,
            last_at_us: 0,
            last_hash: [0; 32],
            created_us: now_us,
            limits: Limits::default(),
            usage: Usage::default(),
        }
    }

    /// The instant for the next entry: never before or at the last one, whatever the clock says.
    pub(crate) fn next_at_us(&self, now_us: i64) -> i64 {
        now_us.max(self.last_at_us.strict_add(1))
    }
}

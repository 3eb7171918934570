//! Names for wallets and transactions.

use super::money::Currency;
use uuid::Uuid;

/// How many settlement wallets a currency has. More lanes than this share some, which only makes
/// them wait for each other.
pub const STRIPES: u8 = 64;

const WALLETS: Uuid = Uuid::from_u128(0x6c1f_6d6b_5a0e_4f0d_9a53_0f5a_3c0c_7e11);
const SETTLEMENT: Uuid = Uuid::from_u128(0x0d2b_9f44_7c38_4a63_8f5e_b1a7_66c4_2d90);

const REVENUE: Uuid = Uuid::from_u128(0x51d7_3b0c_92ae_4c7d_a1c4_7e29_6f08_b3d5);

/// The wallet that `user_id` gets for `key`: always the same one, so that its primary key is the
/// guard against opening it twice.
#[must_use]
pub fn wallet(user_id: &str, key: &str) -> Uuid {
    // A user id has no NUL, so the pair cannot be read in two ways.
    Uuid::new_v5(&WALLETS, format!("{user_id}\0{key}").as_bytes())
}

/// The settlement wallet of `currency` that lanes with `stripe` post against.
#[must_use]
pub fn settlement(currency: Currency, stripe: u8) -> Uuid {
    let mut name = [0; 4];
    name[..3].copy_from_slice(currency.code().as_bytes());
    name[3] = stripe % STRIPES;
    Uuid::new_v5(&SETTLEMENT, &name)
}

/// The revenue wallet of `currency` that lanes with `stripe` post fees to.
#[must_use]
pub fn revenue(currency: Currency, stripe: u8) -> Uuid {
    let mut name = [0; 4];
    name[..3].copy_from_slice(currency.code().as_bytes());
    name[3] = stripe % STRIPES;
    Uuid::new_v5(&REVENUE, &name)
}

/// Gives transaction ids of version 7: the millisecond of the entry, 42 bits that differ by lane,
/// and a counter. A lookup by id reads its partition off the id.
#[derive(Debug)]
pub struct TransactionIds {
    lane: u64,
    counter: u32,
}

impl TransactionIds {
    /// `lane` must be random: two lanes with the same one could, in the same millisecond, give the
    /// same id.
    #[must_use]
    pub fn new(lane: u64) -> Self {
        Self { lane, counter: 0 }
    }

    /// The next id, for an entry at `at_us`.
    pub fn next(&mut self, at_us: i64) -> Uuid {
        self.counter = self.counter.wrapping_add(1);
        let mut rest = [0; 10];
        rest[..6].copy_from_slice(&self.lane.to_be_bytes()[2..]);
        rest[6..].copy_from_slice(&self.counter.to_be_bytes());
        let millis = u64::try_from(at_us / 1_000).expect("the clock is past 1970");
        uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
    }
}

/// The microseconds, first and last, that a transaction with this id can have been posted at.
/// `None` for an id that we cannot have given.
#[must_use]
pub fn instants_of(transaction_id: Uuid) -> Option<(i64, i64)> {
    if transaction_id.get_version_num() != 7 {
        return None;
    }
    let millis = i64::try_from(transaction_id.as_u128() >> 80).expect("48 bits");
    let first = millis.checked_mul(1_000)?;
    Some((first, first.checked_add(999)?))
}

//! What a payment costs, by a schedule that has versions.
//!
//! A version counts from its instant on, by the database's clock under the wallet's lock; so all
//! tasks change over at the same moment, as long as each has the file before. Nothing is rounded
//! against the customer: parts of a minor unit are dropped.

use super::money::Currency;
use chrono::{DateTime, Utc};

/// What may cost something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chargeable {
    Withdrawal,
    Transfer,
}

/// What one kind of payment costs in one currency. Amounts are minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub of: Chargeable,
    pub currency: Currency,
    /// Hundredths of a percent of the amount, at most 10,000.
    pub basis_points: u16,
    /// Added to it.
    pub fixed: i64,
    /// The most that is charged.
    pub max: Option<i64>,
}

/// One version. What has no rate is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub version: u32,
    pub valid_from: DateTime<Utc>,
    pub rates: Vec<Rate>,
}

/// All versions, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedules(Vec<Schedule>);

/// What is wrong with a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("version {0} does not follow the one before it, or is valid from no later instant")]
    Order(u32),
    #[error("version {0} has two rates for one kind of payment and currency")]
    Twice(u32),
    #[error("version {0} has a rate that is negative or above the amount")]
    Rate(u32),
}

impl Schedules {
    /// The versions, if they are in order and make sense.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn new(schedules: Vec<Schedule>) -> Result<Self, ScheduleError> {
        let mut before: Option<&Schedule> = None;
        for schedule in &schedules {
            let version = schedule.version;
            let follows = before.is_none_or(|before| {
                version > before.version && schedule.valid_from > before.valid_from
            });
            if !follows {
                return Err(ScheduleError::Order(version));
            }
            for (place, rate) in schedule.rates.iter().enumerate() {
                let same = |other: &Rate| other.of == rate.of && other.currency == rate.currency;
                if schedule.rates.iter().take(place).any(same) {
                    return Err(ScheduleError::Twice(version));
                }
                let sane = rate.basis_points <= 10_000 && rate.fixed >= 0;
                if !sane || rate.max.is_some_and(|max| max < 0) {
                    return Err(ScheduleError::Rate(version));
                }
            }
            before = Some(schedule);
        }
        Ok(Self(schedules))
    }

    /// The version that counts at an instant, in microseconds since 1970.
    #[must_use]
    pub fn at(&self, now_us: i64) -> Option<&Schedule> {
        self.0.iter().rev().find(|schedule| schedule.valid_from.timestamp_micros() <= now_us)
    }

    /// All versions.
    #[must_use]
    pub fn all(&self) -> &[Schedule] {
        &self.0
    }

    /// What a payment of `amount` costs at an instant.
    #[must_use]
    pub fn fee(&self, of: Chargeable, currency: Currency, amount: i64, now_us: i64) -> i64 {
        let rates = self.at(now_us).map_or(&[] as &[Rate], |schedule| &schedule.rates);
        let rate = rates.iter().find(|rate| rate.of == of && rate.currency == currency);
        rate.map_or(0, |rate| rate.fee(amount))
    }
}

impl Rate {
    fn fee(&self, amount: i64) -> i64 {
        // At most 10^9 minor units of 10,000 parts each.
        let share = amount.strict_mul(i64::from(self.basis_points)) / 10_000;
        let fee = share.saturating_add(self.fixed);
        self.max.map_or(fee, |max| fee.min(max))
    }
}

#[cfg(test)]
#[path = "fee_tests.rs"]
mod tests;

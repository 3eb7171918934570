//! What an environment costs: now, this month, at the month's end, and what would make it less.
//!
//! The rate an hour is what is seen times the price book; what was billed comes from Cost Explorer
//! and carries its age. Money is in whole millionths of a dollar, never in floating point. What has
//! no price, or was not seen, makes a total unknown and never zero. Everything here is pure except
//! [`pass`], the loop that asks and remembers, and [`command`], which looks once and prints.

pub mod advice;
pub mod bill;
mod book;
pub mod budget;
pub mod command;
mod declared;
mod effect;
pub mod hours;
pub mod month;
#[cfg(test)]
mod month_tests;
pub mod page;
pub mod pass;
#[cfg(test)]
mod pass_tests;
mod rate;
#[cfg(test)]
mod rate_tests;
mod report;
mod spendings;
pub mod unusual;

pub use book::{Commitment, Covers, Item, Price, PriceBook, Source, Trust, Unit};
pub use declared::{Backups, Batch, Declared, Logs};
pub use effect::effect;
pub use rate::{Line, Rate, Sight, rate, view};
pub use spendings::Spendings;

/// A month of AWS's own calculators: 8,760 hours over twelve.
pub const HOURS_PER_MONTH: u64 = 730;

/// Dollars and cents with their sign, as `$1,204.50` or `-$0.59`.
#[must_use]
pub fn dollars(micros: i64) -> String {
    let cents = (micros.unsigned_abs() + 5_000) / 10_000;
    let whole = (cents / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if micros < 0 && cents > 0 { "-" } else { "" };
    format!("{sign}${grouped}.{:02}", cents % 100)
}

/// A measured amount that its caller knows to lie between zero and 10^15, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the caller checked that it is between zero and 10^15"
)]
pub(crate) fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// An amount as it is signed elsewhere; beyond nine trillion dollars it is the largest.
#[must_use]
pub fn signed(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_have_cents_thousands_and_a_sign() {
        #[rustfmt::skip]
        let table = [
            (0,              "$0.00"),
            (4_999,          "$0.00"),
            (-4_999,         "$0.00"),
            (5_000,          "$0.01"),
            (590_000,        "$0.59"),
            (-590_000,       "-$0.59"),
            (999_999_999,    "$1,000.00"),
            (1_204_500_000,  "$1,204.50"),
            (12_345_678_900_000, "$12,345,678.90"),
        ];
        for (micros, want) in table {
            assert_eq!(dollars(micros), want, "{micros}");
        }
    }
}

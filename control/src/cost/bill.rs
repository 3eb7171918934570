//! What AWS billed, day by day, and how much of it is settled. Pure.
//!
//! A bill is late: a day's costs are whole up to 24 hours after its end, and what is asked today
//! says little of today. So a bill is a figure with an age, and only its settled days count.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How long after its end a day may still be incomplete, by the documentation of Cost Explorer.
const SETTLES_AFTER: TimeDelta = TimeDelta::hours(24);
/// Services told apart in a day; the rest is one. Thirty-five days of nine lines of sixty bytes
/// are 19 KiB, of the 64 KiB that one event may hold.
const SERVICES_MAX: usize = 8;
const REST: &str = "everything else";

/// One day of an environment's bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BilledDay {
    pub date: NaiveDate,
    /// In millionths of a dollar; negative after a credit.
    pub micros: i64,
    pub by_service: BTreeMap<String, i64>,
}

impl BilledDay {
    /// A day of these services. `None` when the sum is beyond all money.
    #[must_use]
    pub fn of(date: NaiveDate, by_service: BTreeMap<String, i64>) -> Option<Self> {
        let micros = by_service.values().try_fold(0_i64, |sum, one| sum.checked_add(*one))?;
        let mut largest: Vec<_> = by_service.into_iter().collect();
        largest.sort_by_key(|(_, micros)| std::cmp::Reverse(micros.unsigned_abs()));
        let rest = largest.split_off(SERVICES_MAX.min(largest.len()));
        let mut by_service: BTreeMap<_, _> = largest.into_iter().collect();
        if !rest.is_empty() {
            by_service.insert(REST.to_owned(), rest.iter().map(|(_, micros)| *micros).sum());
        }
        Some(Self { date, micros, by_service })
    }

    /// The first instant after it.
    #[must_use]
    pub fn end(&self) -> DateTime<Utc> {
        midnight(self.date + Days::new(1))
    }
}

/// The start of a day. Bills are counted in UTC.
#[must_use]
pub fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// The newest bill, and when AWS gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    pub as_of: DateTime<Utc>,
    /// Oldest first. A day that AWS said nothing of is not here: it is unknown, and not free.
    pub days: Vec<BilledDay>,
}

impl Bill {
    /// The days that AWS will not add to any more.
    pub fn settled(&self) -> impl DoubleEndedIterator<Item = &BilledDay> {
        self.days.iter().filter(|day| day.end() + SETTLES_AFTER <= self.as_of)
    }

    /// What was billed from `from` on, and the first day that this does not hold. Ends at the
    /// first day that is missing. `None` when the sum is beyond all money.
    #[must_use]
    pub fn sum_from(&self, from: NaiveDate) -> Option<(i64, NaiveDate)> {
        let mut sum = 0_i64;
        let mut next = from;
        for day in self.settled().filter(|day| day.date >= from) {
            if day.date != next {
                break;
            }
            sum = sum.checked_add(day.micros)?;
            next = day.date + Days::new(1);
        }
        Some((sum, next))
    }
}

/// An amount as Cost Explorer writes it, `12.3456789012` or `1.5E-7`, in millionths, rounded half
/// away from zero. `None` when it is none.
#[must_use]
pub fn parse_micros(text: &str) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if whole.is_empty() || !all.iter().all(u8::is_ascii_digit) || !(-60..=60).contains(&exponent) {
        return None;
    }
    // Where the point is once the amount is counted in millionths.
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(6)?;
    let digit = |index: i32| -> i64 {
        let found = usize::try_from(index).ok().and_then(|index| all.get(index));
        found.map_or(0, |digit| i64::from(digit - b'0'))
    };
    let mut micros = 0_i64;
    for index in 0..point.max(0) {
        micros = micros.checked_mul(10)?.checked_add(digit(index))?;
    }
    micros = micros.checked_add(i64::from(digit(point) >= 5))?;
    Some(if negative { -micros } else { micros })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    fn day(number: u32, micros: i64) -> BilledDay {
        BilledDay::of(date(number), BTreeMap::from([("RDS".to_owned(), micros)])).unwrap()
    }

    #[test]
    fn amounts_are_read_to_a_millionth() {
        #[rustfmt::skip]
        let table = [
            ("0",               Some(0)),
            ("12.3456789012",   Some(12_345_679)),
            ("12.3456784999",   Some(12_345_678)),
            ("-0.59",           Some(-590_000)),
            ("0.0000005",       Some(1)),
            ("0.00000049",      Some(0)),
            ("1.5E-7",          Some(0)),
            ("6E-7",            Some(1)),
            ("1.25e3",          Some(1_250_000_000)),
            ("9223372036854",   Some(9_223_372_036_854_000_000)),
            ("9223372036855",   None),
            ("1e60",            None),
            ("1e999999999999",  None),
            ("",                None),
            (".5",              None),
            ("1,000",           None),
            ("12.3.4",          None),
            ("NaN",             None),
            ("--1",             None),
        ];
        for (text, want) in table {
            assert_eq!(parse_micros(text), want, "{text}");
        }
    }

    #[test]
    fn only_days_that_ended_a_day_before_the_question_count() {
        let as_of = midnight(date(5)) + TimeDelta::hours(9);
        let bill = Bill { as_of, days: (1..=5).map(|n| day(n, 10)).collect() };
        assert_eq!(bill.settled().map(|one| one.date).collect::<Vec<_>>(), [1, 2, 3].map(date));
        assert_eq!(bill.sum_from(date(1)), Some((30, date(4))));
        assert_eq!(bill.sum_from(date(3)), Some((10, date(4))));
        assert_eq!(bill.sum_from(date(4)), Some((0, date(4))), "nothing of it is settled");
    }

    #[test]
    fn a_day_that_is_missing_ends_the_sum_and_is_not_free() {
        let as_of = midnight(date(9));
        let days = vec![day(1, 10), day(2, 10), day(4, 10)];
        assert_eq!(Bill { as_of, days }.sum_from(date(1)), Some((20, date(3))));
        let days = vec![day(2, 10)];
        assert_eq!(Bill { as_of, days }.sum_from(date(1)), Some((0, date(1))));
    }

    #[test]
    fn small_services_are_one_line_and_nothing_is_lost() {
        let services = (1..=12).map(|n| (format!("s{n:02}"), n)).collect();
        let day = BilledDay::of(date(1), services).unwrap();
        assert_eq!(day.by_service.len(), SERVICES_MAX + 1);
        assert_eq!(day.by_service[REST], 1 + 2 + 3 + 4);
        assert_eq!(day.micros, 78);
    }

    #[test]
    fn a_sum_beyond_all_money_is_unknown() {
        let huge = BTreeMap::from([("a".to_owned(), i64::MAX), ("b".to_owned(), 1)]);
        assert_eq!(BilledDay::of(date(1), huge), None);
        let days = vec![day(1, i64::MAX), day(2, 1)];
        assert_eq!(Bill { as_of: midnight(date(9)), days }.sum_from(date(1)), None);
    }
}

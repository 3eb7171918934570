//! This month: what was billed, what was spent since, and what its end will have cost. Pure.
//!
//! Forecast = settled days of the bill + the live rate for the time since + the live rate for the
//! time that is left. The band says what the rate itself did lately, or what the capacity range
//! allows, and how far the bill and the live rate were apart. A bill that is too old makes all of
//! it unknown: a stale figure may be looked at, and alarms nobody.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};

use super::bill::{Bill, midnight};
use super::hours::{Hours, hour_of};
use super::signed;

/// A bill is asked for every six hours; older than this, four questions in a row failed.
pub const BILL_AGE_MAX: TimeDelta = TimeDelta::hours(26);
/// The bill is two days behind at the most when all is well, and asked for every six hours.
const UNSETTLED_MAX: TimeDelta = TimeDelta::hours(78);
/// Hours that must be known for the band to rest on them, of the last week.
const BAND_HOURS_MIN: usize = 48;
/// Hours of a day that must be known to compare it with the bill.
const DRIFT_HOURS_MIN: u64 = 20;

/// Everything that a month is made of.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub bill: Option<&'a Bill>,
    pub hours: &'a Hours,
    /// The live rate; `None` while it is not known.
    pub micros_per_hour: Option<u64>,
    /// The live rate with the fewest and the most tasks that scaling allows.
    pub range: Option<(u64, u64)>,
}

/// A forecast with its band, in millionths of a dollar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    pub micros: i64,
    pub low: i64,
    pub high: i64,
    /// What low and high are.
    pub band: String,
}

/// A month, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    pub first: NaiveDate,
    /// What is billed and settled, and the first day that it does not hold.
    pub billed: Option<(i64, NaiveDate)>,
    pub as_of: Option<DateTime<Utc>>,
    pub spent: Option<i64>,
    pub forecast: Option<Forecast>,
    pub drift_percent: Option<i64>,
    /// Why something is missing; empty when nothing is.
    pub unknown: String,
}

/// Looks at the month that holds `now`.
#[must_use]
pub fn month(known: &Known<'_>, now: DateTime<Utc>) -> Month {
    let first = first_of(now.date_naive());
    let billed = known.bill.and_then(|bill| bill.sum_from(first));
    let mut month = Month {
        first,
        billed,
        as_of: known.bill.map(|bill| bill.as_of),
        spent: None,
        forecast: None,
        drift_percent: known.bill.and_then(|bill| drift(bill, known.hours)),
        unknown: String::new(),
    };
    match spent(known, billed, now) {
        Ok(spent) => {
            month.spent = Some(spent);
            month.forecast = forecast(known, spent, month.drift_percent, now);
        }
        Err(why) => month.unknown = why,
    }
    month
}

fn first_of(date: NaiveDate) -> NaiveDate {
    date.with_day(1).expect("every month has a first day")
}

/// The settled days and the live rate since, or why that is not known.
fn spent(
    known: &Known<'_>,
    billed: Option<(i64, NaiveDate)>,
    now: DateTime<Utc>,
) -> Result<i64, String> {
    let bill = known.bill.ok_or("Cost Explorer has not answered yet")?;
    let age = now - bill.as_of;
    if age > BILL_AGE_MAX {
        return Err(format!(
            "the bill is {} h old; {} h at most",
            age.num_hours(),
            BILL_AGE_MAX.num_hours()
        ));
    }
    let (billed, until) = billed.ok_or("the bill's sum is beyond all money")?;
    if now - midnight(until) > UNSETTLED_MAX {
        return Err(format!(
            "Cost Explorer says nothing of {until}: is the tag Environment activated for cost \
             allocation?"
        ));
    }
    let rate = known.micros_per_hour.ok_or("the live rate is not known")?;
    let tail = since(known.hours, rate, midnight(until), now);
    billed.checked_add(tail).ok_or_else(|| "the sum is beyond all money".to_owned())
}

/// What `[from, to)` cost: by each hour's own rate where it is known, by the present one else.
fn since(hours: &Hours, rate: u64, from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    let mut sum = 0_i64;
    let mut at = from;
    while at < to {
        let next = (hour_of(at) + TimeDelta::hours(1)).min(to);
        let known = hours.at(hour_of(at)).and_then(super::hours::Hour::rate);
        sum = sum.saturating_add(lasting(known.unwrap_or(rate), next - at));
        at = next;
    }
    sum
}

/// A rate over a time.
fn lasting(micros_per_hour: u64, time: TimeDelta) -> i64 {
    let micros = i128::from(micros_per_hour) * i128::from(time.num_seconds()) / 3600;
    i64::try_from(micros).unwrap_or(i64::MAX)
}

/// How long the month still lasts.
#[must_use]
pub fn remaining(now: DateTime<Utc>) -> TimeDelta {
    let next = first_of(now.date_naive()) + Months::new(1);
    midnight(next) - now
}

fn forecast(
    known: &Known<'_>,
    spent: i64,
    drift_percent: Option<i64>,
    now: DateTime<Utc>,
) -> Option<Forecast> {
    let rate = known.micros_per_hour?;
    let rest = remaining(now);
    let (low, high, of) = match quantiles(known.hours, now) {
        Some((low, high)) => (low, high, "the rate's 10th to 90th percentile of the last week"),
        None => {
            let (low, high) = known.range.unwrap_or((rate, rate));
            (low, high, "the fewest to the most tasks that scaling allows")
        }
    };
    let drift = drift_percent.unwrap_or(0);
    let low = drifted(low.min(rate), drift.min(0));
    let high = drifted(high.max(rate), drift.max(0));
    let band = match drift_percent {
        Some(percent) => format!("{of}, widened by the drift of {percent:+} %"),
        None => of.to_owned(),
    };
    let end = |rate: u64| spent.saturating_add(lasting(rate, rest));
    Some(Forecast { micros: end(rate), low: end(low), high: end(high), band })
}

/// A rate and so many percent more.
fn drifted(rate: u64, percent: i64) -> u64 {
    // A bill of less than nothing is a credit, and says nothing of the rate.
    let factor = u128::try_from((100 + percent).max(0)).unwrap_or(0);
    u64::try_from(u128::from(rate) * factor / 100).unwrap_or(u64::MAX)
}

/// The 10th and 90th percentile of the last week's hours, by rank.
fn quantiles(hours: &Hours, now: DateTime<Utc>) -> Option<(u64, u64)> {
    let week = hours.since(now - TimeDelta::days(7));
    let mut rates: Vec<u64> = week.filter_map(super::hours::Hour::rate).collect();
    if rates.len() < BAND_HOURS_MIN {
        return None;
    }
    rates.sort_unstable();
    let last = rates.len() - 1;
    Some((rates[last / 10], rates[last - last / 10]))
}

/// How much more was billed on the newest settled day than the live rate said, in percent.
fn drift(bill: &Bill, hours: &Hours) -> Option<i64> {
    let day = bill.settled().next_back()?;
    let from = midnight(day.date);
    let to = midnight(day.date + Days::new(1));
    let known = hours.since(from).take_while(|hour| hour.start < to);
    let rates: Vec<u64> = known.filter_map(super::hours::Hour::rate).collect();
    let count = u64::try_from(rates.len()).ok().filter(|count| *count >= DRIFT_HOURS_MIN)?;
    let sum = rates.iter().try_fold(0_u64, |sum, rate| sum.checked_add(*rate))?;
    let live = signed(sum / count).checked_mul(24).filter(|live| *live > 0)?;
    let percent = (i128::from(day.micros) - i128::from(live)) * 100 / i128::from(live);
    i64::try_from(percent).ok()
}

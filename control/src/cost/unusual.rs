//! Spending out of the usual: a day of the bill, or a jump of the live rate. Pure.
//!
//! A day is compared with the days before it by the modified z-score of Iglewicz and Hoaglin
//! (median and median absolute deviation, limit 3.5), because one odd day among the others must not
//! hide the next. The live rate is compared with the median of the day before, and finds within an
//! hour what the bill would show in two days: a floor that somebody forgot, an instance too many.

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Severity;

use super::bill::Bill;
use super::budget::Finding;
use super::hours::{Hour, Hours};
use super::{dollars, signed};

/// Days looked back at: four weeks, so that each weekday is in it alike.
const DAYS_BACK: usize = 28;
/// With fewer days there is no usual.
const DAYS_MIN: usize = 7;
/// Less than this over the median is no news, however alike the days were.
const STEP_PERCENT_MIN: i128 = 10;
/// 0.6745 over 3.5 in ten-thousandths: the standard deviations in a median absolute one.
const Z_FACTOR: i128 = 6_745;
const Z_LIMIT: i128 = 35_000;
/// Hours that must be known of the day before.
const HOURS_MIN: usize = 12;
/// A quarter more than the day before is more than a day's own ups and downs of few tasks.
const JUMP_PERCENT_MIN: u128 = 25;

/// One finding of both: holds if either does, and is not known while one is not known and the
/// other does not hold.
#[must_use]
pub fn either(daily: Finding, jump: Finding) -> Finding {
    let holds = match (daily.holds, jump.holds) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    };
    // Each says what it found, or why it found nothing.
    let told = [daily, jump].into_iter().filter(|one| holds != Some(true) || one.holds == holds);
    let words: Vec<String> = told.map(|one| one.summary).collect();
    finding(holds, words.join("; "))
}

fn finding(holds: Option<bool>, summary: String) -> Finding {
    Finding { name: "cost-anomaly", severity: Severity::P3, holds, summary }
}

/// The newest settled day beside the days before it.
#[must_use]
pub fn daily(bill: Option<&Bill>) -> Finding {
    let mut days = bill.into_iter().flat_map(|bill| bill.settled().rev());
    let Some(newest) = days.next() else {
        return finding(None, "no day of the bill is settled".to_owned());
    };
    let before: Vec<i64> = days.take(DAYS_BACK).map(|day| day.micros).collect();
    if before.len() < DAYS_MIN {
        return finding(None, format!("{} days are too few to compare with", before.len()));
    }
    let median = median(before.iter().map(|micros| i128::from(*micros)).collect());
    let spread = before.iter().map(|micros| (i128::from(*micros) - median).abs()).collect();
    let spread = self::median(spread);
    let above = i128::from(newest.micros) - median;
    let odd = above * Z_FACTOR > Z_LIMIT * spread;
    let large = above * 100 > STEP_PERCENT_MIN * median.abs();
    let most = newest.by_service.iter().max_by_key(|(_, micros)| **micros);
    let most =
        most.map(|(service, micros)| format!("; most of it {service}, {}", dollars(*micros)));
    let summary = format!(
        "{} was billed for {}; usual is {}{}",
        dollars(newest.micros),
        newest.date,
        dollars(i64::try_from(median).unwrap_or(i64::MAX)),
        most.unwrap_or_default()
    );
    finding(Some(odd && large), summary)
}

/// The newest whole hour beside the day before it.
#[must_use]
pub fn jump(hours: &Hours, now: DateTime<Utc>) -> Finding {
    // Yesterday, the hour that is compared, and the open one.
    let recent = hours.since(now - TimeDelta::hours(26)).rev();
    let mut recent = recent.filter_map(|hour| Some((hour, hour.rate()?)));
    let newest = recent.next().filter(|(hour, _)| now - hour.start < TimeDelta::hours(3));
    let Some((newest, rate)) = newest else {
        return finding(None, "no rate of the last hours is known".to_owned());
    };
    let before: Vec<(&Hour, u64)> = recent.collect();
    if before.len() < HOURS_MIN {
        return finding(None, format!("{} hours are too few to compare with", before.len()));
    }
    let usual = median(before.iter().map(|(_, rate)| i128::from(*rate)).collect());
    let usual = u64::try_from(usual).unwrap_or(u64::MAX);
    let holds = u128::from(rate) * 100 > u128::from(usual) * (100 + JUMP_PERCENT_MIN);
    let mut tasks: Vec<u32> = before.iter().filter_map(|(hour, _)| hour.tasks_max).collect();
    tasks.sort_unstable();
    let words =
        |count: Option<u32>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    let summary = format!(
        "{}/h in the hour from {}; the day before it was {}/h; tasks {}, before {}",
        dollars(signed(rate)),
        newest.start.format("%H:%M"),
        dollars(signed(usual)),
        words(newest.tasks_max),
        words(tasks.get(tasks.len() / 2).copied()),
    );
    finding(Some(holds), summary)
}

/// The middle of an odd number of values, the upper one of the two in the middle of an even number.
fn median(mut values: Vec<i128>) -> i128 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

//! A month by its bill and its hours: what is known, what is not, and whom it alarms.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};

use super::bill::{Bill, BilledDay, midnight};
use super::budget::Finding;
use super::budget::findings;
use super::hours::{Hour, Hours};
use super::month::{BILL_AGE_MAX, Known, Month, month};
use super::unusual::{daily, either, jump};

const DOLLAR: i64 = 1_000_000;

fn date(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap()
}

fn day(date: NaiveDate, usd: i64) -> BilledDay {
    BilledDay::of(date, BTreeMap::from([("RDS".to_owned(), usd * DOLLAR)])).unwrap()
}

/// Each day up to and with `last` costs so much, as of `now`.
fn bill(from: NaiveDate, last: NaiveDate, usd: i64, now: DateTime<Utc>) -> Bill {
    let days = from.iter_days().take_while(|date| *date <= last).map(|date| day(date, usd));
    Bill { as_of: now, days: days.collect() }
}

fn hour(start: DateTime<Utc>, usd: u64) -> Hour {
    Hour {
        start,
        minutes: 60,
        micros: Some(usd * 1_000_000),
        tasks_min: Some(3),
        tasks_max: Some(3),
        tasks_mean_milli: Some(3_000),
        load_max: Some(100.0),
    }
}

/// Whole hours at these rates, the last of which ended at `now`.
fn hours(rates: &[u64], now: DateTime<Utc>) -> Hours {
    let mut hours = Hours::default();
    for (index, usd) in rates.iter().enumerate() {
        let back = i32::try_from(rates.len() - index).unwrap();
        hours.push(hour(now - TimeDelta::hours(1) * back, *usd));
    }
    hours
}

fn look(bill: Option<&Bill>, hours: &Hours, usd: Option<u64>, now: DateTime<Utc>) -> Month {
    let micros_per_hour = usd.map(|usd| usd * 1_000_000);
    let range = micros_per_hour.map(|rate| (rate - 500_000, rate + 2_000_000));
    month(&Known { bill, hours, micros_per_hour, range }, now)
}

#[test]
fn the_month_is_the_bill_then_the_live_rate_to_its_end() {
    // The 10th at noon; settled is what ended a day ago, so the 1st to the 8th.
    let now = midnight(date(11, 10)) + TimeDelta::hours(12);
    let bill = bill(date(10, 20), date(11, 10), 24, now);
    let month = look(Some(&bill), &Hours::default(), Some(1), now);
    assert_eq!(month.billed, Some((8 * 24 * DOLLAR, date(11, 9))));
    // 36 hours since the 9th began, then 12 hours and 20 days.
    assert_eq!(month.spent, Some((8 * 24 + 36) * DOLLAR));
    let forecast = month.forecast.unwrap();
    assert_eq!(forecast.micros, (8 * 24 + 36 + 12 + 20 * 24) * DOLLAR);
    let rest = 12 + 20 * 24;
    assert_eq!(forecast.low, forecast.micros - rest * DOLLAR / 2, "half a dollar an hour less");
    assert_eq!(forecast.high, forecast.micros + rest * DOLLAR * 2);
    assert_eq!(forecast.band, "the fewest to the most tasks that scaling allows");
    assert_eq!(month.unknown, "");
}

#[test]
fn hours_since_the_bill_count_with_their_own_rate() {
    let now = midnight(date(11, 10)) + TimeDelta::hours(12);
    let bill = bill(date(11, 1), date(11, 10), 24, now);
    // The last ten hours were dearer than the rate is now.
    let month = look(Some(&bill), &hours(&[5; 10], now), Some(1), now);
    assert_eq!(month.spent, Some((8 * 24 + 26 + 50) * DOLLAR));
}

#[test]
fn the_band_is_what_the_rate_did_and_how_far_the_bill_was_from_it() {
    let now = midnight(date(11, 10));
    let rates: Vec<u64> = (0..100).map(|n| if n % 5 == 0 { 4 } else { 2 }).collect();
    let hours = hours(&rates, now);
    // The 8th: 24 hours of mean 2.4 are 57.6 dollars; the bill says 72, a quarter more.
    let mut bill = bill(date(11, 1), date(11, 9), 60, now);
    bill.days[7].micros = 72 * DOLLAR;
    let month = look(Some(&bill), &hours, Some(2), now);
    let live: u64 = rates[52..76].iter().sum();
    let drift = (72 - i64::try_from(live).unwrap()) * 100 / i64::try_from(live).unwrap();
    assert_eq!(month.drift_percent, Some(drift));
    let forecast = month.forecast.unwrap();
    let rest = 21 * 24;
    let spent = month.spent.unwrap();
    assert_eq!(forecast.micros - spent, rest * 2 * DOLLAR);
    assert_eq!(forecast.low - spent, rest * 2 * DOLLAR);
    assert_eq!(forecast.high - spent, rest * 4 * DOLLAR * (100 + drift) / 100);
    assert!(forecast.band.contains("percentile"), "{}", forecast.band);
}

#[test]
fn a_month_that_cannot_be_known_says_why() {
    let now = midnight(date(11, 20));
    let good = bill(date(11, 1), date(11, 19), 24, now);
    let old = Bill { as_of: now - BILL_AGE_MAX - TimeDelta::hours(1), ..good.clone() };
    let behind = Bill { as_of: now, days: good.days[..10].to_vec() };
    let none = Bill { as_of: now, days: vec![] };
    let table = [
        (None, Some(1), "Cost Explorer has not answered yet"),
        (Some(&old), Some(1), "the bill is 27 h old; 26 h at most"),
        (Some(&behind), Some(1), "Cost Explorer says nothing of 2026-11-11"),
        (Some(&none), Some(1), "is the tag Environment activated"),
        (Some(&good), None, "the live rate is not known"),
    ];
    for (bill, usd, why) in table {
        let month = look(bill, &Hours::default(), usd, now);
        assert!(month.unknown.contains(why), "{why}: {}", month.unknown);
        assert_eq!((month.spent, month.forecast.as_ref()), (None, None), "{why}");
    }
}

#[test]
fn on_the_first_day_nothing_is_billed_and_the_rate_says_it_all() {
    let now = midnight(date(11, 1)) + TimeDelta::hours(6);
    let bill = bill(date(10, 1), date(10, 31), 24, now);
    let month = look(Some(&bill), &Hours::default(), Some(1), now);
    assert_eq!(month.billed, Some((0, date(11, 1))));
    assert_eq!(month.spent, Some(6 * DOLLAR));
    assert_eq!(month.forecast.unwrap().micros, 30 * 24 * DOLLAR);
}

/// Which findings hold, with `?` for those that are not known.
fn holding(month: &Month, budget_usd: u64) -> Vec<String> {
    let findings = findings(month, budget_usd * 1_000_000);
    let told = findings.iter().filter_map(|one| match one.holds {
        Some(true) => Some(one.name.to_owned()),
        Some(false) => None,
        None => Some(format!("{}?", one.name)),
    });
    told.collect()
}

#[test]
fn only_the_highest_threshold_that_was_reached_is_told() {
    // At noon of the 16th 12 dollars a day are spent for 15.5 days: 186; at the end 360.
    let now = midnight(date(11, 16)) + TimeDelta::hours(12);
    let bill = bill(date(11, 1), date(11, 16), 12, now);
    let mut month = look(Some(&bill), &Hours::default(), Some(1), now);
    month.spent = Some(186 * DOLLAR);
    month.forecast.as_mut().unwrap().micros = 360 * DOLLAR;
    #[rustfmt::skip]
    let table: [(u64, &[&str]); 7] = [
        (1_000, &[]),
        (373,   &[]),
        (372,   &["budget-50"]),
        (361,   &["budget-50"]),
        (360,   &["budget-50", "budget-forecast"]),
        (232,   &["budget-80", "budget-forecast"]),
        (186,   &["budget-100"]),
    ];
    for (budget, want) in table {
        assert_eq!(holding(&month, budget), want, "budget {budget}");
    }
}

/// A bill of yesterday's question must alarm nobody, and must not end an alarm either.
#[test]
fn a_stale_bill_neither_starts_nor_ends_a_budget_alert() {
    let asked = midnight(date(11, 16));
    let bill = bill(date(11, 1), date(11, 15), 1_000, asked);
    let fresh = look(Some(&bill), &Hours::default(), Some(1), asked + TimeDelta::hours(1));
    assert_eq!(holding(&fresh, 100), ["budget-100"]);
    let stale = look(Some(&bill), &Hours::default(), Some(1), asked + TimeDelta::hours(30));
    assert_eq!(
        holding(&stale, 100),
        ["budget-50?", "budget-80?", "budget-100?", "budget-forecast?"]
    );
    let summary = &findings(&stale, 1)[0].summary;
    assert_eq!(summary, "spent this month: is not known: the bill is 30 h old; 26 h at most");
}

#[test]
fn a_day_out_of_the_usual_is_found_and_an_odd_week_hides_nothing() {
    let now = midnight(date(11, 28));
    let base = bill(date(11, 1), date(11, 26), 100, now);
    let with = |changes: &[(u32, i64)]| {
        let mut bill = base.clone();
        for (number, usd) in changes {
            bill.days[usize::try_from(*number).unwrap() - 1] = day(date(11, *number), *usd);
        }
        daily(Some(&bill))
    };
    assert_eq!(with(&[]).holds, Some(false));
    assert_eq!(with(&[(26, 109)]).holds, Some(false), "nine percent is no news");
    assert_eq!(with(&[(26, 112)]).holds, Some(true));
    assert_eq!(with(&[(26, 40)]).holds, Some(false), "cheaper is no alarm");
    // Ups and downs of twenty dollars make twelve more usual.
    let noisy: Vec<_> = (1..26).map(|n| (n, if n % 2 == 0 { 80 } else { 120 })).collect();
    assert_eq!(with(&[noisy.clone(), vec![(26, 130)]].concat()).holds, Some(false));
    assert_eq!(with(&[noisy, vec![(26, 300)]].concat()).holds, Some(true));
    let odd_before = with(&[(20, 500), (22, 500), (26, 200)]);
    assert_eq!(odd_before.holds, Some(true), "the median forgives two odd days");
    assert!(odd_before.summary.contains("$200.00 was billed for 2026-11-26; usual is $100.00"));
}

#[test]
fn few_days_or_none_are_no_usual() {
    assert_eq!(daily(None).holds, None);
    let now = midnight(date(11, 9));
    let few = bill(date(11, 1), date(11, 7), 100, now);
    assert_eq!((few.settled().count(), daily(Some(&few)).holds), (7, None));
    let now = midnight(date(11, 10));
    assert_eq!(daily(Some(&bill(date(11, 1), date(11, 8), 100, now))).holds, Some(false));
}

#[test]
fn a_floor_that_was_forgotten_shows_within_an_hour() {
    let now = midnight(date(11, 10));
    let mut rates = vec![4; 24];
    assert_eq!(jump(&hours(&rates, now), now).holds, Some(false));
    rates.push(5);
    assert_eq!(jump(&hours(&rates, now), now).holds, Some(false), "exactly a quarter");
    rates.pop();
    rates.push(6);
    let finding = jump(&hours(&rates, now), now);
    assert_eq!(finding.holds, Some(true));
    assert_eq!(
        finding.summary,
        "$6.00/h in the hour from 23:00; the day before it was $4.00/h; tasks 3, before 3"
    );
    assert_eq!(jump(&hours(&[4; 12], now), now).holds, None, "eleven hours are too few");
    let silent = jump(&hours(&rates, now - TimeDelta::hours(3)), now);
    assert_eq!(silent.holds, None, "the last hours are not known");
}

#[test]
fn one_finding_tells_of_both_and_an_unknown_one_ends_nothing() {
    let one = |holds| Finding { holds, summary: format!("{holds:?}"), ..daily(None) };
    let (yes, no, unknown) = (Some(true), Some(false), None);
    #[rustfmt::skip]
    let table = [
        (yes,     no,      yes,     "Some(true)"),
        (no,      yes,     yes,     "Some(true)"),
        (unknown, yes,     yes,     "Some(true)"),
        (no,      no,      no,      "Some(false); Some(false)"),
        (unknown, no,      unknown, "None; Some(false)"),
        (no,      unknown, unknown, "Some(false); None"),
        (unknown, unknown, unknown, "None; None"),
    ];
    for (day, rate, want, words) in table {
        let got = either(one(day), one(rate));
        assert_eq!((got.holds, got.summary.as_str()), (want, words), "{day:?}, {rate:?}");
    }
}

/// Bills, hours and instants by seed: sums never wrap, the band holds the forecast, and a month
/// is unknown exactly when it says why.
#[test]
fn whatever_is_known_the_band_holds_the_forecast() {
    use rand::{Rng, SeedableRng};
    for seed in 0..500 {
        let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let now = midnight(date(11, 1)) + TimeDelta::seconds(chance.random_range(0..30 * 86_400));
        let from = now.date_naive() - Days::new(chance.random_range(0..40));
        let mut bill =
            bill(from, now.date_naive(), 1, now - TimeDelta::hours(chance.random_range(0..40)));
        for one in &mut bill.days {
            one.micros = chance.random_range(-5 * DOLLAR..1_000 * DOLLAR);
        }
        bill.days.retain(|_| chance.random_range(0..20) > 0);
        let mut known = Hours::default();
        for back in (1..chance.random_range(2..200)).rev() {
            let start = super::hours::hour_of(now) - TimeDelta::hours(1) * back;
            known.push(hour(start, chance.random_range(0..9)));
        }
        let usd = chance.random_bool(0.9).then(|| chance.random_range(1..9));
        let month = look(Some(&bill), &known, usd, now);
        assert_eq!(month.spent.is_some(), month.unknown.is_empty(), "seed {seed}");
        assert_eq!(month.first.day(), 1, "seed {seed}");
        if let Some(one) = &month.forecast {
            assert!(one.low <= one.micros && one.micros <= one.high, "seed {seed}: {one:?}");
            assert!(one.micros >= month.spent.unwrap(), "seed {seed}: {one:?}");
        }
    }
}

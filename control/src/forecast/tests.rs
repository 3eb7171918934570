//! The forecast on four weeks of invented load: what it leaves out, what it chooses, where it
//! stops. The series are made from a seed.

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::history::{HISTORY, POINT};
use super::{naive, *};
use crate::fleet::samples::second;

fn settings() -> Settings {
    Settings { lead: TimeDelta::minutes(15), coverage: 0.95, per_task: 100.0, zone: Tz::UTC }
}

/// A day that peaks at noon, weekends at half of it, and noise.
fn load(hour: i64, rng: &mut ChaCha8Rng) -> f64 {
    let day = std::f64::consts::TAU * (hour % 24) as f64 / 24.0;
    let weekend = if (hour / 24) % 7 >= 5 { 0.5 } else { 1.0 };
    (500.0 - 300.0 * day.cos()) * weekend * rng.random_range(0.98..1.02)
}

/// Points each five minutes over the four weeks before `now`.
fn points(now: DateTime<Utc>, shape: impl Fn(i64, f64) -> f64) -> Vec<(DateTime<Utc>, f64)> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let start = now - HISTORY;
    let count = HISTORY.num_minutes() / POINT.num_minutes();
    let value = |n: i64, rng: &mut ChaCha8Rng| shape(n / 12, load(n / 12, rng));
    (0..count).map(|n| (start + POINT * i32::try_from(n).unwrap(), value(n, &mut rng))).collect()
}

fn now() -> DateTime<Utc> {
    second(0)
}

fn learn(points: &[(DateTime<Utc>, f64)], masks: &[Interval]) -> Forecast {
    forecast(&Hourly::of(points, masks, Tz::UTC, now()), &settings())
}

#[test]
fn an_ordinary_load_is_foretold_by_the_week_before_and_covered() {
    let forecast = learn(&points(now(), |_, load| load), &[]);
    assert_ne!(forecast.choice, Choice::None, "{}", forecast.why);
    assert!(forecast.naive_error_percent.unwrap() < 5.0, "{forecast:?}");
    assert!(forecast.coverage_percent.unwrap() >= 90.0, "{forecast:?}");
    assert_eq!(forecast.hours_known, 672);
    assert_eq!(forecast.hours.len(), 48);
    // The first hour is a midnight: 200/s, and a little more is planned for.
    let first = forecast.hours[0].unwrap();
    assert!((190.0..230.0).contains(&first.planned), "{first:?}");
    // A quarter of an hour before eleven o'clock, the floor is that of eleven.
    let at = |minutes| forecast.floor(&settings(), now() + TimeDelta::minutes(minutes)).unwrap();
    assert!(at(10 * 60 + 45).0 > at(10 * 60 + 44).0, "the lead");
    assert_eq!(at(10 * 60 + 45).1, now() + TimeDelta::hours(11));
    assert_eq!(forecast.floor(&settings(), now() + TimeDelta::hours(48)), None, "it has ended");
    assert_eq!(forecast.floor(&settings(), now() - TimeDelta::hours(1)), None, "not yet begun");
}

/// A drill six days ago sent ten times the load for an hour. Told of it, the forecast is as if it
/// had not been; not told, it plans for it again.
#[test]
fn a_forecast_trained_on_a_drill_day_does_not_plan_for_the_drill() {
    let drill = 672 - 6 * 24 + 10;
    let spiked = points(now(), |hour, load| if hour == drill { load * 10.0 } else { load });
    let from = now() - HISTORY + TimeDelta::hours(drill);
    let mask = Interval { from, to: from + TimeDelta::hours(1) };
    let plain = learn(&points(now(), |_, load| load), &[]);
    let masked = learn(&spiked, &[mask]);
    let misled = learn(&spiked, &[]);
    let peak = |forecast: &Forecast| {
        forecast.hours.iter().flatten().map(|hour| hour.planned).fold(0.0, f64::max)
    };
    assert_eq!((masked.hours_masked, masked.hours_known), (1, 671));
    assert!((peak(&masked) / peak(&plain) - 1.0).abs() < 0.1, "{} {}", peak(&masked), peak(&plain));
    assert!(peak(&misled) > 2.0 * peak(&plain), "the test itself: an unmasked spike misleads");
}

#[test]
fn gaps_are_unknown_and_never_zero() {
    // Two days are missing, and one hour has too few points.
    let gone = |hour: i64| (300..348).contains(&hour);
    let mut sparse = points(now(), |_, load| load);
    let hour_of = |at: DateTime<Utc>| (at - (now() - HISTORY)).num_hours();
    sparse.retain(|(at, _)| !gone(hour_of(*at)));
    let minute = |at: DateTime<Utc>| (at - (now() - HISTORY)).num_minutes() % 60;
    sparse.retain(|(at, _)| hour_of(*at) != 400 || minute(*at) < 25);
    let history = Hourly::of(&sparse, &[], Tz::UTC, now());
    assert_eq!(history.known(), 672 - 48 - 1);
    assert_eq!(history.masked, 0, "nobody masked them, they are missing");
    assert!(history.values[300..348].iter().all(Option::is_none));
    let forecast = forecast(&history, &settings());
    assert_ne!(forecast.choice, Choice::None, "{}", forecast.why);
    let whole = learn(&points(now(), |_, load| load), &[]);
    for (hour, (with, without)) in whole.hours.iter().zip(&forecast.hours).enumerate() {
        let (with, without) = (with.unwrap().expected, without.unwrap().expected);
        assert!((without / with - 1.0).abs() < 0.15, "hour {hour}: {with} {without}");
    }
}

/// A load that grows by a fifth each week is what the week before gets wrong and a trend gets
/// right: the model wins its place.
#[test]
fn the_model_is_used_where_it_wins() {
    let growth = |hour: i64| 1.2f64.powf(hour as f64 / 168.0);
    let grown = learn(&points(now(), |hour, load| load * growth(hour)), &[]);
    assert_eq!(grown.choice, Choice::Model, "{}", grown.why);
    assert!(grown.model_error_percent < grown.naive_error_percent);
}

/// The last week was nearly twice the weeks before. A margin that covers that error on top of the
/// new load would buy nearly twice as many again; the cap stops it.
#[test]
fn a_margin_that_runs_away_ends_at_the_cap() {
    let leapt = points(now(), |hour, load| if hour >= 672 - 168 { load * 1.9 } else { load });
    let history = Hourly::of(&leapt, &[], Tz::UTC, now());
    let forecast = forecast(&history, &settings());
    assert_ne!(forecast.choice, Choice::None, "{}", forecast.why);
    let peak = forecast.hours.iter().flatten().map(|hour| hour.planned).fold(0.0, f64::max);
    let cap = history.max().unwrap() * 1.5;
    assert!((peak - cap).abs() < 1e-9, "{peak} is stopped by {cap}");
}

#[test]
fn a_load_that_does_not_repeat_itself_is_not_foretold() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let noise: Vec<f64> = (0..672).map(|_| 10.0f64.powf(rng.random_range(0.5..3.0))).collect();
    let forecast = learn(&points(now(), |hour, _| noise[usize::try_from(hour).unwrap()]), &[]);
    assert_eq!(forecast.choice, Choice::None, "{}", forecast.why);
    assert_eq!(forecast.floor(&settings(), now()), None);
    assert!(forecast.why.starts_with("the load does not repeat itself"), "{}", forecast.why);
    assert_eq!(forecast.view(&settings(), now()).in_use, "none");
}

#[test]
fn too_little_history_is_no_forecast() {
    for days in [0, 1, 13] {
        let from = now() - TimeDelta::days(days);
        let few: Vec<_> =
            points(now(), |_, load| load).into_iter().filter(|(at, _)| *at >= from).collect();
        let forecast = learn(&few, &[]);
        assert_eq!(forecast.choice, Choice::None, "{days} days: {}", forecast.why);
        assert_eq!(forecast.why, "less than two weeks of history are known");
        assert_eq!(forecast.floor(&settings(), now()), None);
    }
    let from = now() - TimeDelta::days(15);
    let two_weeks: Vec<_> =
        points(now(), |_, load| load).into_iter().filter(|(at, _)| *at >= from).collect();
    let forecast = learn(&two_weeks, &[]);
    assert_eq!(forecast.choice, Choice::Naive, "{}", forecast.why);
    assert_eq!(forecast.model_error_percent, None, "a model needs three weeks");
}

/// Midnight in Madrid, on a day of the year in which its clock changes.
fn madrid(year: i32, month: u32, day: u32) -> DateTime<Utc> {
    let midnight = NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(0, 0, 0).unwrap();
    midnight.and_local_timezone(Tz::Europe__Madrid).unwrap().to_utc()
}

/// Four weeks of people who live by Madrid's clock: 900/s from eight to ten, else 100/s.
fn mornings(now: DateTime<Utc>) -> Vec<(DateTime<Utc>, f64)> {
    let load = |at: DateTime<Utc>| {
        let hour = at.with_timezone(&Tz::Europe__Madrid).hour();
        if (8..10).contains(&hour) { 900.0 } else { 100.0 }
    };
    let count = i32::try_from(HISTORY.num_minutes() / POINT.num_minutes()).unwrap();
    let start = now - HISTORY;
    (0..count).map(|n| start + POINT * n).map(|at| (at, load(at))).collect()
}

/// Says where each hour is not foretold as Madrid has it.
fn wrong(now: DateTime<Utc>, hours: &[Option<f64>]) -> Vec<String> {
    let told = (0..).zip(hours).map(|(ahead, expected)| {
        let local = (now + TimeDelta::hours(ahead)).with_timezone(&Tz::Europe__Madrid);
        (local, expected.unwrap(), (8..10).contains(&local.hour()))
    });
    let missed = told.filter(|(_, expected, busy)| (*expected > 500.0) != *busy);
    missed.map(|(local, expected, _)| format!("made at {now}, for {local}: {expected}")).collect()
}

/// Madrid's clock went forward on 29 March 2026 and back on 25 October 2026. Whether the change is
/// among the weeks that are looked back on, or in the hours to come, the morning is where people
/// have it.
#[test]
fn a_morning_is_foretold_where_the_clock_on_the_wall_has_it() {
    for (month, change) in [(3, 29), (10, 25)] {
        for hours in (-48..120).step_by(6).chain(-3..6) {
            let now = madrid(2026, month, change) + TimeDelta::hours(hours);
            let history = Hourly::of(&mornings(now), &[], Tz::Europe__Madrid, now);
            let week_before = naive::forecast(history.since_known(), 51);
            let ahead = history.ahead(&week_before, 48);
            assert_eq!(ahead.len(), 48);
            assert_eq!(wrong(now, &ahead), [] as [String; 0]);
        }
    }
    let now = madrid(2026, 4, 3);
    let settings = Settings { zone: Tz::Europe__Madrid, ..settings() };
    let forecast = forecast(&Hourly::of(&mornings(now), &[], settings.zone, now), &settings);
    assert_ne!(forecast.choice, Choice::None, "{}", forecast.why);
    let expected: Vec<_> = forecast.hours.iter().map(|hour| Some((*hour)?.expected)).collect();
    assert_eq!((forecast.start, expected.len()), (now, 48));
    assert_eq!(wrong(now, &expected), [] as [String; 0]);
}

/// The same weeks by a clock that does not change: a week after the change the morning is missed.
#[test]
fn by_another_clock_the_morning_after_a_change_is_missed() {
    let now = madrid(2026, 3, 30);
    let history = Hourly::of(&mornings(now), &[], Tz::UTC, now);
    let forecast = forecast(&history, &settings());
    let eight = forecast.hours[8].unwrap();
    assert!(eight.expected < 500.0, "the test itself: {eight:?}");
}

#[test]
fn an_hour_that_is_skipped_is_unknown_and_one_that_is_repeated_is_one() {
    for (after, hours, known) in [(madrid(2026, 3, 30), 673, 672), (madrid(2026, 10, 26), 671, 671)]
    {
        let history = Hourly::of(&mornings(after), &[], Tz::Europe__Madrid, after);
        assert_eq!((history.values.len(), history.known()), (hours, known), "{after}");
    }
}

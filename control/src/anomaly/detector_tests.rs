//! The detector on invented series, each with one thing to find or to leave alone.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Detector, Verdict};

const STEP_S: i64 = 300;
const DAY: usize = 288;

/// Requests over some days: calm nights, busy noons, noise, and a job each day at step 36.
fn requests(seed: u64, days: usize) -> Vec<Option<f64>> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let value = |step: usize| {
        let hour = f64::from(u32::try_from(step % DAY).unwrap()) / 12.0;
        let rhythm = 500.0 - 400.0 * (hour * std::f64::consts::TAU / 24.0).cos();
        let job = if step % DAY == 36 { 900.0 } else { 0.0 };
        Some(rhythm + job + chance.random_range(-40.0..40.0))
    };
    (0..days * DAY).map(value).collect()
}

fn verdicts(series: &[Option<f64>]) -> Vec<Verdict> {
    let mut detector = Detector::new(STEP_S);
    (0..).zip(series).map(|(step, value)| detector.observe(step, *value)).collect()
}

fn unusual(series: &[Option<f64>]) -> Vec<usize> {
    let verdicts = verdicts(series);
    let found = verdicts.iter().enumerate();
    found.filter(|(_, v)| matches!(v, Verdict::Unusual { .. })).map(|(step, _)| step).collect()
}

#[test]
fn a_rhythm_with_a_nightly_job_is_usual() {
    for seed in 0..3 {
        let found = unusual(&requests(seed, 28));
        // One in 2,000 is the chance that is accepted; 28 days have 8,064 points.
        assert!(found.len() <= 4, "seed {seed}: {found:?}");
    }
}

#[test]
fn what_leaves_the_rhythm_is_found_at_once() {
    type Change = fn(f64) -> f64;
    let table: [(&str, Change); 4] = [
        ("twice the load", |value| value * 2.0 + 200.0),
        ("an outage", |_| 0.0),
        ("the job at another hour", |value| value + 900.0),
        ("a counter that went mad", |_| 1e12),
    ];
    for (why, change) in table {
        for seed in 0..2 {
            let mut series = requests(seed, 16);
            let at = 15 * DAY + 144;
            series[at] = series[at].map(change);
            assert!(unusual(&series).contains(&at), "{why}, seed {seed}");
        }
    }
}

/// The value that a whole day has at noon is usual at noon only.
#[test]
fn a_value_is_judged_by_its_hour() {
    for seed in 0..3 {
        let mut series = requests(seed, 17);
        let noon = series[15 * DAY + 144];
        let night = 16 * DAY + 6;
        series[night] = noon;
        let found = unusual(&series);
        assert!(found.contains(&night) && !found.contains(&(15 * DAY + 144)), "seed {seed}");
    }
}

#[test]
fn a_gap_is_unknown_and_never_unusual() {
    let mut series = requests(1, 20);
    series[16 * DAY..17 * DAY].fill(None);
    let verdicts = verdicts(&series);
    assert!(verdicts[16 * DAY..17 * DAY].iter().all(|verdict| *verdict == Verdict::Unknown));
    let after = &verdicts[17 * DAY..18 * DAY];
    let usual = after.iter().filter(|verdict| **verdict == Verdict::Usual).count();
    assert!(usual >= DAY - 2, "the day after a lost day is judged as any: {usual}");
}

#[test]
fn steps_that_were_left_out_are_a_gap_too() {
    let series = requests(2, 20);
    let mut detector = Detector::new(STEP_S);
    for (step, value) in (0..).zip(&series) {
        if (16 * DAY..17 * DAY).contains(&usize::try_from(step).unwrap()) {
            continue;
        }
        let verdict = detector.observe(step, *value);
        let late = usize::try_from(step).unwrap() == 18 * DAY;
        assert!(!late || verdict == Verdict::Usual, "{verdict:?}");
    }
    assert_eq!(detector.observe(10, Some(1e9)), Verdict::Unknown, "the past is not judged again");
}

#[test]
fn nothing_is_unusual_before_enough_was_seen() {
    let mut series = requests(3, 4);
    series[3 * DAY] = Some(1e9);
    let verdicts = verdicts(&series);
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Unknown));
}

/// No number in the detector is in the unit of a series.
#[test]
fn the_unit_of_a_series_does_not_matter() {
    let mut series = requests(4, 20);
    series[15 * DAY] = Some(2_000.0);
    let plain = unusual(&series);
    for (scale, offset) in [(1e-6, 0.0), (1e6, 0.0), (1.0, 1e6)] {
        let other: Vec<_> =
            series.iter().map(|value| value.map(|value| value * scale + offset)).collect();
        assert_eq!(unusual(&other), plain, "scale {scale}, offset {offset}");
    }
}

/// What is known of the future changes nothing about the past.
#[test]
fn a_verdict_depends_on_what_came_before_only() {
    let series = requests(5, 20);
    let cut = 17 * DAY;
    assert_eq!(verdicts(&series)[..cut], verdicts(&series[..cut]));
}

#[test]
fn a_surprise_that_repeats_stops_being_one() {
    let mut series = requests(6, 24);
    for day in 15..24 {
        series[day * DAY + 200] = Some(3_000.0);
    }
    let found = unusual(&series);
    let repeats: Vec<_> = found.iter().filter(|step| *step % DAY == 200).collect();
    assert_eq!(repeats, [&(15 * DAY + 200)]);
}

//! Objectives over a CloudWatch that is a value.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::history::{Counts, History};
use super::watch::Watch;
use super::{Burn, BurnLimit, Slo, budget_left, burn, burning};
use crate::alert::rule::Verdict;
use crate::app::Live;
use crate::aws::Cloud;
use crate::aws::sample::SampleCloud;
use crate::config::read_environments;
use crate::driver::Pass;
use crate::fleet::samples::second;
use crate::metrics::Metrics;

fn minute(n: i64) -> DateTime<Utc> {
    second(n * 60)
}

fn slo() -> Slo {
    Slo {
        name: "availability".to_owned(),
        total: "requests".to_owned(),
        bad: "errors".to_owned(),
        budget: 0.001,
        window: TimeDelta::days(30),
        requests_min: 100.0,
    }
}

/// An hour of minutes: 100 requests each, and so many bad ones in the last ten and before.
fn history(bad_before: f64, bad_last: f64, known: impl Fn(i64) -> bool) -> History {
    let number = |n: i64| minute(n).timestamp() / 60;
    let bad = |n: i64| if n >= 50 { bad_last } else { bad_before };
    let buckets = (0..60).filter(|n| known(*n));
    let buckets = buckets.map(|n| (number(n), Counts { total: 100.0, bad: bad(n) })).collect();
    History {
        minutes: BTreeMap::from([("availability".to_owned(), buckets)]),
        ..History::default()
    }
}

#[test]
fn a_page_needs_a_long_and_a_short_window_that_both_burn() {
    let limit = BurnLimit { factor: 14.4, long: TimeDelta::hours(1), short: TimeDelta::minutes(5) };
    let all = |_: i64| true;
    #[rustfmt::skip]
    let table = [
        ("calm",                        history(0.0, 0.0, all),             Verdict::Clear),
        ("2 % bad all the hour",        history(2.0, 2.0, all),             Verdict::Holds),
        ("just above the limit",        history(1.45, 1.45, all),           Verdict::Holds),
        ("over already",                history(3.0, 0.0, all),             Verdict::Clear),
        ("only just begun",             history(0.0, 5.0, all),             Verdict::Clear),
        ("half of the hour is unknown", history(2.0, 2.0, |n| n >= 30),     Verdict::Holds),
        ("more than half is unknown",   history(2.0, 2.0, |n| n >= 31),     Verdict::Unknown),
        ("the short one is unknown",    history(2.0, 2.0, |n| n < 55),      Verdict::Unknown),
        ("the long one proves calm",    history(0.0, 0.0, |n| n < 55),      Verdict::Clear),
        ("nothing is known",            history(2.0, 2.0, |_| false),       Verdict::Unknown),
    ];
    for (why, history, want) in table {
        let finding = burning(&slo(), &history, &limit, minute(60));
        assert_eq!(finding.verdict, want, "{why}: {}", finding.text);
    }
}

#[test]
fn few_requests_burn_nothing_whatever_share_of_them_is_bad() {
    let mut history = History::default();
    let number = minute(58).timestamp() / 60;
    let three = (0..5).map(|n| (number - n, Counts { total: 0.6, bad: 0.6 })).collect();
    history.minutes.insert("availability".to_owned(), three);
    let burn = burn(&slo(), &history, TimeDelta::minutes(5), minute(60));
    assert!(matches!(burn, Burn::Quiet { .. }), "{burn:?}");
}

#[test]
fn the_words_say_both_windows_the_limit_and_what_is_unknown() {
    let limit = BurnLimit { factor: 6.0, long: TimeDelta::hours(1), short: TimeDelta::minutes(5) };
    let finding = burning(&slo(), &history(2.0, 2.0, |n| n >= 15), &limit, minute(60));
    assert_eq!(
        finding.text,
        "availability burns 20.0x (75 % of it known) over 1h and 20.0x over 5m; limit 6"
    );
}

#[test]
fn what_is_left_of_a_budget_can_be_less_than_nothing() {
    let hour =
        |n: i64| (minute(60).timestamp() / 3_600 - 1 - n, Counts { total: 1_000.0, bad: 0.5 });
    let of = |hours: i64, bad: f64| {
        let buckets = (0..hours).map(hour).map(|(n, counts)| (n, Counts { bad, ..counts }));
        let hours = BTreeMap::from([("availability".to_owned(), buckets.collect())]);
        budget_left(&slo(), &History { hours, ..History::default() }, minute(60))
    };
    assert_eq!(of(720, 0.5), Some(0.5));
    assert_eq!(of(720, 2.0), Some(-1.0));
    assert_eq!(of(300, 0.5), None, "less than half of the month is known");
}

fn live() -> Arc<Live> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
    let mut wanted = read_environments(&[file]).unwrap().remove(0);
    wanted.slos = vec![slo()];
    Arc::new(Live::new(wanted, second(0)))
}

#[tokio::test]
async fn counts_are_read_back_after_a_start_and_unknown_minutes_stay_unknown() {
    let cloud = Arc::new(SampleCloud::with_tasks(3));
    let requests: Vec<_> = (0..60).map(|n| (minute(n), 100.0)).collect();
    // Errors are published only where there were some: the signal's rule makes the rest zero.
    let errors = vec![(minute(58), 5.0)];
    let points = BTreeMap::from([("Requests", requests), ("Errors", errors)]);
    *cloud.points.lock().unwrap() = Some(points);
    let live = live();
    let shared: Arc<dyn Cloud> = Arc::<SampleCloud>::clone(&cloud);
    let mut watch = Watch::new(Arc::clone(&live), shared, Arc::new(Metrics::new()));
    watch.pass(minute(60)).await.unwrap();
    let history = live.history.borrow().clone();
    let (counts, known) = history.over("availability", TimeDelta::minutes(5), minute(60));
    assert_eq!((counts, known), (Counts { total: 500.0, bad: 5.0 }, 1.0));
    let (_, known) = history.over("availability", TimeDelta::hours(6), minute(60));
    assert_eq!(known, 60.0 / 360.0, "five hours before the first point are not known");

    // Publishing stops: the window empties, and says so.
    watch.pass(minute(70)).await.unwrap();
    let history = live.history.borrow().clone();
    let (_, known) = history.over("availability", TimeDelta::minutes(5), minute(70));
    assert_eq!(known, 0.0);
}

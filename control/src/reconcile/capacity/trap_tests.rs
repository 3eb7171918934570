//! The ways in which others lose tasks or flap, played through: silence, stale and partial
//! answers, loads on the edge, a clock that jumps.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::decide::{Because, Observed, decide};
use super::samples::{observed, policy};
use super::{Boost, Policy, Rise};
use crate::aws::{Completeness, Series};
use crate::fleet::samples::second;
use crate::readings::derive::{Book, Counted};
use crate::readings::{Absence, Sample, Signal};

/// A world with one constant load, measured as tasks really run, decided every point.
struct World {
    policy: Policy,
    cpu_total: f64,
    requests_total: f64,
    desired: u32,
    running: u32,
    /// Points until starting tasks run.
    start_points: u32,
    starting: u32,
    seen: Observed,
    now: DateTime<Utc>,
    changes: Vec<u32>,
}

impl World {
    fn new(policy: Policy, cpu_total: f64, requests_total: f64, tasks: u32, delay: u32) -> Self {
        let seen = observed(tasks, &[], &[]);
        Self {
            policy,
            cpu_total,
            requests_total,
            desired: tasks,
            running: tasks,
            start_points: delay,
            starting: 0,
            seen,
            now: second(0),
            changes: vec![],
        }
    }

    fn point(&mut self) {
        self.now += TimeDelta::seconds(20);
        if self.starting > 0 {
            self.starting -= 1;
        }
        if self.starting == 0 {
            self.running = self.desired;
        }
        for (name, total) in
            [("cpu_percent", self.cpu_total), ("requests_per_task", self.requests_total)]
        {
            let value = total / f64::from(self.running);
            let value = if name == "cpu_percent" { value.min(100.0) } else { value };
            let slots = &mut self.seen.windows.get_mut(name).unwrap().slots;
            slots.insert(0, Some(Sample { value, tasks: self.running }));
            slots.truncate(45);
        }
        self.seen.current = Some(self.desired);
        self.seen.seen_at = Some(self.now);
        self.seen.past.notice(Some(self.desired), self.now);
        let decision = decide(&self.policy, &self.seen, self.now);
        self.seen.past.decided(&decision, self.now);
        if decision.to != self.desired {
            self.changes.push(decision.to);
            if decision.to > self.desired {
                self.starting = self.start_points;
            } else {
                self.running = decision.to.min(self.running);
            }
            self.seen.past.changed(self.desired, decision.to, self.now);
            self.desired = decision.to;
        }
    }

    fn points(&mut self, count: u32) {
        for _ in 0..count {
            self.point();
        }
    }
}

#[test]
fn the_load_on_which_plus_minus_one_rules_flap_for_ever_changes_once() {
    let policy = Policy { tasks_max: 9, ..policy() };
    let mut world = World::new(policy, 366.0, 600.0, 6, 2);
    world.points(360);
    assert_eq!(world.changes, [7], "two hours at 366 CPU points from 6 tasks");
}

/// Constant loads over the whole range that 3 to 9 tasks can carry, from every size: the size
/// moves in one direction only, ends where no target is exceeded, and then rests. From the size
/// of a neighbouring load it takes at most two changes.
#[test]
fn a_constant_load_never_makes_the_size_flap() {
    let policy = Policy { tasks_max: 9, ..policy() };
    for load in (60..=540).step_by(4) {
        let load = f64::from(load);
        for start in 3..=9 {
            for delay in [0, 3] {
                let mut world = World::new(policy.clone(), load, 600.0, start, delay);
                world.points(160);
                let settled = world.changes.len();
                let path: Vec<u32> = [start].into_iter().chain(world.changes.clone()).collect();
                world.points(40);
                let case = format!("load {load} from {start}, starting takes {delay}: {path:?}");
                assert_eq!(world.changes.len(), settled, "moves for ever: {case}");
                assert!(path.is_sorted() || path.iter().rev().is_sorted(), "turns back: {case}");
                let value = load / f64::from(world.desired);
                assert!(value <= 60.0 + 1e-9 || world.desired == 9, "too small: {case}");
                if start.abs_diff(world.desired) <= 2 {
                    assert!(settled <= 2, "{settled} changes: {case}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The same for any sizes, targets, bands, loads of both kinds, starting times and boosts:
    /// at most two changes upwards, and none downwards after one upwards.
    #[test]
    fn no_constant_load_on_any_size_makes_it_turn(
        load in 1.0f64..6000.0,
        requests in 0.0f64..60_000.0,
        start in 1u32..120,
        delay in 0u32..8,
        target in 20.0f64..90.0,
        band in 0.02f64..0.4,
        boost in proptest::bool::ANY,
    ) {
        let rise = Rise { share: 0.3, periods: 3.0 };
        let boost = boost
            .then_some(Boost { error_percent: None, p95_ms: None, add: 0.5, rise: Some(rise) });
        let mut policy = Policy { tasks_min: 1, tasks_max: 120, band, boost, ..policy() };
        policy.targets[0].value = target;
        // A CPU that is full says no more than that: such a load is found in steps.
        let saturated = load / f64::from(start) >= 100.0;
        let mut world = World::new(policy, load, requests, start, delay);
        world.points(3000);
        let path: Vec<u32> = [start].into_iter().chain(world.changes.clone()).collect();
        prop_assert!(path.is_sorted() || path.iter().rev().is_sorted(), "turns back: {path:?}");
        if path.is_sorted() && !saturated {
            // A limited step doubles the size at most, or adds four.
            let mut reached = start;
            let steps = (1..).find(|_| {
                reached += reached.max(4);
                reached >= world.desired
            });
            prop_assert!(world.changes.len() <= steps.unwrap_or(0) + 1, "{path:?}");
        }
        let settled = world.changes.len();
        world.points(200);
        prop_assert_eq!(world.changes.len(), settled, "moves for ever");
    }
}

/// Publishing stops for ten minutes at 80 % load: no task goes, whatever the last points said.
#[test]
fn missing_data_never_removes_a_task() {
    for value in [20.0, 48.0, 80.0] {
        let mut seen = observed(9, &[value; 45], &[50.0; 45]);
        for missing in 1..=30 {
            for window in seen.windows.values_mut() {
                window.slots.insert(0, None);
            }
            let now = second(missing * 20);
            seen.seen_at = Some(now);
            let decision = decide(&policy(), &seen, now);
            assert_eq!(decision.action(), "hold", "after {missing} missing points");
            assert_eq!(decision.because, Because::Unknown, "{decision:?}");
        }
    }
}

/// What CloudWatch answered, through the readings, to the decision.
fn decided_from(completeness: Completeness, newest_ago: i64) -> super::decide::Decision {
    let signal = |name: &str, period: i64| Signal {
        name: name.to_owned(),
        namespace: "AWS/ECS".to_owned(),
        metric: name.to_owned(),
        dimensions: vec![],
        statistic: "Average".to_owned(),
        period: TimeDelta::seconds(period),
        max_age: TimeDelta::seconds(90),
        absent: Absence::Unknown,
        scale: 1.0,
    };
    let mut book = Book::new(&[signal("cpu_percent", 20), signal("requests", 20)]);
    let now = second(3600);
    book.count(now - TimeDelta::minutes(15), Counted::Tasks, 9);
    for (name, value) in [("cpu_percent", 10.0), ("requests", 20.0)] {
        let at = |n: i64| now - TimeDelta::seconds(newest_ago + n * 20);
        let points = (0..40).rev().map(|n| (at(n), value)).collect();
        let series = Series { id: name.to_owned(), completeness, points };
        let keep = now - TimeDelta::hours(1);
        book.histories.get_mut(name).unwrap().hear(&series, 1.0, keep);
    }
    let seen = Observed {
        current: Some(9),
        seen_at: Some(now),
        windows: book.windows(now),
        ..Observed::default()
    };
    decide(&policy(), &seen, now)
}

#[test]
fn an_old_point_and_a_partial_answer_lead_to_no_action() {
    let fresh = decided_from(Completeness::Complete, 20);
    assert_eq!((fresh.because, fresh.to), (Because::LessLoad, 8), "the same load, freshly told");
    for (completeness, ago) in [
        (Completeness::Complete, 12 * 60),
        (Completeness::Partial, 20),
        (Completeness::Failed, 12 * 60),
    ] {
        let decision = decided_from(completeness, ago);
        assert_eq!(decision.to, 9, "{completeness:?} {ago} s ago: {decision:?}");
        assert_eq!(decision.because, Because::Unknown);
        assert!(decision.blind);
    }
}

/// The clock jumps five minutes ahead between a look and the next: what was seen is old, and
/// nothing moves before it is seen again; cooldowns are measured by what they were promised.
#[test]
fn a_clock_that_jumps_ahead_moves_nothing() {
    let mut seen = observed(9, &[10.0; 45], &[10.0; 45]);
    seen.past.changed_at = Some(second(-10));
    let jumped = second(0) + TimeDelta::minutes(5);
    let decision = decide(&policy(), &seen, jumped);
    assert_eq!((decision.because, decision.to), (Because::NotSeen, 9));
    // And back: what was seen lies in the future.
    let decision = decide(&policy(), &seen, second(0) - TimeDelta::minutes(5));
    assert_eq!((decision.because, decision.to), (Because::NotSeen, 9));
}

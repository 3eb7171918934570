//! The rules of sizing as tables, and the property that a constant load never makes it flap.

use chrono::{DateTime, TimeDelta, Utc};

use super::decide::{Because, Observed, decide};
use super::policy::{Metric, Policy, ScalingMode, Target};
use crate::fleet::samples::second;
use crate::readings::{Sample, Window};

fn policy() -> Policy {
    Policy {
        mode: ScalingMode::Own,
        tasks_min: 3,
        tasks_max: 20,
        targets: vec![
            Target { metric: Metric::Cpu, value: 60.0 },
            Target { metric: Metric::RequestsPerTask, value: 300.0 },
        ],
        band: 0.1,
        points_out: 2,
        points_in: 4,
        cooldown_in: TimeDelta::seconds(300),
        period: TimeDelta::seconds(10),
    }
}

/// Values newest first; NaN is an unknown period.
fn window(values: &[f64], tasks: u32) -> Window {
    let sample = |value: &f64| (!value.is_nan()).then_some(Sample { value: *value, tasks });
    Window { slots: values.iter().map(sample).collect() }
}

fn observed(current: u32, cpu: &[f64], requests: &[f64]) -> Observed {
    Observed {
        current: Some(current),
        seen_at: Some(second(0)),
        windows: [
            ("cpu_percent".to_owned(), window(cpu, current)),
            ("requests_per_task".to_owned(), window(requests, current)),
        ]
        .into(),
        ..Observed::default()
    }
}

const U: f64 = f64::NAN;

#[test]
fn load_decides_the_size_and_the_reason_says_why() {
    use Because::{AtMaximum, AtMinimum, Disagreement, LessLoad, Load, Steady, Unknown, WouldFlap};
    type Row = (u32, &'static [f64], &'static [f64], u32, Because, &'static str);
    #[rustfmt::skip]
    let table: &[Row] = &[
        // now  cpu, newest first   requests            to  because
        (6, &[61., 61.],           &[100.; 4],           7, Load,
            "6 → 7: cpu 61.0% above target cpu 60.0% for 2 points"),
        (6, &[61., 75.],           &[100.; 4],           8, Load,
            "6 → 8: cpu 61.0% above target cpu 60.0% for 2 points"),
        (7, &[52.3; 4],            &[100.; 4],           7, Disagreement,
            "hold 7: wants 3, but cpu 52.3% of target cpu 60.0%, one less would exceed it; \
             all must agree to scale in"),
        (7, &[55.; 4],             &[280.; 4],           7, Steady,
            "hold 7: cpu 55.0% of target cpu 60.0%; \
             requests 280.0/s per task of target requests 300.0/s per task"),
        (6, &[61., 59.],           &[100.; 4],           6, Disagreement,
            "hold 6: wants 3, but cpu 61.0% of target cpu 60.0%; all must agree to scale in"),
        (6, &[30.; 4],             &[600., 610.],       12, Load,
            "6 → 12: requests 600.0/s per task above target requests 300.0/s per task for 2 \
             points, limited from 13"),
        (6, &[90., 90.],           &[330., 330.],        9, Load,
            "6 → 9: cpu 90.0% above target cpu 60.0% for 2 points"),
        (20, &[90., 90.],          &[100.; 4],          20, AtMaximum,
            "hold 20: cpu 90.0% above target cpu 60.0% for 2 points, but at the maximum; wants 30"),
        (3, &[20.; 4],             &[100.; 4],           3, AtMinimum,
            "hold 3: cpu 20.0% of target cpu 60.0%, at the minimum; \
             requests 100.0/s per task of target requests 300.0/s per task, at the minimum"),
        (6, &[20.; 4],             &[100.; 4],           5, LessLoad,
            "6 → 5: cpu 20.0% below cpu 54.0% for 4 points; \
             requests 100.0/s per task below requests 270.0/s per task for 4 points"),
        (6, &[20., 20., 20., 55.], &[100.; 4],           6, Disagreement,
            "hold 6: wants 3, but cpu 20.0% of target cpu 60.0%; all must agree to scale in"),
        (6, &[20., 20., 20.],      &[100.; 4],           6, Unknown,
            "hold 6: wants 3, but cpu 20.0% of target cpu 60.0%, but cpu known for 3 of 4 points; \
             unknown never scales in"),
        (6, &[20., 20., U, 20.],   &[100.; 4],           6, Unknown,
            "hold 6: wants 3, but cpu 20.0% of target cpu 60.0%, but cpu known for 3 of 4 points; \
             unknown never scales in"),
        (6, &[U, 20., 20., 20.],   &[100.; 4],           6, Unknown,
            "hold 6: wants 3, but cpu unknown: 1 of the newest 2 points; unknown never scales in"),
        (6, &[],                   &[],                  6, Unknown,
            "hold 6: cpu unknown: 0 of the newest 2 points; \
             requests per task unknown: 0 of the newest 2 points"),
        (6, &[],                   &[400., 400.],        8, Load,
            "6 → 8: requests 400.0/s per task above target requests 300.0/s per task for 2 points"),
        (6, &[48.; 4],             &[100.; 4],           6, WouldFlap,
            "hold 6: wants 5, but 5 tasks would be close to growing again"),
    ];
    for (current, cpu, requests, to, because, reason) in table {
        let mut seen = observed(*current, cpu, requests);
        seen.changed_at = Some(second(-1000));
        let decision = decide(&policy(), &seen, second(0));
        assert_eq!(
            (decision.to, decision.because, decision.reason.as_str()),
            (*to, *because, *reason),
            "{current} {cpu:?} {requests:?}"
        );
    }
}

#[test]
fn what_forbids_a_change_is_said_in_its_order() {
    let low: &[f64] = &[20.0; 4];
    let high: &[f64] = &[90.0; 2];
    type Arrange = fn(&mut Observed);
    #[rustfmt::skip]
    let table: &[(&[f64], Arrange, Because, u32, &str)] = &[
        (low, |_| (), Because::LessLoad, 5, "6 → 5: cpu 20.0%"),
        (low, |o| o.changed_at = Some(second(-100)), Because::CoolingDown, 6,
            "hold 6: wants 3, cooling down for 200 s"),
        (low, |o| o.deploying = true, Because::Deployment, 6,
            "hold 6: wants 3, but a deployment is running"),
        (low, |o| o.held_in = Some("ann holds it".to_owned()), Because::Held, 6,
            "hold 6: wants 3, but ann holds it"),
        (low, |o| o.held_out = Some("ann holds it".to_owned()), Because::LessLoad, 5, "6 → 5"),
        (low, |o| o.forbidden = Some("AWS owns it".to_owned()), Because::Forbidden, 6,
            "hold 6: AWS owns it"),
        (low, |o| o.seen_at = Some(second(-31)), Because::NotSeen, 6,
            "hold 6: the service was last seen 31 s ago"),
        (low, |o| o.current = None, Because::NotSeen, 0, "hold: the service was never seen"),
        (low, |o| o.current = Some(2), Because::BelowMinimum, 3, "2 → 3: below the minimum of 3"),
        (low, |o| o.current = Some(25), Because::AboveMaximum, 20,
            "25 → 20: above the maximum of 20"),
        (high, |o| o.changed_at = Some(second(-1)), Because::Load, 9, "6 → 9: cpu 90.0%"),
        (high, |o| o.deploying = true, Because::Load, 9, "6 → 9: cpu 90.0%"),
        (high, |o| o.held_out = Some("ann holds it".to_owned()), Because::Held, 6,
            "hold 6: wants 9, but ann holds it"),
        // Nine wanted by six that run, and nine desired already: three are starting.
        (high, |o| o.current = Some(9), Because::Starting, 9,
            "hold 9: cpu 90.0% above target cpu 60.0%, 9 tasks will do"),
    ];
    for (cpu, arrange, because, to, reason) in table {
        let mut seen = observed(6, cpu, &[100.0; 4]);
        arrange(&mut seen);
        let decision = decide(&policy(), &seen, second(0));
        assert_eq!((decision.because, decision.to), (*because, *to), "{}", decision.reason);
        assert!(decision.reason.starts_with(reason), "{} is not {reason}", decision.reason);
    }
}

#[test]
fn the_proposals_that_lost_are_told_with_their_reasons() {
    let decision = decide(&policy(), &observed(6, &[90.0; 2], &[330.0; 2]), second(0));
    assert_eq!(
        decision.losing,
        ["add to 7: requests 330.0/s per task above target requests 300.0/s per task for 2 points"]
    );
    assert_eq!(
        decision.inputs,
        ["cpu 90.0% over 6 tasks", "requests 330.0/s per task over 6 tasks"]
    );
    assert_eq!(decision.action(), "scale_out");
}

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
        let decision = decide(&self.policy, &self.seen, self.now);
        if decision.to != self.desired {
            self.changes.push(decision.to);
            if decision.to > self.desired {
                self.starting = self.start_points;
            } else {
                self.running = decision.to.min(self.running);
            }
            self.desired = decision.to;
            self.seen.changed_at = Some(self.now);
        }
    }
}

#[test]
fn the_load_on_which_plus_minus_one_rules_flap_for_ever_changes_once() {
    let policy = Policy { tasks_max: 9, ..policy() };
    let mut world = World::new(policy, 366.0, 600.0, 6, 2);
    for _ in 0..360 {
        world.point();
    }
    assert_eq!(world.changes, [7], "two hours at 366 CPU points from 6 tasks");
}

/// Constant loads over the whole range that 3 to 9 tasks can carry, from every size: the size moves in one
/// direction only, ends where no target is exceeded, and then rests. From the size of a
/// neighbouring load it takes at most two changes.
#[test]
fn a_constant_load_never_makes_the_size_flap() {
    let policy = Policy { tasks_max: 9, ..policy() };
    for load in (60..=540).step_by(4) {
        let load = f64::from(load);
        for start in 3..=9 {
            for delay in [0, 3] {
                let mut world = World::new(policy.clone(), load, 600.0, start, delay);
                for _ in 0..160 {
                    world.point();
                }
                let settled = world.changes.len();
                let path: Vec<u32> = [start].into_iter().chain(world.changes.clone()).collect();
                for _ in 0..40 {
                    world.point();
                }
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

/// Publishing stops for ten minutes at 80 % load: no task goes, whatever the last points said.
#[test]
fn missing_data_never_removes_a_task() {
    let mut seen = observed(9, &[20.0; 45], &[50.0; 45]);
    for missing in 1..=30 {
        for window in seen.windows.values_mut() {
            window.slots.insert(0, None);
        }
        let now = second(missing * 20);
        seen.seen_at = Some(now);
        let decision = decide(&policy(), &seen, now);
        assert_eq!(decision.action(), "hold", "after {missing} missing points");
        assert_eq!(decision.because, Because::Unknown, "{}", decision.reason);
    }
}

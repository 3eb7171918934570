//! What others would do with the same service: models of their published algorithms.
//!
//! AWS target tracking: alarms on three of three points above the target, and on fifteen minutes
//! of points below nine tenths of it; the size is proportional and rounded up; capacity that was
//! just added counts; missing points are no alarm. With 60 s points and their delay the first task
//! is asked for about five to six minutes after a rise, which agrees with AWS's own figure of
//! 363 s; with 20 s points after about 86 s.
//!
//! KEDA with a CloudWatch trigger hands a rate to the Kubernetes autoscaler: every 15 s, within
//! 10 % nothing is done, a rise may double the size or add four, a fall waits for the largest
//! recommendation of 300 s. An empty answer is read as zero, which is KEDA's default.

use std::collections::VecDeque;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::engine::{Reply, Scaler, Slice, View};
use super::trace::SLICE_S;

/// Mean values of whole periods, each visible some time after its period ended.
#[derive(Clone, Debug)]
struct Points {
    period_s: i64,
    lag_s: (i64, i64),
    chance: ChaCha8Rng,
    /// Of the open period: slices, those published, and their sums.
    open: (i64, i64, f64, f64),
    /// Newest last: when visible, and the value with the tasks that it is about.
    closed: VecDeque<(i64, Option<Point>)>,
    kept: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    /// Share of the processors that was busy.
    busy: f64,
    /// Tasks that ran, on average.
    tasks: f64,
}

impl Points {
    fn new(period_s: i64, lag_s: (i64, i64), kept: usize, seed: u64) -> Self {
        let chance = ChaCha8Rng::seed_from_u64(seed);
        Self { period_s, lag_s, chance, open: (0, 0, 0.0, 0.0), closed: VecDeque::new(), kept }
    }

    fn take(&mut self, slice: &Slice) {
        self.open.0 += 1;
        if slice.published {
            self.open.1 += 1;
            self.open.2 += slice.busy;
            self.open.3 += f64::from(slice.running);
        }
        let end = slice.second + SLICE_S;
        if end % self.period_s != 0 {
            return;
        }
        let (all, known, busy, tasks) = std::mem::replace(&mut self.open, (0, 0, 0.0, 0.0));
        let share = 1.0 / f64::from(i32::try_from(known.max(1)).unwrap_or(1));
        let point = Point { busy: busy * share, tasks: tasks * share };
        let visible = end + self.chance.random_range(self.lag_s.0..=self.lag_s.1);
        self.closed.push_back((visible, (known == all).then_some(point)));
        if self.closed.len() > self.kept {
            self.closed.pop_front();
        }
    }

    /// The newest `count` points that can be seen, newest first.
    fn newest(&self, second: i64, count: usize) -> impl Iterator<Item = Option<Point>> {
        let seen = self.closed.iter().rev().skip_while(move |(visible, _)| *visible > second);
        seen.map(|(_, point)| *point).take(count)
    }
}

/// AWS target tracking on the service's processors.
#[derive(Clone, Debug)]
pub struct TargetTracking {
    name: &'static str,
    target: f64,
    tasks: (u32, u32),
    points: Points,
    points_in: usize,
    in_at: i64,
}

/// Points in alarm before tasks are added.
const POINTS_OUT: usize = 3;
/// Minutes below the lower alarm before tasks are removed.
const MINUTES_IN: i64 = 15;
/// The lower alarm, as a share of the target.
const LOW_SHARE: f64 = 0.9;
/// After tasks were removed, no more are for this long.
const COOLDOWN_IN_S: i64 = 300;

impl TargetTracking {
    /// On the metric that every service has.
    #[must_use]
    pub fn standard(target: f64, tasks: (u32, u32), seed: u64) -> Self {
        Self::new("aws-target-tracking", target, tasks, Points::new(60, (60, 120), 40, seed))
    }

    /// On the metric of 20 s that costs extra.
    #[must_use]
    pub fn high_resolution(target: f64, tasks: (u32, u32), seed: u64) -> Self {
        Self::new("aws-target-tracking-20s", target, tasks, Points::new(20, (20, 30), 60, seed))
    }

    fn new(name: &'static str, target: f64, tasks: (u32, u32), points: Points) -> Self {
        let points_in = usize::try_from(MINUTES_IN * 60 / points.period_s).unwrap_or(usize::MAX);
        Self { name, target, tasks, points, points_in, in_at: i64::MIN / 2 }
    }
}

impl Scaler for TargetTracking {
    fn name(&self) -> &str {
        self.name
    }

    fn observe(&mut self, slice: &Slice) {
        self.points.take(slice);
    }

    fn decide(&mut self, view: View<'_>) -> Option<u32> {
        let current = view.tasks.desired();
        let newest = self.points.newest(view.second, 1).next().flatten()?;
        let want = up(newest.tasks * newest.busy / self.target);
        let alarm = |count: usize, breaching: &dyn Fn(f64) -> bool| {
            let mut points = self.points.newest(view.second, count);
            let breached = |point: Option<Point>| point.is_some_and(|one| breaching(one.busy));
            (0..count).all(|_| points.next().is_some_and(breached))
        };
        if alarm(POINTS_OUT, &|busy| busy > self.target) {
            let to = want.min(self.tasks.1);
            return (to > current).then_some(to);
        }
        let low = self.target * LOW_SHARE;
        if view.second - self.in_at >= COOLDOWN_IN_S && alarm(self.points_in, &|busy| busy < low) {
            let to = want.max(self.tasks.0);
            if to < current {
                self.in_at = view.second;
                return Some(to);
            }
        }
        None
    }

    fn hear(&mut self, _: u32, _: Reply, _: View<'_>) {}
}

/// KEDA's CloudWatch scaler in front of the Kubernetes autoscaler, with their defaults.
#[derive(Clone, Debug)]
pub struct Keda {
    target: f64,
    tasks: (u32, u32),
    points: Points,
    sync_at: i64,
    /// Recommendations of the last five minutes.
    recommended: VecDeque<(i64, u32)>,
}

/// How often the autoscaler looks.
const SYNC_S: i64 = 15;
/// What is near enough to the target.
const TOLERANCE: f64 = 0.1;
/// A smaller size must have been recommended for this long.
const STABLE_S: i64 = 300;

impl Keda {
    /// With one trigger, on points of a minute.
    #[must_use]
    pub fn new(target: f64, tasks: (u32, u32), seed: u64) -> Self {
        let points = Points::new(60, (60, 120), 40, seed);
        Self { target, tasks, points, sync_at: 0, recommended: VecDeque::new() }
    }
}

impl Scaler for Keda {
    fn name(&self) -> &str {
        "keda-hpa"
    }

    fn observe(&mut self, slice: &Slice) {
        self.points.take(slice);
    }

    fn decide(&mut self, view: View<'_>) -> Option<u32> {
        if view.second < self.sync_at {
            return None;
        }
        self.sync_at += SYNC_S;
        let current = view.tasks.desired();
        // What is not there is zero.
        let newest = self.points.newest(view.second, 1).next()?;
        let load = newest.map_or(0.0, |point| point.busy * point.tasks);
        let ratio = load / (self.target * f64::from(current.max(1)));
        let near = (ratio - 1.0).abs() <= TOLERANCE;
        let want = if near { current } else { up(load / self.target) };
        let want = want.clamp(self.tasks.0, self.tasks.1);
        self.recommended.push_back((view.second, want));
        while self.recommended.front().is_some_and(|(at, _)| *at <= view.second - STABLE_S) {
            self.recommended.pop_front();
        }
        let stable = self.recommended.iter().map(|(_, want)| *want).max().unwrap_or(want);
        let most = (current + 4).max(current * 2);
        let to = if want > current { want.min(most) } else { stable.min(current) };
        (to != current).then_some(to)
    }

    fn hear(&mut self, _: u32, _: Reply, _: View<'_>) {}
}

/// Rounded up, but not for noise in the last digits of a division.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u32 on the line of the cast"
)]
fn up(tasks: f64) -> u32 {
    (tasks - 1e-9).ceil().clamp(0.0, f64::from(u32::MAX)) as u32
}

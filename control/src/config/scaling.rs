//! The scaling policy of an environment.

use chrono::TimeDelta;

use super::delta;
use crate::document::{Field, Map};
use crate::readings::Signal;
use crate::readings::derive::KEPT;
use crate::reconcile::capacity::{Metric, Policy, ScalingMode, Target};

/// AWS's own limit of tasks in a service.
const TASKS_MAX: u32 = 5000;
const KEYS: &[&str] = &["mode", "tasks", "targets", "band", "out", "in", "period"];

/// The policy. `signals` are those of the same file.
pub(super) fn read(field: &Field<'_>, signals: &[Signal]) -> Option<Policy> {
    let map = field.map(KEYS)?;
    let mode = map
        .required("mode")
        .and_then(|f| f.choice(&[("own", ScalingMode::Own), ("floor", ScalingMode::Floor)]));
    let tasks = map.required("tasks").and_then(|f| tasks(&f));
    let targets = map.required("targets").and_then(|f| targets(&f));
    let band = map.required("band").and_then(|f| band(&f));
    let out = map.required("out").and_then(|f| points(&f.map(&["points"])?));
    let way_in = map.required("in").and_then(|f| way_in(&f, signals));
    let period = map.required("period").and_then(|f| delta(&f, 1..=300));
    let ((tasks_min, tasks_max), (points_in, cooldown_in)) = (tasks?, way_in?);
    let points_out = out?;
    if points_in < points_out {
        return field.fault("in.points must be at least out.points: adding is the safe direction");
    }
    Some(Policy {
        mode: mode?,
        tasks_min,
        tasks_max,
        targets: targets?,
        band: band?,
        points_out,
        points_in,
        cooldown_in,
        period: period?,
    })
}

fn tasks(field: &Field<'_>) -> Option<(u32, u32)> {
    let map = field.map(&["min", "max"])?;
    let min = map.required("min").and_then(|f| f.count(1..=TASKS_MAX));
    let max = map.required("max").and_then(|f| f.count(1..=TASKS_MAX));
    let (min, max) = (min?, max?);
    if min > max {
        return field.fault(format!("min {min} is above max {max}"));
    }
    Some((min, max))
}

fn targets(field: &Field<'_>) -> Option<Vec<Target>> {
    let map = field.map(&["cpu_percent", "requests_per_task"])?;
    let target = |key: &str, metric: Metric, max: f64| {
        let field = map.optional(key)?;
        Some(field.number(1.0..=max).map(|value| Target { metric, value }))
    };
    let read = [
        target("cpu_percent", Metric::Cpu, 95.0),
        target("requests_per_task", Metric::RequestsPerTask, 1e6),
    ];
    let read: Vec<_> = read.into_iter().flatten().collect();
    if read.is_empty() {
        return field.fault("must name at least one of cpu_percent, requests_per_task");
    }
    read.into_iter().collect()
}

/// From percent to a share. A band of half the target and more would never remove a task.
fn band(field: &Field<'_>) -> Option<f64> {
    let percent = field.percent()?;
    if (1.0..=50.0).contains(&percent) {
        Some(percent / 100.0)
    } else {
        field.fault("must be from 1% to 50%")
    }
}

fn points(map: &Map<'_>) -> Option<usize> {
    Some(map.required("points")?.count(1..=100)? as usize)
}

fn way_in(field: &Field<'_>, signals: &[Signal]) -> Option<(usize, TimeDelta)> {
    let map = field.map(&["points", "cooldown"])?;
    let points = points(&map);
    let cooldown = map.required("cooldown").and_then(|f| delta(&f, 0..=86_400));
    let (points, cooldown) = (points?, cooldown?);
    let longest = signals
        .iter()
        .filter(|signal| ["cpu_percent", "requests"].contains(&signal.name.as_str()))
        .map(|signal| signal.period.num_seconds())
        .max();
    let kept = KEPT.num_seconds();
    let most = kept / longest.unwrap_or(1).max(1) - 1;
    if i64::try_from(points).is_ok_and(|points| points > most) {
        return field.fault(format!(
            "points: {points} periods reach back further than {kept} s; {most} at most"
        ));
    }
    Some((points, cooldown))
}

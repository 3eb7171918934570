//! The scaling policies of an environment: of the service, and of the database's readers.

mod extras;
mod schedule;
#[cfg(test)]
mod tests;

use chrono::TimeDelta;

use super::delta;
use crate::document::{Field, Map};
use crate::forecast;
use crate::readings::Signal;
use crate::readings::derive::KEPT;
use crate::reconcile::capacity::{Metric, Policy, ScalingMode, Target, Unit};
use extras::{boost, fallback, forecast_settings};
use schedule::schedules;

/// AWS's own limit of tasks in a service.
const TASKS_MAX: u32 = 5000;
/// AWS's own limit of readers in a cluster.
const READERS_MAX: u32 = 15;
/// Adding at most doubles and removing takes at most a tenth, unless the file says otherwise.
const STEP_OUT: f64 = 1.0;
const STEP_IN: f64 = 0.1;
/// Three times in an hour up again after down is no load, it is a policy that hunts.
const REVERSALS_MAX: u32 = 3;

const KEYS: &[&str] = &[
    "mode",
    "tasks",
    "targets",
    "band",
    "out",
    "in",
    "boost",
    "schedules",
    "fallback",
    "forecast",
    "readers",
    "period",
];
const READER_KEYS: &[&str] = &["count", "targets", "band", "out", "in", "schedules", "period"];

/// Everything under `scaling`.
pub(super) struct Scaling {
    pub tasks: Policy,
    pub readers: Option<Policy>,
    pub forecast: Option<forecast::Settings>,
}

/// The policies. `signals` are those of the same file.
pub(super) fn read(field: &Field<'_>, signals: &[Signal]) -> Option<Scaling> {
    let map = field.map(KEYS)?;
    let mode = map
        .required("mode")
        .and_then(|f| f.choice(&[("own", ScalingMode::Own), ("floor", ScalingMode::Floor)]));
    let rules = rules(field, &map, Unit::Tasks, signals);
    let boost = map.optional("boost").map(|f| boost(&f));
    let fallback = map.optional("fallback").map(|f| fallback(&f, TASKS_MAX));
    let forecast = map.optional("forecast").map(|f| forecast_settings(&f, rules.as_ref()));
    let readers = map.optional("readers").map(|f| readers(&f, signals));
    let tasks = Policy { mode: mode?, boost: given(boost)?, fallback: given(fallback)?, ..rules? };
    Some(Scaling { tasks, readers: given(readers)?, forecast: given(forecast)? })
}

/// A part that is absent is fine; one that is there and faulty is not.
fn given<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    match part {
        None => Some(None),
        Some(None) => None,
        Some(some) => Some(some),
    }
}

/// The readers are always sized by their floor: Aurora's own scaling stays the fast loop.
fn readers(field: &Field<'_>, signals: &[Signal]) -> Option<Policy> {
    let map = field.map(READER_KEYS)?;
    rules(field, &map, Unit::Readers, signals)
}

/// What both policies share.
fn rules(field: &Field<'_>, map: &Map<'_>, unit: Unit, signals: &[Signal]) -> Option<Policy> {
    let (count, most, metrics) = match unit {
        Unit::Tasks => ("tasks", TASKS_MAX, TASK_METRICS),
        Unit::Readers => ("count", READERS_MAX, READER_METRICS),
    };
    let range = map.required(count).and_then(|f| range(&f, most));
    let targets = map.required("targets").and_then(|f| targets(&f, metrics, signals));
    let band = map.required("band").and_then(|f| band(&f));
    let out = map.required("out").and_then(|f| way_out(&f));
    let way_in = map.required("in").and_then(|f| way_in(&f, unit, signals));
    let schedules = map.or("schedules", Vec::new(), |f| schedules(f, most));
    let period = map.required("period").and_then(|f| delta(&f, 1..=300));
    let (tasks_min, tasks_max) = range?;
    let ((points_out, step_out), way_in) = (out?, way_in?);
    if way_in.points < points_out {
        return field.fault("in.points must be at least out.points: adding is the safe direction");
    }
    Some(Policy {
        unit,
        mode: ScalingMode::Floor,
        tasks_min,
        tasks_max,
        targets: targets?,
        band: band?,
        points_out,
        points_in: way_in.points,
        step_out,
        step_in: way_in.step,
        cooldown_in: way_in.cooldown,
        reversals_max: way_in.reversals,
        boost: None,
        schedules: schedules?,
        fallback: None,
        period: period?,
    })
}

fn range(field: &Field<'_>, most: u32) -> Option<(u32, u32)> {
    let map = field.map(&["min", "max"])?;
    let min = map.required("min").and_then(|f| f.count(1..=most));
    let max = map.required("max").and_then(|f| f.count(1..=most));
    let (min, max) = (min?, max?);
    if min > max {
        return field.fault(format!("min {min} is above max {max}"));
    }
    Some((min, max))
}

/// A target's key, its metric, the largest value that makes sense, and the signal that it needs.
type Known = (&'static str, Metric, f64, &'static str);

/// A target of all of the CPU or memory would be noticed only when it is too late.
const TASK_METRICS: &[Known] = &[
    ("cpu_percent", Metric::Cpu, 95.0, "cpu_percent"),
    ("memory_percent", Metric::Memory, 95.0, "memory_percent"),
    ("requests_per_task", Metric::RequestsPerTask, 1e6, "requests"),
];
/// The largest Aurora instance takes 16,000 connections.
const READER_METRICS: &[Known] = &[
    ("cpu_percent", Metric::ReaderCpu, 95.0, "reader_cpu_percent"),
    ("connections", Metric::ReaderConnections, 16_000.0, "reader_connections"),
];

fn targets(field: &Field<'_>, known: &'static [Known], signals: &[Signal]) -> Option<Vec<Target>> {
    let map = match known {
        READER_METRICS => field.map(&["cpu_percent", "connections"])?,
        _ => field.map(&["cpu_percent", "memory_percent", "requests_per_task"])?,
    };
    let read = known.iter().filter_map(|(key, metric, max, signal)| {
        let field = map.optional(key)?;
        if signals.iter().all(|one| one.name != *signal) {
            return Some(field.fault(format!("needs the signal `{signal}`, which is not here")));
        }
        Some(field.number(1.0..=*max).map(|value| Target { metric: *metric, value }))
    });
    let read: Vec<_> = read.collect();
    if read.is_empty() {
        let keys: Vec<&str> = known.iter().map(|(key, ..)| *key).collect();
        return field.fault(format!("must name at least one of {}", keys.join(", ")));
    }
    read.into_iter().collect()
}

/// From percent to a share. A band of half the target and more would never remove a task.
fn band(field: &Field<'_>) -> Option<f64> {
    share(field, 1.0, 50.0)
}

/// A percentage within limits, as a share of one.
fn share(field: &Field<'_>, least: f64, most: f64) -> Option<f64> {
    let percent = field.percent()?;
    if (least..=most).contains(&percent) {
        Some(percent / 100.0)
    } else {
        field.fault(format!("must be from {least}% to {most}%"))
    }
}

fn points(map: &Map<'_>) -> Option<usize> {
    Some(map.required("points")?.count(1..=100)? as usize)
}

fn way_out(field: &Field<'_>) -> Option<(usize, f64)> {
    let map = field.map(&["points", "step"])?;
    let points = points(&map);
    let step = map.or("step", STEP_OUT, |f| share(f, 10.0, 100.0));
    Some((points?, step?))
}

struct WayIn {
    points: usize,
    cooldown: TimeDelta,
    step: f64,
    reversals: usize,
}

fn way_in(field: &Field<'_>, unit: Unit, signals: &[Signal]) -> Option<WayIn> {
    let map = field.map(&["points", "cooldown", "step", "reversals"])?;
    let points = points(&map);
    let cooldown = map.required("cooldown").and_then(|f| delta(&f, 0..=86_400));
    let step = map.or("step", STEP_IN, |f| share(f, 1.0, 50.0));
    let reversals = map.or("reversals", REVERSALS_MAX, |f| f.count(1..=20));
    let (points, cooldown) = (points?, cooldown?);
    let of: &[&str] = match unit {
        Unit::Tasks => &["cpu_percent", "memory_percent", "requests"],
        Unit::Readers => &["reader_cpu_percent", "reader_connections"],
    };
    let longest = signals
        .iter()
        .filter(|signal| of.contains(&signal.name.as_str()))
        .map(|signal| signal.period.num_seconds())
        .max();
    let kept = KEPT.num_seconds();
    let most = kept / longest.unwrap_or(1).max(1) - 1;
    if i64::try_from(points).is_ok_and(|points| points > most) {
        return field.fault(format!(
            "points: {points} periods reach back further than {kept} s; {most} at most"
        ));
    }
    Some(WayIn { points, cooldown, step: step?, reversals: reversals? as usize })
}

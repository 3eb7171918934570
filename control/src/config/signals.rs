//! The signals of an environment: where each is read, how old it may be, what its absence means.

use chrono::TimeDelta;

use super::delta;
use crate::document::{Field, Value};
use crate::readings::{Absence, Signal};

/// More than a call can carry would have to be split; fewer keep the bill small.
const SIGNALS_MAX: usize = 100;
/// What dashboards and derived readings need.
const REQUIRED: [&str; 8] = [
    "requests",
    "errors",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "cpu_percent",
    "memory_percent",
    "outbox_pending",
];
/// Signals that control makes from others.
pub(super) const DERIVED: [&str; 3] = ["tps", "error_percent", "requests_per_task"];

const KEYS: &[&str] =
    &["namespace", "metric", "dimensions", "statistic", "period", "max_age", "absent", "scale"];

/// All signals, in the order of the file.
pub(super) fn read(field: &Field<'_>) -> Option<Vec<Signal>> {
    let map = field.open_map()?;
    let mut signals = Vec::new();
    let mut faulty = false;
    for (name, field) in map.fields() {
        if DERIVED.contains(&name) {
            let _: Option<()> = field.fault("is made by control and cannot be read");
            faulty = true;
        }
        match signal(name, &field) {
            Some(signal) => signals.push((signal, field)),
            None => faulty = true,
        }
    }
    if signals.len() > SIGNALS_MAX {
        return field.fault(format!("must be {SIGNALS_MAX} signals at most"));
    }
    for required in REQUIRED {
        if map.fields().all(|(name, _)| name != required) {
            let _: Option<()> = field.fault(format!("`{required}` is missing"));
            faulty = true;
        }
    }
    for (signal, field) in &signals {
        faulty |= guard_fault(signal, &signals, field);
    }
    (!faulty).then(|| signals.into_iter().map(|(signal, _)| signal).collect())
}

/// Notes a fault if the absence rule names a signal that cannot prove a zero.
fn guard_fault(signal: &Signal, all: &[(Signal, Field<'_>)], field: &Field<'_>) -> bool {
    let Absence::ZeroIf(other) = &signal.absent else { return false };
    let found = all.iter().find(|(one, _)| one.name == *other).map(|(one, _)| one);
    let message = match found {
        None => format!("absent: zero_if: `{other}` is no signal here"),
        Some(one) if one.name == signal.name => "absent: zero_if: names itself".to_owned(),
        Some(one) if one.period != signal.period => {
            format!("absent: zero_if: `{other}` has another period")
        }
        Some(one) if one.absent != Absence::Unknown => {
            format!("absent: zero_if: `{other}` may be a zero of its own")
        }
        Some(_) => return false,
    };
    let _: Option<()> = field.fault(message);
    true
}

fn signal(name: &str, field: &Field<'_>) -> Option<Signal> {
    let map = field.map(KEYS)?;
    let namespace = map.required("namespace").and_then(|f| f.text());
    let metric = map.required("metric").and_then(|f| f.text());
    let dimensions = map.required("dimensions").and_then(|f| dimensions(&f));
    let statistic = map.required("statistic").and_then(|f| statistic(&f));
    let period = map.required("period").and_then(|f| period(&f));
    let max_age = map.required("max_age").and_then(|f| max_age(&f, period));
    let absent = map.required("absent").and_then(|f| absence(&f));
    let scale = map.or("scale", 1.0, |f| f.number(1e-9..=1e9));
    Some(Signal {
        name: name.to_owned(),
        namespace: namespace?,
        metric: metric?,
        dimensions: dimensions?,
        statistic: statistic?,
        period: period?,
        max_age: max_age?,
        absent: absent?,
        scale: scale?,
    })
}

fn dimensions(field: &Field<'_>) -> Option<Vec<(String, String)>> {
    let map = field.open_map()?;
    let read: Vec<_> =
        map.fields().map(|(name, field)| Some((name.to_owned(), field.text()?))).collect();
    if read.len() > 30 {
        return field.fault("must be 30 dimensions at most");
    }
    read.into_iter().collect()
}

fn statistic(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    let plain = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"].contains(&text.as_str());
    let percentile = text.strip_prefix('p').and_then(|rest| rest.parse::<f64>().ok());
    if plain || percentile.is_some_and(|p| p > 0.0 && p < 100.0) {
        Some(text)
    } else {
        field.fault(format!(
            "`{text}` is none of Average, Sum, Minimum, Maximum, SampleCount and p0 to p100"
        ))
    }
}

/// CloudWatch knows periods of 1, 5, 10, 20, 30 s and whole minutes.
fn period(field: &Field<'_>) -> Option<TimeDelta> {
    let period = delta(field, 1..=3600)?;
    let seconds = period.num_seconds();
    if [1, 5, 10, 20, 30].contains(&seconds) || seconds % 60 == 0 {
        Some(period)
    } else {
        field.fault("must be 1s, 5s, 10s, 20s, 30s or whole minutes")
    }
}

fn max_age(field: &Field<'_>, period: Option<TimeDelta>) -> Option<TimeDelta> {
    let age = delta(field, 1..=86_400)?;
    if period.is_some_and(|period| age < period * 2) {
        return field.fault("must be at least two periods, or a reading is stale before the next");
    }
    Some(age)
}

fn absence(field: &Field<'_>) -> Option<Absence> {
    if let Value::Text(_) = field.value() {
        return field.choice(&[("unknown", Absence::Unknown)]);
    }
    let other = field.map(&["zero_if"])?.required("zero_if")?.text()?;
    Some(Absence::ZeroIf(other))
}

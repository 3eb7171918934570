//! Reads a scenario file: every fault with its line, field and limit.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::load::{Shape, Surges};
use super::topology::{broker, cache, database};
use super::{Expect, Mix, Roadmap, Scenario, TroubleRule, When};
use crate::config::{Environment, read_environments, read_policy, read_text};
use crate::document::{Fault, Faults, Field, Map, decode};
use crate::simulate::service::Service;
use crate::simulate::weather::Trouble;

const KEYS: &[&str] = &[
    "kind",
    "name",
    "summary",
    "environment",
    "scaling",
    "start",
    "days",
    "service",
    "load",
    "troubles",
    "expect",
    "roadmap",
];
/// A year, and a day for the leap.
const DAYS_MAX: u32 = 366;
/// Kinds of trouble, each a few times.
const TROUBLES_MAX: usize = 32;
/// Requests per second of anything that one service may be asked for.
const RATE_MAX: f64 = 1e7;
/// More than any service here will have.
const TASKS_MAX: u32 = 500;

/// Reads a scenario and the environment that it names, beside it.
///
/// # Errors
///
/// Every fault of both.
pub fn read(path: &Path) -> Result<Scenario, Faults> {
    let text = read_text(path)?;
    let mut of_environment = Vec::new();
    let read = decode(&path.display().to_string(), &text, |root| {
        let map = root.map(KEYS)?;
        let environment = environment(&map, path, &mut of_environment);
        scenario(&map, environment)
    });
    read.map_err(|Faults(mut faults)| {
        faults.append(&mut of_environment);
        Faults(faults)
    })
}

fn environment(map: &Map<'_>, path: &Path, faults: &mut Vec<Fault>) -> Option<Environment> {
    let field = map.required("environment")?;
    let name = field.text()?;
    match read_environments(&[path.with_file_name(&name)]) {
        Ok(environments) => environments.into_iter().next(),
        Err(Faults(more)) => {
            faults.extend(more);
            field.fault(format!("`{name}` has faults of its own"))
        }
    }
}

/// Reads every part before it gives up on any.
fn scenario(map: &Map<'_>, environment: Option<Environment>) -> Option<Scenario> {
    let kind = map.required("kind").and_then(|f| f.choice(&[("Scenario", ())]));
    let name = map.required("name").and_then(|f| f.name());
    let summary = map.required("summary").and_then(|f| f.text());
    let signals = environment.as_ref().map_or(&[][..], |one| &one.signals);
    let scaling = map.or("scaling", None, |f| read_policy(f, signals).map(Some));
    let start = map.required("start").and_then(|f| start(&f));
    let days = map.required("days").and_then(|f| f.count(1..=DAYS_MAX));
    let service = map.or("service", Service::default(), service);
    let load = map.required("load").and_then(|f| load(&f));
    let troubles = map.or("troubles", vec![], |f| f.list(TROUBLES_MAX, |item| trouble(&item)));
    let expect = map.or("expect", Expect::default(), expect);
    let roadmap = map.or("roadmap", None, |f| roadmap(f).map(Some));
    kind?;
    let mut environment = environment?;
    if let Some(scaling) = scaling? {
        environment.scaling = scaling;
    }
    Some(Scenario {
        name: name?,
        summary: summary?,
        environment,
        start: start?,
        days: days?,
        service: service?,
        load: load?,
        troubles: troubles?,
        expect: expect?,
        roadmap: roadmap?,
    })
}

fn start(field: &Field<'_>) -> Option<DateTime<Utc>> {
    let text = field.text()?;
    match DateTime::parse_from_rfc3339(&text) {
        Ok(at) if at.timestamp().rem_euclid(60) == 0 => Some(at.to_utc()),
        Ok(_) => field.fault("must be a whole minute"),
        Err(_) => field.fault(format!("`{text}` must be an instant as 2026-03-02T00:00:00Z")),
    }
}

fn service(field: &Field<'_>) -> Option<Service> {
    const KEYS: &[&str] = &[
        "capacity_per_task",
        "service_ms",
        "p95_ms",
        "saturation",
        "start",
        "cpu_units",
        "memory_mib",
    ];
    let map = field.map(KEYS)?;
    let usual = Service::default();
    let capacity = map.or("capacity_per_task", usual.capacity_per_task, |f| f.number(1.0..=1e6));
    let service_ms = map.or("service_ms", usual.service_ms, |f| f.number(0.1..=10_000.0));
    let p95 = map.or("p95_ms", usual.p95_ms_max, |f| f.number(1.0..=60_000.0));
    let saturation = map.or("saturation", usual.saturation, |f| share(f, 50.0..=100.0));
    let start_s = map.or("start", usual.start_s, |f| span(f, 1..=900));
    let cpu_units = map.or("cpu_units", usual.cpu_units, |f| f.count(256..=16_384));
    let memory_mib = map.or("memory_mib", usual.memory_mib, |f| f.count(512..=122_880));
    let service = Service {
        capacity_per_task: capacity?,
        service_ms: service_ms?,
        p95_ms_max: p95?,
        saturation: saturation?,
        start_s: start_s?,
        cpu_units: cpu_units?,
        memory_mib: memory_mib?,
    };
    if service.p95_ms(0.0, 1) >= service.p95_ms_max {
        return field.fault(format!(
            "service_ms: an idle service would need {:.0} ms for its p95, beyond {} ms",
            service.p95_ms(0.0, 1),
            service.p95_ms_max
        ));
    }
    Some(service)
}

/// `{ from: 20s, to: 60s }`, in seconds.
fn span(field: &Field<'_>, seconds: std::ops::RangeInclusive<u64>) -> Option<(i64, i64)> {
    let map = field.map(&["from", "to"])?;
    let from = map.required("from").and_then(|f| whole(&f, seconds.clone()));
    let to = map.required("to").and_then(|f| whole(&f, seconds));
    let (from, to) = (from?, to?);
    if from > to {
        return field.fault("from must not be above to");
    }
    Some((from, to))
}

fn whole(field: &Field<'_>, seconds: std::ops::RangeInclusive<u64>) -> Option<i64> {
    let second = std::time::Duration::from_secs;
    let range = second(*seconds.start())..=second(*seconds.end());
    i64::try_from(field.duration(range)?.as_secs()).ok()
}

/// From percent to a share of 1.
fn share(field: &Field<'_>, percent: std::ops::RangeInclusive<f64>) -> Option<f64> {
    let value = field.percent()?;
    if percent.contains(&value) {
        Some(value / 100.0)
    } else {
        field.fault(format!("must be from {}% to {}%", percent.start(), percent.end()))
    }
}

fn load(field: &Field<'_>) -> Option<Shape> {
    let map = field.map(&["sustained", "peak", "night", "weekend", "noise", "surges"])?;
    let sustained = map.required("sustained").and_then(|f| f.number(1.0..=RATE_MAX));
    let peak = map.required("peak").and_then(|f| f.number(1.0..=RATE_MAX));
    let night = map.or("night", 1.0, |f| share(f, 0.0..=100.0));
    let weekend = map.or("weekend", 1.0, |f| share(f, 0.0..=100.0));
    let noise = map.or("noise", 0.0, |f| share(f, 0.0..=50.0));
    let none = Surges { per_day: 0.0, rise_s: (0, 0), for_s: (0, 0) };
    let surges = map.or("surges", none, surges);
    let (sustained, peak) = (sustained?, peak?);
    if peak < sustained {
        return field.fault(format!("peak {peak} is below sustained {sustained}"));
    }
    let (night, weekend, noise) = (night?, weekend?, noise?);
    Some(Shape { sustained, peak, night, weekend, noise, surges: surges? })
}

fn surges(field: &Field<'_>) -> Option<Surges> {
    let map = field.map(&["per_day", "rise", "for"])?;
    let per_day = map.required("per_day").and_then(|f| f.number(0.0..=100.0));
    let rise = map.required("rise").and_then(|f| span(&f, 0..=7_200));
    let lasting = map.required("for").and_then(|f| span(&f, 0..=21_600));
    Some(Surges { per_day: per_day?, rise_s: rise?, for_s: lasting? })
}

fn trouble(field: &Field<'_>) -> Option<TroubleRule> {
    let map = field.map(&["kind", "at", "per_day", "for"])?;
    let kind = map.required("kind").and_then(|f| f.choice(&Trouble::NAMES));
    let at = map.optional("at").map(|f| whole(&f, 0..=86_399).map(When::At));
    let often = map.optional("per_day").map(|f| f.number(0.0..=100.0).map(When::PerDay));
    let for_s = map.required("for").and_then(|f| span(&f, 1..=86_400));
    let when = match (at, often) {
        (Some(when), None) | (None, Some(when)) => when,
        _ => return field.fault("must say exactly one of at, per_day"),
    };
    Some(TroubleRule { trouble: kind?, when: when?, for_s: for_s? })
}

fn expect(field: &Field<'_>) -> Option<Expect> {
    let map =
        field.map(&["lost_minutes_per_day", "availability", "tasks_min", "changes_per_day"])?;
    let number = |key: &str| map.or(key, None, |f| f.number(0.0..=1_440.0).map(Some));
    let (lost, changes) = (number("lost_minutes_per_day"), number("changes_per_day"));
    let availability = map.or("availability", None, |f| f.percent().map(Some));
    let tasks_min = map.or("tasks_min", None, |f| f.count(0..=TASKS_MAX).map(Some));
    Some(Expect {
        lost_minutes_per_day_max: lost?,
        availability_percent_min: availability?,
        tasks_min: tasks_min?,
        changes_per_day_max: changes?,
    })
}

fn roadmap(field: &Field<'_>) -> Option<Roadmap> {
    let map = field.map(&["users", "availability", "database", "cache", "broker", "mix"])?;
    let users = map.required("users").and_then(|f| f.count(1..=1_000_000_000));
    let availability = map.required("availability").and_then(|f| f.percent());
    let database = map.required("database").and_then(|f| nodes(&f)).map(database);
    let cache = map.required("cache").and_then(|f| nodes(&f)).map(cache);
    let broker = map.required("broker").and_then(|f| nodes(&f)).map(broker);
    let mix = map.required("mix").and_then(|f| mix(&f));
    Some(Roadmap {
        users: users?,
        availability_percent: availability?,
        database: database?,
        cache: cache?,
        broker: broker?,
        mix: mix?,
    })
}

fn nodes(field: &Field<'_>) -> Option<(String, u32)> {
    let map = field.map(&["type", "count"])?;
    let kind = map.required("type").and_then(|f| f.text());
    let count = map.required("count").and_then(|f| f.count(1..=40));
    Some((kind?, count?))
}

fn mix(field: &Field<'_>) -> Option<Mix> {
    let map = field.map(&["reads", "cached", "reads_per_reader", "writes_per_writer"])?;
    let reads = map.required("reads").and_then(|f| share(&f, 0.0..=100.0));
    let cached = map.required("cached").and_then(|f| share(&f, 0.0..=100.0));
    let per_reader = map.required("reads_per_reader").and_then(|f| f.number(1.0..=1e6));
    let per_writer = map.required("writes_per_writer").and_then(|f| f.number(1.0..=1e6));
    Some(Mix {
        reads: reads?,
        cached: cached?,
        reads_per_reader: per_reader?,
        writes_per_writer: per_writer?,
    })
}

//! The policy's parts, and their faults: each named, and all of a file at once.

use std::path::Path;

use super::*;
use crate::config::signals;
use crate::document::decode;

const SIGNALS: &str = "
  requests: { namespace: W, metric: R, dimensions: {}, statistic: Sum, period: 10s, max_age: 45s, absent: unknown }
  errors: { namespace: W, metric: R, dimensions: {}, statistic: Sum, period: 10s, max_age: 45s, absent: unknown }
  p50_ms: { namespace: W, metric: R, dimensions: {}, statistic: p50, period: 10s, max_age: 45s, absent: unknown }
  p95_ms: { namespace: W, metric: R, dimensions: {}, statistic: p95, period: 10s, max_age: 45s, absent: unknown }
  p99_ms: { namespace: W, metric: R, dimensions: {}, statistic: p99, period: 10s, max_age: 45s, absent: unknown }
  outbox_pending: { namespace: W, metric: R, dimensions: {}, statistic: Sum, period: 10s, max_age: 45s, absent: unknown }
  cpu_percent: { namespace: W, metric: R, dimensions: {}, statistic: Average, period: 20s, max_age: 90s, absent: unknown }
  memory_percent: { namespace: W, metric: R, dimensions: {}, statistic: Average, period: 20s, max_age: 90s, absent: unknown }
  reader_cpu_percent: { namespace: W, metric: R, dimensions: {}, statistic: Average, period: 60s, max_age: 3m, absent: unknown }
";

const SCALING: &str = "
  mode: own
  tasks: { min: 3, max: 20 }
  targets: { cpu_percent: 60, memory_percent: 80, requests_per_task: 300 }
  band: 10%
  out: { points: 2, step: 50% }
  in: { points: 9, cooldown: 300s, step: 20%, reversals: 4 }
  boost: { error_percent: 2, p95_ms: 250, add: 40%, rise: { share: 50%, periods: 3 } }
  schedules:
    - { name: payday, zone: America/Sao_Paulo, days: [fri, sat], from: 08:00, to: 20:00, min: 6 }
    - { name: night, zone: Europe/Madrid, days: [mon], from: 22:00, to: 06:00, max: 4 }
  fallback: { after: 5m, tasks: 8 }
  forecast: { lead: 15m, coverage: 95% }
  readers:
    count: { min: 2, max: 5 }
    targets: { cpu_percent: 60 }
    band: 10%
    out: { points: 3 }
    in: { points: 10, cooldown: 10m }
    period: 30s
  period: 10s
";

fn read_text(scaling: &str) -> Result<Scaling, Vec<String>> {
    let text = format!("signals:{SIGNALS}scaling:{scaling}");
    let read = decode("env.yaml", &text, |root| {
        let map = root.map(&["signals", "scaling"])?;
        let signals = signals::read(&map.required("signals")?)?;
        read(&map.required("scaling")?, &signals)
    });
    read.map_err(|faults| faults.0.iter().map(ToString::to_string).collect())
}

#[test]
fn everything_that_can_be_said_is_read() {
    let scaling = read_text(SCALING).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let tasks = &scaling.tasks;
    assert_eq!((tasks.unit, tasks.mode, tasks.targets.len()), (Unit::Tasks, ScalingMode::Own, 3));
    assert_eq!((tasks.step_out, tasks.step_in, tasks.reversals_max), (0.5, 0.2, 4));
    let boost = tasks.boost.unwrap();
    assert_eq!((boost.error_percent, boost.p95_ms, boost.add), (Some(2.0), Some(250.0), 0.4));
    assert_eq!(boost.rise.map(|rise| (rise.share, rise.periods)), Some((0.5, 3.0)));
    assert_eq!(tasks.fallback.unwrap().tasks, Some(8));
    let [payday, night] = tasks.schedules.as_slice() else { panic!("{:?}", tasks.schedules) };
    assert_eq!(
        (payday.zone, payday.min, payday.max),
        (chrono_tz::America::Sao_Paulo, Some(6), None)
    );
    assert_eq!((night.zone, night.min, night.max), (chrono_tz::Europe::Madrid, None, Some(4)));
    let readers = scaling.readers.unwrap();
    assert_eq!((readers.unit, readers.mode), (Unit::Readers, ScalingMode::Floor));
    assert_eq!((readers.tasks_min, readers.tasks_max), (2, 5));
    assert_eq!(scaling.forecast.map(|one| (one.per_task, one.coverage)), Some((300.0, 0.95)));
    assert_eq!(scaling.forecast.map(|one| one.zone), Some(chrono_tz::Tz::America__Sao_Paulo));
}

#[test]
fn what_is_not_said_has_careful_defaults() {
    let least = "
  mode: floor
  tasks: { min: 3, max: 20 }
  targets: { cpu_percent: 60 }
  band: 10%
  out: { points: 2 }
  in: { points: 9, cooldown: 300s }
  period: 10s
";
    let scaling = read_text(least).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let tasks = scaling.tasks;
    assert_eq!((tasks.step_out, tasks.step_in, tasks.reversals_max), (1.0, 0.1, 3));
    assert_eq!((tasks.boost, tasks.fallback, tasks.schedules), (None, None, vec![]));
    assert!(scaling.readers.is_none() && scaling.forecast.is_none());
}

#[test]
fn each_fault_is_named_with_its_field_and_limit() {
    #[rustfmt::skip]
    let table = [
        ("memory_percent: 80", "memory_percent: 99", "scaling.targets.memory_percent: must be a number from 1 to 95"),
        ("step: 50%", "step: 5%", "scaling.out.step: must be from 10% to 100%"),
        ("step: 20%", "step: 90%", "scaling.in.step: must be from 1% to 50%"),
        ("reversals: 4", "reversals: 0", "scaling.in.reversals: must be a whole number from 1 to 20"),
        ("error_percent: 2,", "error_percent: 0,", "scaling.boost.error_percent: must be a number from 0.1 to 100"),
        ("boost: { error_percent: 2, p95_ms: 250, add: 40%, rise: { share: 50%, periods: 3 } }", "boost: { add: 40% }",
            "scaling.boost: must name at least one of error_percent, p95_ms, rise"),
        ("share: 50%", "share: 10%", "scaling.boost.rise.share: must be from 20% to 100%"),
        ("America/Sao_Paulo", "America/Sao_Paolo", "scaling.schedules[0].zone: `America/Sao_Paolo` is no IANA time zone, such as America/Sao_Paulo"),
        ("[fri, sat]", "[fri, payday]", "scaling.schedules[0].days[1]: `payday` is none of mon, tue, wed, thu, fri, sat, sun"),
        ("from: 08:00", "from: 25:00", "scaling.schedules[0].from: `25:00` must be a time from 00:00 to 23:59"),
        (", min: 6 }", " }", "scaling.schedules[0]: must have a min, a max or both"),
        (", min: 6 }", ", min: 6, max: 5 }", "scaling.schedules[0]: min 6 is above max 5"),
        ("name: night", "name: payday", "scaling.schedules[1]: `payday` is the name of another window"),
        ("after: 5m", "after: 5s", "scaling.fallback.after: must be a duration from 1m to 1h"),
        ("tasks: 8", "tasks: 0", "scaling.fallback.tasks: must be a whole number from 1 to 5000"),
        ("coverage: 95%", "coverage: 95%, zone: Brazil/Rio", "scaling.forecast.zone: `Brazil/Rio` is no IANA time zone, such as America/Sao_Paulo"),
        ("lead: 15m", "lead: 1d", "scaling.forecast.lead: must be a duration from 1m to 2h"),
        (", requests_per_task: 300", "", "scaling.forecast: needs the target requests_per_task: a load cannot be turned into tasks without it"),
        ("count: { min: 2, max: 5 }", "count: { min: 2, max: 16 }", "scaling.readers.count.max: must be a whole number from 1 to 15"),
        ("targets: { cpu_percent: 60 }", "targets: { connections: 60 }", "scaling.readers.targets: connections: needs the signal `reader_connections`, which is not here"),
        ("points: 10, cooldown: 10m", "points: 15, cooldown: 10m", "scaling.readers.in: points: 15 periods reach back further than 900 s; 14 at most"),
    ];
    for (right, wrong, want) in table {
        assert!(SCALING.contains(right), "{right} is not in the file");
        let Err(faults) = read_text(&SCALING.replacen(right, wrong, 1)) else {
            panic!("{wrong} was accepted")
        };
        let want = want.replace("targets: connections:", "targets.connections:");
        assert!(faults.iter().any(|fault| fault.contains(&want)), "{want} in {faults:#?}");
    }
}

#[test]
fn all_faults_of_a_policy_are_told_at_once() {
    let wrong = SCALING
        .replacen("memory_percent: 80", "memory_percents: 80", 1)
        .replacen("America/Sao_Paulo", "Brasil", 1)
        .replacen("after: 5m", "after: soon", 1)
        .replacen("coverage: 95%", "coverage: 100%", 1)
        .replacen("max: 5 }", "max: many }", 1);
    let Err(faults) = read_text(&wrong) else { panic!("{wrong} was accepted") };
    for (line, want) in [
        (14, "scaling.targets: unknown key `memory_percents`; did you mean `memory_percent`?"),
        (20, "scaling.schedules[0].zone: `Brasil` is no IANA time zone"),
        (22, "scaling.fallback.after: must be a duration from 1m to 1h"),
        (23, "scaling.forecast.coverage: must be from 50% to 99%"),
        (25, "scaling.readers.count.max: must be a whole number from 1 to 15"),
    ] {
        let named = format!("env.yaml:{line}: {want}");
        assert!(faults.iter().any(|fault| fault.starts_with(&named)), "{named} in {faults:#?}");
    }
}

/// Every shipped environment is read, with the policy that it names.
#[test]
fn the_shipped_policy_has_a_safe_floor_for_those_who_see_nothing() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/local.yaml");
    let local = crate::config::read_environments(&[file]).unwrap().remove(0);
    let fallback = local.scaling.fallback.expect("local names a fallback");
    assert!(fallback.tasks.is_some_and(|tasks| tasks >= local.scaling.tasks_min));
}

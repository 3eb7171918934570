//! Conditions: `{ resource, field, is, for, max_age }` and its kin.

use super::{DAY, Scope};
use crate::{
    document::{Field, Map, nearest, parse_duration},
    runbook::{
        condition::{Condition, Limits, Operator, Test},
        world::fields,
    },
};
use protocol::control::Severity;
use std::time::Duration;

/// Answers of the cloud are asked for every second during a run.
const RESOURCE_AGE: Duration = Duration::from_secs(30);
/// The only probe there is: money moved through the load balancer.
const PROBE: &str = "wallet.deposit";
/// Signals that the daemon collects for every environment.
const SIGNALS: [&str; 9] = [
    "tps",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "error_percent",
    "cpu_percent",
    "memory_percent",
    "requests_per_task",
    "outbox_pending",
];
/// The probe keeps as many outcomes.
const CONSECUTIVE_MAX: usize = 100;

/// A list of conditions that must all hold.
pub fn conditions(field: &Field<'_>, scope: &Scope, items_max: usize) -> Option<Vec<Condition>> {
    field.list(items_max, |item| condition(&item, scope))
}

/// One condition.
pub fn condition(field: &Field<'_>, scope: &Scope) -> Option<Condition> {
    let map = field.map(&[
        "resource",
        "deployment",
        "signal",
        "probe",
        "alerts",
        "any",
        "field",
        "severity",
        "is",
        "for",
        "max_age",
    ])?;
    let subjects = ["resource", "deployment", "signal", "probe", "alerts", "any"];
    let named: Vec<&str> =
        subjects.into_iter().filter(|subject| map.optional(subject).is_some()).collect();
    match named.as_slice() {
        ["resource"] => resource(&map, scope),
        ["deployment"] => deployment(&map, scope),
        ["signal"] => signal(&map, scope),
        ["probe"] => probe(&map),
        ["alerts"] => alerts(&map, scope),
        ["any"] => {
            stray(&map, &["field", "severity", "is", "for", "max_age"]);
            Some(Condition::Any(conditions(&map.optional("any")?, scope, 8)?))
        }
        _ => field.fault(format!("must name exactly one of {}", subjects.join(", "))),
    }
}

fn resource(map: &Map<'_>, scope: &Scope) -> Option<Condition> {
    stray(map, &["severity"]);
    let field = map.optional("resource")?;
    let name = scope.template(&field);
    let kind = name.as_ref().and_then(|name| {
        let kind = name.only_name().and_then(|name| scope.resource(name));
        kind.or_else(|| field.fault("must be one parameter of type resource, as `${cluster}`"))
    });
    let asked = map.required("field").and_then(|f| Some((f.text()?, f)));
    if let (Some(kind), Some((asked, f))) = (kind, &asked)
        && !fields(kind).contains(&asked.as_str())
    {
        let known = fields(kind);
        let hint = nearest(asked, known.iter().copied())
            .map_or_else(|| known.join(", "), |word| format!("did you mean `{word}`?"));
        f.fault::<()>(format!("no field `{asked}` here; {hint}"));
    }
    let test = map.required("is").and_then(|f| test(&f, scope));
    let limits = limits(map, Some(RESOURCE_AGE));
    Some(Condition::Resource {
        kind: kind?,
        name: name?,
        field: asked?.0,
        test: test?,
        limits: limits?,
    })
}

/// `{ deployment: "${before.deployment}", is: complete }`
fn deployment(map: &Map<'_>, scope: &Scope) -> Option<Condition> {
    stray(map, &["field", "severity"]);
    let id = map.optional("deployment").and_then(|f| scope.template(&f));
    let is = map.required("is").and_then(|f| f.choice(&[("complete", ())]));
    let limits = limits(map, Some(RESOURCE_AGE));
    is?;
    Some(Condition::Deployment { id: id?, limits: limits? })
}

fn signal(map: &Map<'_>, scope: &Scope) -> Option<Condition> {
    stray(map, &["field", "severity"]);
    let field = map.optional("signal")?;
    let name = field.text().and_then(|name| {
        if SIGNALS.contains(&name.as_str()) {
            return Some(name);
        }
        let hint = nearest(&name, SIGNALS)
            .map_or_else(|| SIGNALS.join(", "), |word| format!("did you mean `{word}`?"));
        field.fault(format!("no signal `{name}`; {hint}"))
    });
    let test = map.required("is").and_then(|f| test(&f, scope));
    let limits = limits(map, None);
    Some(Condition::Signal { name: name?, test: test?, limits: limits? })
}

fn probe(map: &Map<'_>) -> Option<Condition> {
    stray(map, &["field", "severity", "max_age"]);
    let name = map.optional("probe").and_then(|f| f.choice(&[(PROBE, ())]));
    let is = map.required("is").and_then(|f| f.choice(&[("ok", ())]));
    let consecutive = map.required("for").and_then(|f| {
        let text = f.text()?;
        let count = text.strip_suffix(" consecutive").and_then(|n| n.parse::<usize>().ok());
        match count {
            Some(count) if (1..=CONSECUTIVE_MAX).contains(&count) => Some(count),
            _ => f.fault(format!("must be 1 to {CONSECUTIVE_MAX} in a row, as `5 consecutive`")),
        }
    });
    name?;
    is?;
    Some(Condition::Probe { consecutive: consecutive? })
}

fn alerts(map: &Map<'_>, scope: &Scope) -> Option<Condition> {
    stray(map, &["field", "for", "max_age"]);
    let active = map.optional("alerts").and_then(|f| f.choice(&[("firing", ())]));
    let at_least = map.required("severity").and_then(|f| {
        let severities = [Severity::P1, Severity::P2, Severity::P3, Severity::P4];
        f.choice(&severities.map(|one| (["P1", "P2", "P3", "P4"][one as usize], one)))
    });
    let test = map.required("is").and_then(|f| test(&f, scope));
    active?;
    Some(Condition::Alerts { at_least: at_least?, test: test? })
}

/// Keys that are known, but not for this kind of condition.
fn stray(map: &Map<'_>, keys: &[&str]) {
    for field in keys.iter().filter_map(|key| map.optional(key)) {
        field.fault::<()>("has no meaning for this kind of condition");
    }
}

/// `= available`, `>= 1`, `!= ${before.writer}`.
fn test(field: &Field<'_>, scope: &Scope) -> Option<Test> {
    let text = field.text()?;
    // The longer operators first: `>=` begins with `>`.
    let operators = [
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
        ("!=", Operator::NotEqual),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::More),
    ];
    let read = operators
        .into_iter()
        .find_map(|(sign, operator)| Some((operator, text.strip_prefix(sign)?.trim())));
    let Some((operator, operand)) = read.filter(|(_, operand)| !operand.is_empty()) else {
        return field.fault(format!(
            "`{text}` must be a comparison and a value, as `= available` or `>= 1`"
        ));
    };
    let operand = scope.template_of(field, operand)?;
    let compares = !matches!(operator, Operator::Equal | Operator::NotEqual);
    if compares && operand.literal().is_some_and(|text| text.parse::<f64>().is_err()) {
        return field.fault(format!("`{text}` compares with something that is no number"));
    }
    Some(Test { operator, operand })
}

fn limits(map: &Map<'_>, age_default: Option<Duration>) -> Option<Limits> {
    let second = Duration::from_secs(1);
    let max_age = match (map.optional("max_age"), age_default) {
        (Some(field), _) => field.duration(second..=DAY),
        (None, Some(age)) => Some(age),
        (None, None) => map.required("max_age").and_then(|f| f.duration(second..=DAY)),
    };
    let holds = map.or("for", Duration::ZERO, |f| {
        let lasts = f.text().and_then(|text| parse_duration(&text));
        lasts.or_else(|| f.fault("must be a duration, as `90s`"))
    });
    Some(Limits { max_age: max_age?, holds: holds? })
}

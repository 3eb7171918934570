//! Alert rules and the topics through which people hear of them.

use std::collections::BTreeMap;

use protocol::control::Severity;

use super::{delta, environment::arn, signals::DERIVED};
use crate::alert::{Condition, Rule};
use crate::document::{Field, Map, Value, nearest};
use crate::readings::Signal;

const RULES_MAX: usize = 100;
const KEYS: &[&str] = &["name", "severity", "when", "for", "clear_for", "runbook"];
const SEVERITIES: [(&str, Severity); 4] =
    [("P1", Severity::P1), ("P2", Severity::P2), ("P3", Severity::P3), ("P4", Severity::P4)];

/// The topics by severity.
pub(super) fn topics(field: &Field<'_>) -> Option<BTreeMap<Severity, String>> {
    let map = field.map(&["P1", "P2", "P3"])?;
    let topics = SEVERITIES.iter().filter_map(|(name, severity)| {
        let field = if *name == "P4" { None } else { map.optional(name) };
        field.map(|field| Some((*severity, arn(&field, "sns")?)))
    });
    topics.collect()
}

/// The rules. `signals` and `topics` are those of the same file.
pub(super) fn read(
    field: &Field<'_>,
    signals: &[Signal],
    topics: &BTreeMap<Severity, String>,
) -> Option<Vec<Rule>> {
    let mut seen = Vec::new();
    let rules = field.list(RULES_MAX, |item| {
        let rule = rule(&item, signals, topics)?;
        if seen.contains(&rule.name) {
            return item.fault(format!("`{}` is the name of another rule", rule.name));
        }
        seen.push(rule.name.clone());
        Some(rule)
    })?;
    Some(rules)
}

fn rule(
    field: &Field<'_>,
    signals: &[Signal],
    topics: &BTreeMap<Severity, String>,
) -> Option<Rule> {
    let map = field.map(KEYS)?;
    let name = map.required("name").and_then(|f| f.name());
    let severity = map.required("severity").and_then(|f| severity(&f, topics));
    let condition = map.required("when").and_then(|f| condition(&f, signals));
    let hold_for = map.required("for").and_then(|f| delta(&f, 0..=86_400));
    let clear_for = map.required("clear_for").and_then(|f| delta(&f, 0..=86_400));
    let runbook = match map.optional("runbook") {
        Some(field) => field.name().map(Some),
        None => Some(None),
    };
    Some(Rule {
        name: name?,
        severity: severity?,
        condition: condition?,
        hold_for: hold_for?,
        clear_for: clear_for?,
        runbook: runbook?,
    })
}

/// A severity that pages somebody needs a topic to page through.
fn severity(field: &Field<'_>, topics: &BTreeMap<Severity, String>) -> Option<Severity> {
    let severity = field.choice(&SEVERITIES)?;
    if severity != Severity::P4 && !topics.contains_key(&severity) {
        return field.fault(format!("topics has none for {severity:?}"));
    }
    Some(severity)
}

fn condition(field: &Field<'_>, signals: &[Signal]) -> Option<Condition> {
    if let Value::Text(_) = field.value() {
        return field.choice(&[("writer_down", Condition::WriterDown)]);
    }
    let map = field.map(&["above", "below", "no_data"])?;
    let named: Vec<&str> =
        ["above", "below", "no_data"].into_iter().filter(|k| map.optional(k).is_some()).collect();
    let [one] = named.as_slice() else {
        return field.fault("must be writer_down, or exactly one of above, below, no_data");
    };
    let inner = map.required(one)?;
    match *one {
        "no_data" => Some(Condition::NoData { signal: known(&inner, &inner.text()?, signals)? }),
        way => {
            let (signal, limit) = limit(&inner.open_map()?, signals)?;
            Some(if way == "above" {
                Condition::Above { signal, limit }
            } else {
                Condition::Below { signal, limit }
            })
        }
    }
}

fn limit(map: &Map<'_>, signals: &[Signal]) -> Option<(String, f64)> {
    let mut fields = map.fields();
    let (Some((name, field)), None) = (fields.next(), fields.next()) else {
        return map.whole().fault("must name one signal with its limit");
    };
    let limit = field.number(-1e12..=1e12);
    Some((known(&field, name, signals)?, limit?))
}

fn known(field: &Field<'_>, name: &str, signals: &[Signal]) -> Option<String> {
    let names = || signals.iter().map(|signal| signal.name.as_str()).chain(DERIVED);
    // Without any signal the fault is in that section and was noted there.
    if signals.is_empty() || names().any(|one| one == name) {
        return Some(name.to_owned());
    }
    let hint =
        nearest(name, names()).map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
    field.fault(format!("`{name}` is no signal here{hint}"))
}

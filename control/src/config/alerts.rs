//! Alert rules, and which of them explain which others.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use protocol::control::Severity;

use super::{delta, signals::DERIVED, slos::burn};
use crate::alert::{Condition, Expected, Routes, Rule, built_in_rules};
use crate::document::{Field, Map, Value, nearest};
use crate::readings::Signal;
use crate::slo::Slo;

const RULES_MAX: usize = 100;
const CAUSES_MAX: usize = 10;
const KEYS: &[&str] = &[
    "name",
    "severity",
    "when",
    "for",
    "clear_for",
    "runbook",
    "resource",
    "symptom_of",
    "expected_in",
];
const CONDITIONS: &[&str] = &["above", "below", "no_data", "burn", "anomaly", "finding"];
pub(super) const SEVERITIES: [(&str, Severity); 4] =
    [("P1", Severity::P1), ("P2", Severity::P2), ("P3", Severity::P3), ("P4", Severity::P4)];

/// What rules of a file may name.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) signals: &'a [Signal],
    pub(super) slos: &'a [Slo],
    /// `None`: they are faulty themselves, and nothing can be said against them.
    pub(super) routes: Option<&'a Routes>,
}

/// The rules, and those that are built in.
pub(super) fn read(field: &Field<'_>, scope: Scope<'_>) -> Option<Vec<Rule>> {
    let mut seen = Vec::new();
    let rules = field.list(RULES_MAX, |item| {
        let rule = rule(&item, scope)?;
        if seen.contains(&rule.name) {
            return item.fault(format!("`{}` is the name of another rule", rule.name));
        }
        seen.push(rule.name.clone());
        Some((rule, item))
    })?;
    let all: Vec<Rule> = rules.iter().map(|(rule, _)| rule.clone()).collect();
    for (rule, item) in &rules {
        causes(item, rule, &all);
    }
    let built_in = built_in_rules(&all);
    Some(all.into_iter().chain(built_in).collect())
}

/// Causes must exist, be at least as severe as what they keep quiet, and form a tree.
fn causes(field: &Field<'_>, rule: &Rule, all: &[Rule]) {
    let find = |name: &str| all.iter().find(|other| other.name == *name);
    for name in &rule.symptom_of {
        let _: Option<()> = match find(name) {
            None => field.fault(format!("symptom_of: `{name}` is no rule here")),
            Some(cause) if cause.severity > rule.severity => field.fault(format!(
                "symptom_of: `{name}` is only {:?} and must not keep a {:?} quiet",
                cause.severity, rule.severity
            )),
            Some(_) => None,
        };
    }
    let mut reached = BTreeSet::new();
    let mut open: Vec<&String> = rule.symptom_of.iter().collect();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(find(name).into_iter().flat_map(|cause| &cause.symptom_of));
        }
    }
    if reached.contains(&rule.name) {
        field.fault::<()>("symptom_of: leads back to the rule itself, so none would be told");
    }
}

fn rule(field: &Field<'_>, scope: Scope<'_>) -> Option<Rule> {
    let map = field.map(KEYS)?;
    let name = map.required("name").and_then(|f| f.name());
    let severity = map.required("severity").and_then(|f| severity(&f, scope.routes));
    let condition = map.required("when").and_then(|f| condition(&f, scope));
    let hold_for = map.required("for").and_then(|f| delta(&f, 0..=86_400));
    let clear_for = map.required("clear_for").and_then(|f| delta(&f, 0..=86_400));
    let runbook = match map.optional("runbook") {
        Some(field) => field.name().map(Some),
        None => Some(None),
    };
    let resource = map.or("resource", None, |f| f.name().map(Some));
    let symptom_of = map.or("symptom_of", vec![], |f| f.list(CAUSES_MAX, |item| item.name()));
    let expected_in = map.or("expected_in", vec![], |f| f.list(CAUSES_MAX, |item| expected(&item)));
    Some(Rule {
        name: name?,
        severity: severity?,
        condition: condition?,
        hold_for: hold_for?,
        clear_for: clear_for?,
        runbook: runbook?,
        resource: resource?,
        symptom_of: symptom_of?,
        expected_in: expected_in?,
    })
}

fn expected(field: &Field<'_>) -> Option<Expected> {
    let map = field.map(&["runbook", "step", "lasts"])?;
    let runbook = map.required("runbook").and_then(|f| f.name());
    let step = map.required("step").and_then(|f| f.name());
    let lasts: Option<TimeDelta> = map.required("lasts").and_then(|f| delta(&f, 1..=3_600));
    Some(Expected { runbook: runbook?, step: step?, lasts: lasts? })
}

/// A severity that pages somebody needs a topic to page through.
fn severity(field: &Field<'_>, routes: Option<&Routes>) -> Option<Severity> {
    let severity = field.choice(&SEVERITIES)?;
    let reached = routes.is_none_or(|routes| routes.topics(severity, 1).is_some());
    if severity != Severity::P4 && !reached {
        return field.fault(format!("topics has none for {severity:?}"));
    }
    Some(severity)
}

fn condition(field: &Field<'_>, scope: Scope<'_>) -> Option<Condition> {
    let signals = scope.signals;
    if let Value::Text(_) = field.value() {
        return field.choice(&[("writer_down", Condition::WriterDown)]);
    }
    let map = field.map(CONDITIONS)?;
    let mut named = CONDITIONS.iter().filter_map(|key| Some((*key, map.optional(key)?)));
    let (Some((way, inner)), None) = (named.next(), named.next()) else {
        let ways = CONDITIONS.join(", ");
        return field.fault(format!("must be writer_down, or exactly one of {ways}"));
    };
    Some(match way {
        "no_data" => Condition::NoData { signal: known(&inner, &inner.text()?, signals)? },
        "anomaly" => Condition::Anomaly { signal: recorded(&inner, signals)? },
        "finding" => Condition::Finding { name: inner.name()? },
        "burn" => {
            let (slo, limit) = burn(&inner, scope.slos)?;
            Condition::Burn { slo, limit }
        }
        _ => {
            let (signal, limit) = limit(&inner.open_map()?, signals)?;
            if way == "above" {
                Condition::Above { signal, limit }
            } else {
                Condition::Below { signal, limit }
            }
        }
    })
}

/// A signal of which AWS keeps the past: those that control makes have none.
fn recorded(field: &Field<'_>, signals: &[Signal]) -> Option<String> {
    let name = known(field, &field.text()?, signals)?;
    if DERIVED.contains(&name.as_str()) {
        return field.fault(format!("`{name}` is made by control and has no past to compare with"));
    }
    Some(name)
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

//! A scaling policy to play with: an environment file, or `kind: Policy` with the same `scaling:`.

use std::path::Path;

use chrono::TimeDelta;

use super::{environment, read_text, scaling};
use crate::cost::PriceBook;
use crate::document::{Faults, Field, Value, decode, parse};
use crate::readings::{Absence, Signal};
use crate::reconcile::capacity::Policy;

/// A policy and what is needed to play it.
#[derive(Clone, Debug)]
pub struct Variant {
    pub name: String,
    pub scaling: Policy,
    pub signals: Vec<Signal>,
    /// Only an environment has prices.
    pub prices: Option<PriceBook>,
}

/// Reads either kind of file.
///
/// # Errors
///
/// Every fault in it.
pub fn read_variant(path: &Path) -> Result<Variant, Faults> {
    let file = path.display().to_string();
    let text = read_text(path)?;
    if says_policy(&file, &text)? {
        return decode(&file, &text, |root| policy(&root));
    }
    let environment = environment::read(path)?;
    Ok(Variant {
        name: environment.name,
        scaling: environment.scaling,
        signals: environment.signals,
        prices: Some(environment.prices),
    })
}

/// Reads the text of a policy file that is to be played with an environment's own signals.
///
/// # Errors
///
/// Every fault in it.
pub fn read_variant_text(file: &str, text: &str, signals: &[Signal]) -> Result<Variant, Faults> {
    decode(file, text, |root| with(&root, signals.to_vec()))
}

/// Anything else is read as an environment, which names the fault if it is none.
fn says_policy(file: &str, text: &str) -> Result<bool, Faults> {
    let root = parse(file, text)?;
    let Value::Map(entries) = &root.value else { return Ok(false) };
    let policy = Value::Text("Policy".to_owned());
    Ok(entries.iter().any(|entry| entry.key == "kind" && entry.value.value == policy))
}

fn policy(root: &Field<'_>) -> Option<Variant> {
    with(root, signals())
}

fn with(root: &Field<'_>, signals: Vec<Signal>) -> Option<Variant> {
    let map = root.map(&["kind", "name", "scaling"])?;
    let kind = map.required("kind").and_then(|f| f.choice(&[("Policy", ())]));
    let name = map.required("name").and_then(|f| f.name());
    let scaling = map.required("scaling").and_then(|f| read_policy(&f, &signals));
    kind?;
    Some(Variant { name: name?, scaling: scaling?, signals, prices: None })
}

/// The policy of the service's tasks. Readers and a forecast may be there; they are not played.
pub(crate) fn read_policy(field: &Field<'_>, signals: &[Signal]) -> Option<Policy> {
    Some(scaling::read(field, signals)?.tasks)
}

/// The signals of a file that names none: those that capacity is decided by, at the periods of
/// the shipped environments.
fn signals() -> Vec<Signal> {
    let signal = |name: &str, namespace: &str, period: i64, max_age: i64| Signal {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        metric: name.to_owned(),
        dimensions: vec![],
        statistic: "Average".to_owned(),
        period: TimeDelta::seconds(period),
        max_age: TimeDelta::seconds(max_age),
        absent: Absence::Unknown,
        scale: 1.0,
    };
    vec![
        signal("requests", "Wallet", 10, 45),
        signal("cpu_percent", "AWS/ECS", 20, 90),
        signal("memory_percent", "AWS/ECS", 20, 90),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_policy_file_is_named() {
        let text = "kind: Policy\nname: No Name\nscaling:\n  mode: own\n  tasks: { min: 9, max: 3 }\n  \
                    targets: { cpu_percent: 60 }\n  band: 10%\n  out: { points: 0 }\n  \
                    in: { points: 9, cooldown: 300s }\n  period: 10s\n";
        let Faults(faults) = decode("p.yaml", text, |root| policy(&root)).unwrap_err();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "p.yaml:2: name: `No Name` must be 1 to 64 of a-z, 0-9, - and _, beginning with a \
                 letter",
                "p.yaml:5: scaling.tasks: min 9 is above max 3",
                "p.yaml:8: scaling.out.points: must be a whole number from 1 to 100",
            ]
        );
    }
}

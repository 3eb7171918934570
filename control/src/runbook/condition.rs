//! Conditions over the world, three-valued: what is unknown never satisfies.
//!
//! A condition says what to look at, what it must be, for how long, and how old the answer may
//! be. Nothing here is a string to be interpreted at three in the morning: all of it was decoded
//! and checked when the file was loaded.

use super::{
    book::ResourceKind,
    rollout,
    template::{Names, Template},
    world::World,
};
use crate::document::print_duration;
use chrono::{DateTime, Utc};
use protocol::control::Severity;
use std::{collections::BTreeMap, fmt, time::Duration};

/// One thing that must be so.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// A field of a resource, as AWS says it.
    Resource { kind: ResourceKind, name: Template, field: String, test: Test, limits: Limits },
    /// A deployment of the service, by its id: complete, and not replaced by a rollback.
    Deployment { id: Template, limits: Limits },
    /// A reading.
    Signal { name: String, test: Test, limits: Limits },
    /// Our own probe: so many successes in a row, all begun after the step.
    Probe { consecutive: usize },
    /// How many alerts at least this severe are firing.
    Alerts { at_least: Severity, test: Test },
    /// One of several.
    Any(Vec<Condition>),
}

/// How old an answer may be, and how long it must have held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_age: Duration,
    /// Zero: seen once is enough.
    pub holds: Duration,
}

/// A comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    pub operator: Operator,
    pub operand: Template,
}

/// How two values are compared. All but the first two need numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What is known about a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds(String),
    /// It is known not to hold.
    Fails(String),
    /// It is known that it will not come to hold, however long anybody waits.
    Never(String),
    /// It cannot be told. Never satisfies, never disproves.
    Unknown(String),
}

impl Verdict {
    /// True only for what is known to hold.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(self, Self::Holds(_))
    }

    /// The finding in words.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Holds(words) | Self::Fails(words) | Self::Never(words) | Self::Unknown(words) => {
                words
            }
        }
    }
}

/// Since when each condition of a step has held without a break. Lost in a crash, which only
/// makes a wait longer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Streaks(BTreeMap<String, DateTime<Utc>>);

impl Streaks {
    /// Notes whether `key` holds now, and returns for how long it has.
    fn note(&mut self, key: &str, holds: bool, now: DateTime<Utc>) -> Duration {
        if !holds {
            self.0.remove(key);
            return Duration::ZERO;
        }
        let since = *self.0.entry(key.to_owned()).or_insert(now);
        (now - since).to_std().unwrap_or_default()
    }
}

/// What a judgement may look at.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub world: &'a World,
    pub names: &'a Names,
    /// Answers and probes from before this instant prove nothing.
    pub after: Option<DateTime<Utc>>,
    pub now: DateTime<Utc>,
}

/// Judges one condition. `key` names it among the streaks: step, role and position.
pub fn judge(
    condition: &Condition,
    scene: &Scene<'_>,
    streaks: &mut Streaks,
    key: &str,
) -> Verdict {
    match condition {
        Condition::Resource { kind, name, field, test, limits } => {
            let Some(name) = name.resolve(scene.names) else {
                return Verdict::Unknown(format!("`{name}` has no value yet"));
            };
            let seen = scene.world.field(*kind, &name, field);
            let what = format!("{name} {field}");
            let verdict = match seen {
                None => Verdict::Unknown(format!("{what} is not known")),
                Some(seen) => aged(&what, seen.at, limits, scene)
                    .unwrap_or_else(|| test.judge(&what, &seen.value, scene.names)),
            };
            held(verdict, limits, scene, streaks, key)
        }
        Condition::Deployment { id, limits } => {
            let verdict = judge_deployment(id, limits, scene);
            held(verdict, limits, scene, streaks, key)
        }
        Condition::Signal { name, test, limits } => {
            let reading = scene.world.signals.get(name).copied();
            let verdict = match reading.and_then(|reading| reading.fresh().zip(reading.last())) {
                None => Verdict::Unknown(format!("{name} has no fresh reading")),
                Some((value, (_, at))) => aged(name, at, limits, scene)
                    .unwrap_or_else(|| test.judge(name, &round(value), scene.names)),
            };
            held(verdict, limits, scene, streaks, key)
        }
        Condition::Probe { consecutive } => judge_probe(*consecutive, scene),
        Condition::Alerts { at_least, test } => match &scene.world.alerts {
            None => Verdict::Unknown("alerts could not be evaluated".to_owned()),
            Some(firing) => {
                // P1 sorts before P4: at least as severe is at most as large.
                let count = firing.iter().filter(|severity| *severity <= at_least).count();
                let what = format!("firing alerts of {at_least:?} and above");
                test.judge(&what, &count.to_string(), scene.names)
            }
        },
        Condition::Any(conditions) => judge_any(conditions, scene, streaks, key),
    }
}

/// Judges several that must all hold: one that fails decides, then one that is unknown.
pub fn judge_all(
    conditions: &[Condition],
    scene: &Scene<'_>,
    streaks: &mut Streaks,
    key: &str,
) -> Verdict {
    let verdicts: Vec<Verdict> = conditions
        .iter()
        .enumerate()
        .map(|(index, one)| judge(one, scene, streaks, &format!("{key}/{index}")))
        .collect();
    let words = |keep: fn(&Verdict) -> bool| -> Option<String> {
        let kept: Vec<&str> = verdicts.iter().filter(|v| keep(v)).map(Verdict::words).collect();
        (!kept.is_empty()).then(|| kept.join(", "))
    };
    if let Some(words) = words(|v| matches!(v, Verdict::Never(_))) {
        return Verdict::Never(words);
    }
    if let Some(words) = words(|v| matches!(v, Verdict::Fails(_))) {
        return Verdict::Fails(words);
    }
    if let Some(words) = words(|v| matches!(v, Verdict::Unknown(_))) {
        return Verdict::Unknown(words);
    }
    Verdict::Holds(words(Verdict::holds).unwrap_or_else(|| "nothing to hold".to_owned()))
}

fn judge_any(
    conditions: &[Condition],
    scene: &Scene<'_>,
    streaks: &mut Streaks,
    key: &str,
) -> Verdict {
    let mut unknown = Vec::new();
    let (mut fails, mut hope) = (Vec::new(), conditions.is_empty());
    for (index, one) in conditions.iter().enumerate() {
        match judge(one, scene, streaks, &format!("{key}/{index}")) {
            Verdict::Holds(words) => return Verdict::Holds(words),
            Verdict::Unknown(words) => unknown.push(words),
            Verdict::Fails(words) => {
                hope = true;
                fails.push(words);
            }
            Verdict::Never(words) => fails.push(words),
        }
    }
    if unknown.is_empty() && !hope {
        Verdict::Never(fails.join(" and "))
    } else if unknown.is_empty() {
        Verdict::Fails(fails.join(" and "))
    } else {
        Verdict::Unknown(unknown.join(" and "))
    }
}

fn judge_deployment(id: &Template, limits: &Limits, scene: &Scene<'_>) -> Verdict {
    let Some(id) = id.resolve(scene.names) else {
        return Verdict::Unknown(format!("`{id}` has no value yet"));
    };
    let Some(seen) = &scene.world.service else {
        return Verdict::Unknown("the service is not known".to_owned());
    };
    aged("the service", seen.at, limits, scene).unwrap_or_else(|| rollout::judge(&seen.value, &id))
}

/// A canary that fell silent proves nothing: its beat is a second, its deadline less than two.
const PROBE_AGE_MAX: Duration = Duration::from_secs(5);

fn judge_probe(consecutive: usize, scene: &Scene<'_>) -> Verdict {
    let Some(newest) = scene.world.probe.last() else {
        return Verdict::Unknown("nothing was probed yet".to_owned());
    };
    let age = (scene.now - newest.at).to_std().unwrap_or_default();
    if age > PROBE_AGE_MAX {
        return Verdict::Unknown(format!("the newest probe is {}s old", age.as_secs()));
    }
    let mut row = 0;
    let counted = scene.world.probe.iter().rev();
    for outcome in counted.take_while(|one| scene.after.is_none_or(|after| one.at >= after)) {
        if !outcome.ok {
            break;
        }
        row += 1;
        if row >= consecutive {
            return Verdict::Holds(format!("{consecutive} probes in a row succeeded"));
        }
    }
    if newest.ok {
        Verdict::Unknown(format!("{row} of {consecutive} probes in a row succeeded"))
    } else {
        Verdict::Fails("the newest probe failed".to_owned())
    }
}

/// Why an answer may not be used, if so.
fn aged(what: &str, at: DateTime<Utc>, limits: &Limits, scene: &Scene<'_>) -> Option<Verdict> {
    if scene.after.is_some_and(|after| at < after) {
        return Some(Verdict::Unknown(format!("{what} was last seen before this step")));
    }
    let age = (scene.now - at).to_std().unwrap_or_default();
    (age > limits.max_age).then(|| {
        Verdict::Unknown(format!(
            "{what} was last seen {}s ago, {} allowed",
            age.as_secs(),
            print_duration(limits.max_age)
        ))
    })
}

/// A condition that must hold for a while holds only after that while.
fn held(
    verdict: Verdict,
    limits: &Limits,
    scene: &Scene<'_>,
    streaks: &mut Streaks,
    key: &str,
) -> Verdict {
    if limits.holds.is_zero() {
        return verdict;
    }
    let lasted = streaks.note(key, verdict.holds(), scene.now);
    match verdict {
        Verdict::Holds(words) if lasted < limits.holds => Verdict::Unknown(format!(
            "{words} for {}s of {}",
            lasted.as_secs(),
            print_duration(limits.holds)
        )),
        other => other,
    }
}

fn round(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Test {
    fn judge(&self, what: &str, value: &str, names: &Names) -> Verdict {
        let Some(operand) = self.operand.resolve(names) else {
            return Verdict::Unknown(format!("`{}` has no value yet", self.operand));
        };
        let words = format!("{what} is {value}");
        let wanted = format!("{words}, not {} {operand}", self.operator);
        let numbers = value.parse::<f64>().ok().zip(operand.parse::<f64>().ok());
        let holds = match (self.operator, numbers) {
            (Operator::Equal, _) => value == operand,
            (Operator::NotEqual, _) => value != operand,
            (Operator::Less, Some((value, limit))) => value < limit,
            (Operator::AtMost, Some((value, limit))) => value <= limit,
            (Operator::More, Some((value, limit))) => value > limit,
            (Operator::AtLeast, Some((value, limit))) => value >= limit,
            (_, None) => return Verdict::Unknown(format!("{words}, which is no number")),
        };
        if holds { Verdict::Holds(words) } else { Verdict::Fails(wanted) }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        })
    }
}

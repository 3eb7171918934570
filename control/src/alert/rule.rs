//! Does a rule's condition hold? Pure.

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Reading;

use super::{Condition, Findings, Rule};
use crate::app::Signals;
use crate::fleet::Fleet;
use crate::slo::{History, Slo, burning};

/// A database that was last seen longer ago than this is not seen.
const SEEN_AGE_MAX: TimeDelta = TimeDelta::seconds(30);

/// Three-valued, because a question that cannot be answered has not been answered with no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    Clear,
    Unknown,
}

/// The verdict, and the value beside its limit in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub verdict: Verdict,
    pub text: String,
}

/// Everything that a rule may ask.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub signals: &'a Signals,
    pub fleet: &'a Fleet,
    pub history: &'a History,
    pub slos: &'a [Slo],
    pub findings: &'a Findings,
}

/// Evaluates one rule.
#[must_use]
pub fn evaluate(rule: &Rule, known: &Known<'_>, now: DateTime<Utc>) -> Finding {
    let signals = known.signals;
    match &rule.condition {
        Condition::Above { signal, limit } => compare(signals, signal, *limit, '>', |v, l| v > l),
        Condition::Below { signal, limit } => compare(signals, signal, *limit, '<', |v, l| v < l),
        Condition::NoData { signal } => no_data(signals, signal, now),
        Condition::WriterDown => writer_down(known.fleet, now),
        Condition::Burn { slo, limit } => match known.slos.iter().find(|one| one.name == *slo) {
            Some(slo) => burning(slo, known.history, limit, now),
            None => Finding::unknown(format!("there is no objective {slo}")),
        },
        Condition::Anomaly { signal } => known.history.unusual(signal, now),
        Condition::Finding { name } => known.findings.look(name, now),
    }
}

impl Finding {
    /// A question that cannot be answered.
    #[must_use]
    pub fn unknown(text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, text: text.into() }
    }
}

fn compare(
    signals: &Signals,
    signal: &str,
    limit: f64,
    sign: char,
    holds: impl Fn(f64, f64) -> bool,
) -> Finding {
    let reading = signals.reading(signal);
    let Some(value) = reading.fresh() else {
        return Finding::unknown(format!("{} is {}", word(signal), quality(&reading)));
    };
    let (verdict, sign) = if holds(value, limit) {
        (Verdict::Holds, sign)
    } else {
        (Verdict::Clear, if sign == '>' { '≤' } else { '≥' })
    };
    Finding { verdict, text: format!("{} {sign} {}", say(signal, value), amount(signal, limit)) }
}

fn no_data(signals: &Signals, signal: &str, now: DateTime<Utc>) -> Finding {
    let reading = signals.reading(signal);
    if reading.fresh().is_some() {
        return Finding { verdict: Verdict::Clear, text: format!("{} is fresh", word(signal)) };
    }
    let last = match reading.last() {
        Some((_, at)) => format!(", last known {} s ago", (now - at).num_seconds()),
        None => String::new(),
    };
    let text = format!("{} is {}{last}", word(signal), quality(&reading));
    Finding { verdict: Verdict::Holds, text }
}

fn writer_down(fleet: &Fleet, now: DateTime<Utc>) -> Finding {
    let Some(seen) = fleet.database.as_ref().filter(|seen| now - seen.at <= SEEN_AGE_MAX) else {
        return Finding::unknown("the database cluster is not seen");
    };
    let database = &seen.value;
    match database.writer() {
        Some(writer) if writer.status == "available" => {
            let text = format!("writer {} is available", writer.id);
            Finding { verdict: Verdict::Clear, text }
        }
        Some(writer) => {
            let text = format!("writer {} is {}", writer.id, writer.status);
            Finding { verdict: Verdict::Holds, text }
        }
        None => {
            let text = format!("{} has no writer; it is {}", database.cluster, database.status);
            Finding { verdict: Verdict::Holds, text }
        }
    }
}

/// The signal's name without its unit.
fn word(signal: &str) -> String {
    unit(signal).0.replace('_', " ")
}

fn unit(signal: &str) -> (&str, &'static str) {
    let units = [("_ms", " ms"), ("_percent", "%"), ("_seconds", " s")];
    let found = units.iter().find_map(|(suffix, unit)| Some((signal.strip_suffix(suffix)?, *unit)));
    found.unwrap_or((signal, ""))
}

fn say(signal: &str, value: f64) -> String {
    format!("{} {}", word(signal), amount(signal, value))
}

fn amount(signal: &str, value: f64) -> String {
    let unit = unit(signal).1;
    // Three digits say enough; small values keep their fraction.
    if value.abs() >= 100.0 { format!("{value:.0}{unit}") } else { format!("{value:.3}{unit}") }
        .replacen(".000", "", 1)
}

fn quality(reading: &Reading) -> &'static str {
    match reading {
        Reading::Fresh { .. } => "fresh",
        Reading::Stale { .. } => "stale",
        Reading::Partial { .. } => "partial",
        Reading::Absent => "absent",
        Reading::Error => "unreadable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples::{fleet, second};
    use protocol::control::Severity;

    fn rule(condition: Condition) -> Rule {
        Rule {
            name: "r".to_owned(),
            severity: Severity::P1,
            condition,
            hold_for: TimeDelta::seconds(60),
            clear_for: TimeDelta::seconds(30),
            runbook: None,
            resource: None,
            symptom_of: vec![],
            expected_in: vec![],
        }
    }

    fn look(rule: &Rule, signals: &Signals, fleet: &Fleet, now: DateTime<Utc>) -> Finding {
        let (history, findings) = (History::default(), Findings::default());
        let (history, findings) = (&history, &findings);
        evaluate(rule, &Known { signals, fleet, history, slos: &[], findings }, now)
    }

    fn signals(reading: Reading) -> Signals {
        let mut signals = Signals::default();
        signals.readings.insert("p95_ms".to_owned(), reading);
        signals
    }

    #[test]
    fn a_reading_that_is_not_fresh_answers_nothing() {
        let at = second(-20);
        let above = || Condition::Above { signal: "p95_ms".to_owned(), limit: 100.0 };
        let below = || Condition::Below { signal: "p95_ms".to_owned(), limit: 100.0 };
        let no_data = || Condition::NoData { signal: "p95_ms".to_owned() };
        #[rustfmt::skip]
        let table = [
            (above(), Reading::Fresh { value: 182.4, at },  Verdict::Holds,   "p95 182 ms > 100 ms"),
            (above(), Reading::Fresh { value: 100.0, at },  Verdict::Clear,   "p95 100 ms ≤ 100 ms"),
            (above(), Reading::Fresh { value: 8.25, at },   Verdict::Clear,   "p95 8.250 ms ≤ 100 ms"),
            (above(), Reading::Stale { value: 182.4, at },  Verdict::Unknown, "p95 is stale"),
            (above(), Reading::Partial { value: 1.0, at },  Verdict::Unknown, "p95 is partial"),
            (above(), Reading::Absent,                      Verdict::Unknown, "p95 is absent"),
            (above(), Reading::Error,                       Verdict::Unknown, "p95 is unreadable"),
            (below(), Reading::Fresh { value: 99.0, at },   Verdict::Holds,   "p95 99 ms < 100 ms"),
            (below(), Reading::Fresh { value: 100.0, at },  Verdict::Clear,   "p95 100 ms ≥ 100 ms"),
            (below(), Reading::Absent,                      Verdict::Unknown, "p95 is absent"),
            (no_data(), Reading::Fresh { value: 0.0, at },  Verdict::Clear,   "p95 is fresh"),
            (no_data(), Reading::Stale { value: 0.0, at },  Verdict::Holds,   "p95 is stale, last known 20 s ago"),
            (no_data(), Reading::Absent,                    Verdict::Holds,   "p95 is absent"),
        ];
        for (condition, reading, verdict, text) in table {
            let finding = look(&rule(condition), &signals(reading), &Fleet::default(), second(0));
            assert_eq!((finding.verdict, finding.text.as_str()), (verdict, text));
        }
    }

    #[test]
    fn a_cluster_without_exactly_one_available_writer_has_its_writer_down() {
        let now = second(100);
        let seen = |change: &dyn Fn(&mut Fleet)| {
            let mut fleet = fleet(3, now);
            change(&mut fleet);
            look(&rule(Condition::WriterDown), &Signals::default(), &fleet, now)
        };
        fn instances(fleet: &mut Fleet) -> &mut Vec<crate::fleet::DatabaseInstance> {
            &mut fleet.database.as_mut().unwrap().value.instances
        }
        let fine = seen(&|_| ());
        assert_eq!(
            (fine.verdict, fine.text.as_str()),
            (Verdict::Clear, "writer wallet-local-1 is available")
        );
        let none = seen(&|fleet| instances(fleet)[0].writer = false);
        assert_eq!(
            (none.verdict, none.text.as_str()),
            (Verdict::Holds, "wallet-local has no writer; it is available")
        );
        let two = seen(&|fleet| instances(fleet)[1].writer = true);
        assert_eq!(two.verdict, Verdict::Holds);
        let failed = seen(&|fleet| instances(fleet)[0].status = "failed".to_owned());
        assert_eq!(
            (failed.verdict, failed.text.as_str()),
            (Verdict::Holds, "writer wallet-local-1 is failed")
        );
        let old = seen(&|fleet| fleet.database.as_mut().unwrap().at = second(60));
        assert_eq!(old.verdict, Verdict::Unknown);
        let never = seen(&|fleet| fleet.database = None);
        assert_eq!(never.verdict, Verdict::Unknown);
    }
}

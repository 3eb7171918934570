//! What other parts of control find wrong, by name.
//!
//! A part calls [`Findings::report`] in each of its passes, whether the condition holds or not,
//! and a rule of that name turns it into an episode. It must go on reporting: a report that is
//! old is unknown, and unknown begins nothing and ends nothing. The names in [`BUILT_IN`] have a
//! rule without being configured; the environment's file may replace it by one of the same name.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::Severity;
use tokio::sync::watch;

use super::rule::{Finding, Verdict};
use super::{Condition, Rule};

/// Slower than the slowest loop that reports, which is the one over the bill.
const REPORT_AGE_MAX: TimeDelta = TimeDelta::minutes(20);
/// Names that are kept; there are a dozen.
const NAMES_MAX: usize = 64;
/// A condition that comes and goes is one episode.
const CLEAR_FOR: TimeDelta = TimeDelta::minutes(2);

/// Findings that have a rule of their own.
pub const BUILT_IN: [(&str, Severity); 11] = [
    // A change whose fate nobody could find out: it waits for a human.
    ("intent-unresolved", Severity::P1),
    // A new configuration was refused and the old one stays.
    ("configuration-refused", Severity::P2),
    // Capacity is decided without readings.
    ("scaling-blind", Severity::P2),
    // Messages to people are not accepted by any channel.
    ("delivery-failing", Severity::P2),
    // Our clock and AWS's differ too much to act.
    ("clock-skewed", Severity::P2),
    ("journal-failing", Severity::P1),
    ("budget-50", Severity::P4),
    ("budget-80", Severity::P3),
    ("budget-100", Severity::P2),
    ("budget-forecast", Severity::P3),
    ("cost-anomaly", Severity::P3),
];

/// Where parts report and rules look. A clone is another handle.
#[derive(Clone, Debug)]
pub struct Findings(Arc<watch::Sender<BTreeMap<String, Report>>>);

#[derive(Clone, Debug)]
struct Report {
    finding: Finding,
    at: DateTime<Utc>,
}

impl Default for Findings {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeMap::new())))
    }
}

impl Findings {
    /// Says whether a condition holds, in words that a person can act on.
    pub fn report(&self, name: &str, verdict: Verdict, text: &str, now: DateTime<Utc>) {
        self.0.send_modify(|reports| {
            if reports.len() >= NAMES_MAX && !reports.contains_key(name) {
                tracing::error!(name, "a finding beyond the first {NAMES_MAX} names is not kept");
                return;
            }
            let finding = Finding { verdict, text: text.to_owned() };
            reports.insert(name.to_owned(), Report { finding, at: now });
        });
    }

    /// The newest report, unless it is old.
    #[must_use]
    pub fn look(&self, name: &str, now: DateTime<Utc>) -> Finding {
        match self.0.borrow().get(name) {
            None => Finding::unknown(format!("{name} is not reported")),
            Some(report) if now - report.at > REPORT_AGE_MAX => {
                let age = (now - report.at).num_seconds();
                Finding::unknown(format!("{name} was last reported {age} s ago"))
            }
            Some(report) => report.finding.clone(),
        }
    }
}

/// The rules of [`BUILT_IN`] that `named` does not replace.
pub(crate) fn built_in_rules(named: &[Rule]) -> Vec<Rule> {
    let replaced = |name: &str| named.iter().any(|rule| rule.name == name);
    let missing = BUILT_IN.iter().filter(|(name, _)| !replaced(name));
    missing.map(|(name, severity)| built_in(name, *severity)).collect()
}

fn built_in(name: &str, severity: Severity) -> Rule {
    Rule {
        name: name.to_owned(),
        severity,
        condition: Condition::Finding { name: name.to_owned() },
        hold_for: TimeDelta::zero(),
        clear_for: CLEAR_FOR,
        runbook: None,
        resource: Some("control".to_owned()),
        symptom_of: vec![],
        expected_in: vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::samples::second;

    #[test]
    fn a_report_is_unknown_before_it_is_made_and_after_it_is_old() {
        let findings = Findings::default();
        let verdict = |at| findings.look("budget-80", second(at)).verdict;
        assert_eq!(verdict(0), Verdict::Unknown);
        findings.report("budget-80", Verdict::Holds, "82 % is spent", second(0));
        assert_eq!(
            (verdict(0), verdict(1_200), verdict(1_201)),
            (Verdict::Holds, Verdict::Holds, Verdict::Unknown)
        );
        findings.report("budget-80", Verdict::Clear, "12 % is spent", second(1_300));
        assert_eq!(findings.look("budget-80", second(1_301)).text, "12 % is spent");
    }

    #[test]
    fn names_are_bounded() {
        let findings = Findings::default();
        for n in 0..=NAMES_MAX {
            findings.report(&format!("n{n}"), Verdict::Holds, "x", second(0));
        }
        assert_eq!(findings.look(&format!("n{NAMES_MAX}"), second(0)).verdict, Verdict::Unknown);
        findings.report("n0", Verdict::Clear, "y", second(1));
        assert_eq!(findings.look("n0", second(1)).verdict, Verdict::Clear, "known names go on");
    }
}

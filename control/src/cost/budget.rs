//! Where a month stands against its budget, as findings that the alerts take in. Pure.
//!
//! Each finding holds, does not hold, or is not known. Only the highest threshold that was reached
//! holds, so that one thing is one alert. What rests on a stale bill is not known, and neither
//! starts nor ends an alert.

use protocol::control::Severity;

use super::dollars;
use super::month::Month;

/// A condition that the cost part has looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub name: &'static str,
    pub severity: Severity,
    /// `None`: not known.
    pub holds: Option<bool>,
    /// What was found, with its figures.
    pub summary: String,
}

/// Shares of the budget that are told of when spent, in percent, lowest first.
const SPENT: [(&str, Severity, i64); 3] = [
    ("budget-50", Severity::P4, 50),
    ("budget-80", Severity::P3, 80),
    ("budget-100", Severity::P2, 100),
];
const FORECAST: (&str, Severity, i64) = ("budget-forecast", Severity::P3, 100);

/// What the month says of its budget: one finding for each threshold.
#[must_use]
pub fn findings(month: &Month, budget_micros: u64) -> Vec<Finding> {
    let spent = month.spent.and_then(|micros| percent(micros, budget_micros));
    let end = month.forecast.as_ref().and_then(|one| percent(one.micros, budget_micros));
    let words = |what: &str, micros: Option<i64>, percent: Option<i64>| match (micros, percent) {
        (Some(micros), Some(percent)) => format!(
            "{what} {} of {}, {percent} %",
            dollars(micros),
            dollars(super::signed(budget_micros))
        ),
        _ => format!("{what} is not known: {}", month.unknown),
    };
    let of_spent = words("spent this month:", month.spent, spent);
    let reached = spent.map(|spent| SPENT.iter().rev().find(|(_, _, at)| spent >= *at));
    let mut findings: Vec<Finding> = SPENT
        .iter()
        .map(|(name, severity, _)| Finding {
            name,
            severity: *severity,
            holds: reached.map(|reached| reached.is_some_and(|(held, ..)| held == name)),
            summary: of_spent.clone(),
        })
        .collect();
    let (name, severity, limit) = FORECAST;
    // Once it is spent, that it will be is no news.
    let holds = end.zip(spent).map(|(end, spent)| end >= limit && spent < limit);
    let micros = month.forecast.as_ref().map(|one| one.micros);
    let summary = words("forecast for the month's end:", micros, end);
    findings.push(Finding { name, severity, holds, summary });
    findings
}

/// An amount in percent of the budget, rounded down.
#[must_use]
pub fn percent(micros: i64, budget_micros: u64) -> Option<i64> {
    let share = (i128::from(micros) * 100).checked_div(i128::from(budget_micros))?;
    i64::try_from(share).ok()
}

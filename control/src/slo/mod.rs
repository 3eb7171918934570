//! Objectives: how fast an error budget is spent, and what is left of it. Pure, but for the loop
//! in [`watch`] that reads the long series which this needs.
//!
//! A rule on a burn rate looks at a long and a short window at once: the long one says that it
//! matters, the short one that it still goes on. The usual limits (14.4 over 1 h and 5 m, 6 over
//! 6 h and 30 m, 1 over 3 d and 6 h) are those of the Site Reliability Workbook, chapter 5: they
//! spend 2 %, 5 % and 10 % of a month's budget. Minutes of which nothing is known are left out
//! and counted; where too few are known, nothing is said.

mod history;
pub mod watch;
#[cfg(test)]
mod watch_tests;

use chrono::{DateTime, TimeDelta, Utc};
use protocol::control::SloView;

use crate::alert::rule::{Finding, Verdict};
pub use history::{Counts, History};

/// Less than half of a window says little about the rest.
const KNOWN_MIN: f64 = 0.5;

/// One objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    pub name: String,
    /// The signals that count all requests and the bad ones.
    pub total: String,
    pub bad: String,
    /// The share of requests that may be bad: 0.0001 for 99.99 %.
    pub budget: f64,
    /// Over which the budget is granted.
    pub window: TimeDelta,
    /// Fewer requests than this in a window cannot spend a budget worth a page: one error in
    /// three requests is a burn rate of thousands.
    pub requests_min: f64,
}

/// Spending this many times faster than granted, over both windows, is too fast.
#[derive(Clone, Debug, PartialEq)]
pub struct BurnLimit {
    pub factor: f64,
    pub long: TimeDelta,
    pub short: TimeDelta,
}

/// How fast the budget is spent over one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Burn {
    /// Too little is known: this share of the window.
    Unknown { known: f64 },
    /// Too few requests to matter.
    Quiet { requests: f64 },
    /// Times the granted rate.
    Rate { factor: f64, known: f64 },
}

/// The burn rate over the window that ends now.
#[must_use]
pub fn burn(slo: &Slo, history: &History, window: TimeDelta, now: DateTime<Utc>) -> Burn {
    let (counts, known) = history.over(&slo.name, window, now);
    if known < KNOWN_MIN {
        Burn::Unknown { known }
    } else if counts.total < slo.requests_min {
        Burn::Quiet { requests: counts.total }
    } else {
        Burn::Rate { factor: counts.bad / counts.total / slo.budget, known }
    }
}

/// Is the budget spent too fast?
#[must_use]
pub fn burning(slo: &Slo, history: &History, limit: &BurnLimit, now: DateTime<Utc>) -> Finding {
    let (long, short) = (burn(slo, history, limit.long, now), burn(slo, history, limit.short, now));
    let text = format!(
        "{} burns {} over {} and {} over {}; limit {}",
        slo.name,
        say(long),
        span(limit.long),
        say(short),
        span(limit.short),
        limit.factor
    );
    let verdict = match (long, short) {
        (Burn::Rate { factor: long, .. }, Burn::Rate { factor: short, .. })
            if long >= limit.factor && short >= limit.factor =>
        {
            Verdict::Holds
        }
        // One window that is known to be below its limit is enough to be clear.
        (Burn::Rate { factor, .. }, _) | (_, Burn::Rate { factor, .. })
            if factor < limit.factor =>
        {
            Verdict::Clear
        }
        (Burn::Quiet { .. }, _) | (_, Burn::Quiet { .. }) => Verdict::Clear,
        _ => Verdict::Unknown,
    };
    Finding { verdict, text }
}

/// The share of the budget that is left, below zero when it is overspent; `None` while too little
/// is known.
#[must_use]
pub fn budget_left(slo: &Slo, history: &History, now: DateTime<Utc>) -> Option<f64> {
    let (counts, known) = history.over(&slo.name, slo.window, now);
    (known >= KNOWN_MIN && counts.total > 0.0)
        .then(|| 1.0 - counts.bad / (counts.total * slo.budget))
}

/// Every objective as dashboards read it.
#[must_use]
pub fn views(slos: &[Slo], history: &History, now: DateTime<Utc>) -> Vec<SloView> {
    let view = |slo: &Slo| SloView {
        name: slo.name.clone(),
        objective_percent: (1.0 - slo.budget) * 100.0,
        window_days: slo.window.as_seconds_f64() / 86_400.0,
        budget_left_percent: budget_left(slo, history, now).map(|left| left * 100.0),
        burn_1h: match burn(slo, history, TimeDelta::hours(1), now) {
            Burn::Rate { factor, .. } => Some(factor),
            Burn::Unknown { .. } | Burn::Quiet { .. } => None,
        },
    };
    slos.iter().map(view).collect()
}

fn say(burn: Burn) -> String {
    match burn {
        Burn::Unknown { known } => format!("unknown ({:.0} % of it known)", known * 100.0),
        Burn::Quiet { requests } => format!("nothing ({requests:.0} requests)"),
        Burn::Rate { factor, known } if known < 0.995 => {
            format!("{factor:.1}x ({:.0} % of it known)", known * 100.0)
        }
        Burn::Rate { factor, .. } => format!("{factor:.1}x"),
    }
}

fn span(window: TimeDelta) -> String {
    crate::document::print_duration(window.to_std().unwrap_or_default())
}

//! Spans in which nobody is told: silences that people make, and windows of a calendar. Pure.
//!
//! Both end by themselves. A silenced episode takes its way as any other and is recorded, its end
//! included; when the silence ends before the episode does, people are told.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc, Weekday};
use protocol::control::Matchers;
/// Written down and shown as it is.
pub use protocol::control::SilenceView as Silence;

use super::Rule;

/// The longest silence: a day. What shall be quiet for longer is a window in the file, reviewed.
pub const SILENCE_MAX: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
/// How far ahead one may be announced.
pub(super) const AHEAD_MAX: TimeDelta = TimeDelta::days(30);
/// Silences that stand or are announced, in one environment.
pub(super) const SILENCES_MAX: usize = 100;

/// True while nobody is told.
#[must_use]
pub(super) fn stands(silence: &Silence, now: DateTime<Utc>) -> bool {
    silence.starts_at <= now && now < silence.ends_at
}

/// True when the rule is what all given matchers say. Without any nothing matches.
#[must_use]
pub(super) fn matches(matchers: &Matchers, rule: &Rule) -> bool {
    let Matchers { rule: name, resource, severity } = matchers;
    let given = name.is_some() || resource.is_some() || severity.is_some();
    let named = name.as_deref().is_none_or(|name| match name.strip_suffix('*') {
        Some(start) => rule.name.starts_with(start),
        None => rule.name == name,
    });
    let about = resource.is_none() || *resource == rule.resource;
    given && named && about && severity.is_none_or(|severity| severity == rule.severity)
}

/// A maintenance window that comes back each week until a date. Times are UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub name: String,
    pub weekday: Weekday,
    /// From midnight.
    pub at: TimeDelta,
    pub lasts: TimeDelta,
    /// The last day on which it begins.
    pub until: NaiveDate,
    pub matchers: Matchers,
    pub reason: String,
}

impl Window {
    /// The window that stands at `now`, or else the next one; `None` after its last day.
    #[must_use]
    pub fn silence(&self, environment: &str, now: DateTime<Utc>) -> Option<Silence> {
        let today = now.date_naive();
        // The one that began up to a week ago may stand still.
        let days = (0..=14)
            .filter_map(|n| today.checked_sub_days(Days::new(7))?.checked_add_days(Days::new(n)));
        let begins = days.filter(|day| day.weekday() == self.weekday && *day <= self.until);
        let mut spans = begins.map(|day| {
            let starts_at = day.and_time(chrono::NaiveTime::MIN).and_utc() + self.at;
            (starts_at, starts_at + self.lasts)
        });
        let (starts_at, ends_at) = spans.find(|(_, ends_at)| now < *ends_at)?;
        Some(Silence {
            id: format!("{environment}.window.{}.{}", self.name, starts_at.timestamp()),
            environment: environment.to_owned(),
            matchers: self.matchers.clone(),
            reason: self.reason.clone(),
            by: "calendar".to_owned(),
            starts_at,
            ends_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Condition;
    use super::*;
    use protocol::control::Severity;

    fn rule() -> Rule {
        Rule {
            name: "latency-high".to_owned(),
            severity: Severity::P2,
            condition: Condition::WriterDown,
            hold_for: TimeDelta::zero(),
            clear_for: TimeDelta::zero(),
            runbook: None,
            resource: Some("service".to_owned()),
            symptom_of: vec![],
            expected_in: vec![],
        }
    }

    #[test]
    fn all_given_matchers_must_match_and_none_matches_nothing() {
        let text = |text: &str| Some(text.to_owned());
        #[rustfmt::skip]
        let table = [
            (None, None, None, false),
            (text("latency-high"), None, None, true),
            (text("latency-*"), None, None, true),
            (text("*"), None, None, true),
            (text("latency"), None, None, false),
            (None, text("service"), None, true),
            (None, text("database"), None, false),
            (None, None, Some(Severity::P2), true),
            (None, None, Some(Severity::P1), false),
            (text("latency-*"), text("service"), Some(Severity::P2), true),
            (text("latency-*"), text("database"), Some(Severity::P2), false),
        ];
        for (name, resource, severity, want) in table {
            let matchers = Matchers { rule: name, resource, severity };
            assert_eq!(matches(&matchers, &rule()), want, "{matchers:?}");
        }
    }

    #[test]
    fn a_window_comes_back_each_week_until_its_last_day() {
        let window = Window {
            name: "patching".to_owned(),
            weekday: Weekday::Sun,
            at: TimeDelta::hours(23),
            lasts: TimeDelta::hours(2),
            until: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
            matchers: Matchers::default(),
            reason: "the vendor patches".to_owned(),
        };
        #[rustfmt::skip]
        let table = [
            ("2026-11-15T22:59:59Z", Some("2026-11-15T23:00:00Z"), false),
            ("2026-11-15T23:00:00Z", Some("2026-11-15T23:00:00Z"), true),
            ("2026-11-16T00:59:59Z", Some("2026-11-15T23:00:00Z"), true), // Over midnight.
            ("2026-11-16T01:00:00Z", Some("2026-11-22T23:00:00Z"), false),
            ("2026-11-23T00:30:00Z", Some("2026-11-22T23:00:00Z"), true),
            ("2026-11-23T01:00:00Z", None, false),
        ];
        for (now, starts, on) in table {
            let now: DateTime<Utc> = now.parse().unwrap();
            let silence = window.silence("local", now);
            let began = silence.as_ref().map(|one| one.starts_at);
            assert_eq!(began, starts.map(|at| at.parse().unwrap()), "{now}");
            assert_eq!(silence.is_some_and(|one| stands(&one, now)), on, "{now}");
        }
    }
}

//! When the load was not ordinary: runs, drills and pages, as the journal tells of them. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::history::{HISTORY, Interval};
use crate::journal::Event;

/// Severities that are incidents. A warning is part of ordinary days.
const INCIDENTS: [&str; 2] = ["P1", "P2"];
/// Intervals remembered; a page an hour for four weeks is 672.
const INTERVALS_MAX: usize = 2_000;

/// The intervals of one environment.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    environment: String,
    /// By run or episode: from when to when, as far as is told.
    spans: BTreeMap<String, Interval>,
    /// Episodes that have not ended.
    open: BTreeMap<String, DateTime<Utc>>,
}

impl Masks {
    #[must_use]
    pub fn new(environment: &str) -> Self {
        Self { environment: environment.to_owned(), ..Self::default() }
    }

    /// Takes in one event; those of other environments and kinds say nothing.
    pub fn fold(&mut self, event: &Event) {
        let Some(subject) = event.subject.strip_prefix(&self.environment) else { return };
        if subject.starts_with("/run/") {
            self.stretch(&event.subject, event.at, event.at);
        } else if event.kind == "alert.firing" {
            let severity = event.data["severity"].as_str().unwrap_or_default();
            if INCIDENTS.contains(&severity) {
                self.open.entry(event.subject.clone()).or_insert(event.at);
            }
        } else if event.kind == "alert.resolved"
            && let Some(from) = self.open.remove(&event.subject)
        {
            self.stretch(&format!("{}@{}", event.subject, event.seq), from, event.at);
        }
    }

    fn stretch(&mut self, name: &str, from: DateTime<Utc>, to: DateTime<Utc>) {
        let span = self.spans.entry(name.to_owned()).or_insert(Interval { from, to });
        span.from = span.from.min(from);
        span.to = span.to.max(to);
        if self.spans.len() > INTERVALS_MAX {
            let oldest = self.spans.iter().min_by_key(|(_, span)| span.to);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.spans.remove(&name);
            }
        }
    }

    /// Every interval that reaches into the history of `now`; what has not ended lasts until now.
    #[must_use]
    pub fn intervals(&self, now: DateTime<Utc>) -> Vec<Interval> {
        let open = self.open.values().map(|from| Interval { from: *from, to: now });
        let all = self.spans.values().copied().chain(open);
        all.filter(|one| one.to > now - HISTORY).collect()
    }
}
